from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the extra heads")

from models.fitting.head_rows import LabelledRows, LearnableHead, ngram_matrix, sort_by_head
from models.fitting.logistic import Features
from models.heads import Head, LinearWeights
from models.labels import TrainingRow
from models.ngrams import build_vocabulary
from models.rows.dataset import schemas_of
from models.schemas import SchemaMasks


def sort(
    rows: list[TrainingRow], learn_count: int | None = None, min_label_rows: int = 1, **more: Any
):
    features = Features(np.zeros((len(rows), 4), np.float32))
    count = len(rows) if learn_count is None else learn_count
    return sort_by_head(LabelledRows(rows, features, count, min_label_rows, **more))


def rows_of(count: int) -> list[TrainingRow]:
    words = ["".join(chr(97 + int(digit)) for digit in str(place)) for place in range(count)]
    return [
        TrainingRow(id=word, body=word, labels={"topic": "ab"[place % 2]})
        for place, word in enumerate(words)
    ]


def test_a_row_is_learned_from_only_where_it_answers() -> None:
    rows = [*rows_of(20), TrainingRow(id="x", body="x", labels={"tags": ["t"]})]
    (tags, topic), refused = sort(rows)
    assert (tags.rows.spec.name, tags.learn_rows, topic.learn_rows) == ("tags", 1, 20)
    assert topic.rows.learn.tolist() == list(range(20))
    assert topic.rows.targets[20].sum() == 0
    assert refused == {}


@pytest.mark.parametrize("count", [40, 4000])
def test_rows_for_choosing_are_never_among_those_the_trial_is_fitted_on(count: int) -> None:
    (topic,), _ = sort(rows_of(count))
    for fit, check in topic.rows.trials:
        assert not set(fit.tolist()) & set(check.tolist())
        assert len(fit) + len(check) == count
    seen = [place for _, check in topic.rows.trials for place in check.tolist()]
    assert len(seen) == len(set(seen)) == (count if count < 3000 else count // 5)


def test_a_validation_file_is_chosen_by_and_never_learned_from() -> None:
    rows = rows_of(60)
    strange = TrainingRow(id="new", body="new", labels={"topic": "c"})
    (topic,), _ = sort([*rows, strange], learn_count=40)
    ((fit, check),) = topic.rows.trials
    assert topic.rows.learn.tolist() == fit.tolist() == list(range(40))
    assert check.tolist() == list(range(40, 60)), "an unknown label has no right answer"


def test_rows_that_nothing_has_learned_from_yet_are_chosen_on_and_not_fitted_on() -> None:
    choose = np.arange(0, 60, 3)
    (topic,), _ = sort(rows_of(60), choose=choose)
    ((fit, check),) = topic.rows.trials
    assert check.tolist() == choose.tolist()
    assert fit.tolist() == [place for place in range(60) if place % 3]
    assert topic.rows.learn.tolist() == list(range(60))


@pytest.mark.parametrize("answer", [[], ["a", "b"], ["c"]])
def test_a_row_without_exactly_one_known_label_is_not_chosen_on(answer: list[str]) -> None:
    odd = TrainingRow(id="odd", body="odd", labels={"topic": answer})
    (topic,), _ = sort([*rows_of(60), odd], learn_count=40)
    assert topic.rows.trials[0][1].tolist() == list(range(40, 60))


def test_a_head_of_which_only_the_out_of_scope_label_is_left_is_refused() -> None:
    tags = [["oos"], ["rare", "oos"], *[["oos"]] * 10]
    rows = [TrainingRow(id=str(n), body=str(n), labels={"tags": own}) for n, own in enumerate(tags)]
    heads, refused = sort(rows, min_label_rows=3, out_of_scope_label="oos")
    assert heads == []
    assert "no label with 3 rows but 'oos', which is out of scope" in refused["tags"]
    assert "lower --min-label-rows" in refused["tags"]
    assert len(sort(rows, min_label_rows=3)[0]) == 1


def test_rows_may_get_what_serving_will_allow_them() -> None:
    rows = [
        TrainingRow(id=str(n), body=row.body, tenant=tenant, labels={"topic": label})
        for n, (row, (tenant, label)) in enumerate(
            zip(
                rows_of(40),
                [("acme", "card"), ("acme", "oos"), ("globex", "loan"), (None, "other")] * 10,
                strict=True,
            )
        )
    ]
    (topic,), _ = sort(rows, schemas=schemas_of(rows), out_of_scope_label="oos")
    assert topic.rows.spec.labels == ("card", "loan", "oos", "other")
    assert topic.rows.allowed is not None
    may = np.array([[1, 0, 1, 1], [1, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1]], np.bool_)
    assert np.array_equal(topic.rows.allowed[:4], may)
    masks = SchemaMasks(schemas_of(rows), [topic.rows.spec]).of([r.tenant or "" for r in rows])
    assert masks is not None
    labels = len(topic.rows.spec.labels)
    zero = LinearWeights(np.zeros((labels, 4), np.float32), np.zeros(labels, np.float32), None)
    head = Head(topic.rows.spec, zero, 1.0, None, 0.0, "oos")
    scores = np.zeros((len(rows), labels), np.float32)
    assert np.array_equal(head.chances(scores, masks[0]) > 0, topic.rows.allowed)


def test_labels_below_the_least_number_of_rows_are_left_out_of_a_multi_label_head() -> None:
    rows = [
        TrainingRow(
            id=str(i), body=str(i), labels={"tags": ["often", *(["rare"] if i < 2 else [])]}
        )
        for i in range(12)
    ]
    (tags,), _ = sort(rows, min_label_rows=3)
    assert isinstance(tags, LearnableHead)
    assert (tags.rows.spec.labels, tags.rare_labels) == (("often",), ("rare",))
    heads, refused = sort(rows, min_label_rows=99)
    assert heads == []
    assert "no label with 99 rows (the most frequent, 'often', has 12)" in refused["tags"]
    assert "add rows, or lower --min-label-rows" in refused["tags"]


def test_the_matrix_holds_the_rows_of_the_vocabulary() -> None:
    texts = ["my card", "my card", "nothing here"]
    vocabulary = build_vocabulary(texts)
    matrix = ngram_matrix(vocabulary, texts).toarray()
    assert matrix.shape == (3, len(vocabulary))
    assert np.array_equal(
        matrix[0][vocabulary.row("my card").places], vocabulary.row("my card").weights
    )
    assert not matrix[2].any()
