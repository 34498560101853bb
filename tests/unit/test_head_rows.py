import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the extra heads")

from models.fitting.head_rows import LabelledRows, LearnableHead, ngram_matrix, sort_by_head
from models.fitting.logistic import Features
from models.labels import TrainingRow
from models.ngrams import build_vocabulary


def sort(rows: list[TrainingRow], learn_count: int | None = None, min_label_rows: int = 1):
    features = Features(np.zeros((len(rows), 4), np.float32))
    return sort_by_head(
        LabelledRows(
            rows, features, len(rows) if learn_count is None else learn_count, min_label_rows
        )
    )


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
    assert "no label with 99 rows" in refused["tags"]


def test_the_matrix_holds_the_rows_of_the_vocabulary() -> None:
    texts = ["my card", "my card", "nothing here"]
    vocabulary = build_vocabulary(texts)
    matrix = ngram_matrix(vocabulary, texts).toarray()
    assert matrix.shape == (3, len(vocabulary))
    assert np.array_equal(
        matrix[0][vocabulary.row("my card").places], vocabulary.row("my card").weights
    )
    assert not matrix[2].any()
