import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.heads import Head, LinearWeights, answer_heads, probabilities
from models.labels import HeadSpec
from models.ngrams import build_vocabulary

DRAW = np.random.default_rng(1)


def head(kind: str = "multiclass", labels: int = 4, ngrams: int = 0, **more: object) -> Head:
    names = tuple(f"label{place}" for place in range(labels))
    weights = LinearWeights(
        DRAW.normal(size=(labels, 8)).astype(np.float32),
        DRAW.normal(size=labels).astype(np.float32),
        DRAW.normal(size=(ngrams, labels)).astype(np.float16) if ngrams else None,
    )
    thresholds = np.full(labels, 0.5) if kind == "multilabel" else None
    spec = HeadSpec("topic", kind, names)  # type: ignore[arg-type]
    return Head(spec, weights, **{"temperature": 1.0, "thresholds": thresholds, **more})  # type: ignore[arg-type]


def test_multi_class_gives_the_best_three_in_order() -> None:
    (answer,) = head().answers(np.array([[0.0, 3.0, 1.0, 2.0]], np.float32))
    assert [label for label, _ in answer.labels] == ["label1", "label3", "label2"]
    chances = [chance for _, chance in answer.labels]
    assert chances == sorted(chances, reverse=True)
    assert sum(chances) < 1


def test_two_classes_have_two_alternatives() -> None:
    (answer,) = head(labels=2).answers(np.array([[0.0, 3.0]], np.float32))
    assert len(answer.labels) == 2
    assert sum(chance for _, chance in answer.labels) == pytest.approx(1)


def test_multi_label_gives_what_reaches_its_own_threshold() -> None:
    one = head("multilabel", 3, thresholds=np.array([0.5, 0.9, 0.2]))
    scores = np.array([[0.1, 1.0, -1.0], [-9.0, -9.0, -9.0]], np.float32)
    first, second = one.answers(scores)
    assert [label for label, _ in first.labels] == ["label0", "label2"]
    assert second.labels == ()
    assert not second.abstained, "an empty list is an answer"


def test_a_head_abstains_below_its_threshold_and_still_says_what_it_thought() -> None:
    scores = np.array([[0.0, 0.1, 0.0, 0.0], [0.0, 9.0, 0.0, 0.0]], np.float32)
    unsure, sure = head(abstain_below=0.6).answers(scores)
    assert (unsure.abstained, sure.abstained) == (True, False)
    assert unsure.labels[0][0] == "label1"
    assert not any(answer.abstained for answer in head().answers(scores))


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=6), st.floats(0.05, 20))
def test_probabilities_stay_in_bounds_and_keep_the_order(
    scores: list[float], temperature: float
) -> None:
    row = np.array([scores], np.float32)
    for kind in ("multiclass", "multilabel"):
        (chances,) = probabilities(row, temperature, kind)  # type: ignore[arg-type]
        assert ((chances >= 0) & (chances <= 1)).all()
        assert (np.diff(chances[np.argsort(row[0], kind="stable")]) >= 0).all()
    assert probabilities(row, temperature, "multiclass").sum() == pytest.approx(1)


def test_a_row_does_not_depend_on_its_batch_mates() -> None:
    texts = ["my card is lost", "my card is stolen", "card is wrong", "nothing known"] * 8
    vocabulary = build_vocabulary(texts)
    heads = [head(ngrams=len(vocabulary)), head("multilabel", ngrams=len(vocabulary))]
    embeddings = DRAW.normal(size=(len(texts), 8)).astype(np.float32)
    for one in heads:
        rows = [vocabulary.row(text) for text in texts]
        together = one.scores(embeddings, rows)
        alone = [one.scores(embeddings[i : i + 1], rows[i : i + 1])[0] for i in range(len(texts))]
        assert np.abs(together - np.array(alone)).max() < 1e-5


def test_ngrams_move_the_scores_of_the_rows_that_hold_them() -> None:
    vocabulary = build_vocabulary(["refund now", "refund now"])
    weights = LinearWeights(
        np.zeros((2, 4), np.float32),
        np.zeros(2, np.float32),
        np.zeros((len(vocabulary), 2), np.float16),
    )
    assert weights.ngrams is not None
    weights.ngrams[vocabulary.row("refund").places, 1] = 5.0
    one = Head(HeadSpec("topic", "multiclass", ("no", "yes")), weights, 1.0, None)
    answers = answer_heads([one], vocabulary, np.zeros((2, 4), np.float32), ["a refund", "hello"])
    assert answers[0]["topic"].labels[0][0] == "yes"
    assert answers[1]["topic"].labels[0][1] == pytest.approx(0.5)


def test_no_row_gives_no_answer() -> None:
    assert answer_heads([head()], build_vocabulary(()), np.empty((0, 8), np.float32), []) == []
