"""The task of a tuning: what it learns from, what it must not see, and heads that count for nothing."""

from collections.abc import Mapping

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the extra heads")

from models.labels import TrainingRow
from models.rows.dataset import DatasetError
from models.tuning.rows import TuneRows, keep_back, make_task
from models.tuning.task import TuneTask

ROWS, WIDTH = 80, 4


def rows() -> list[TrainingRow]:
    """Even rows answer `topic`, odd ones `queue`."""
    words = ["".join(chr(97 + int(digit)) for digit in str(place)) for place in range(ROWS)]
    return [
        TrainingRow(
            id=word, body=word, labels={("topic", "queue")[place % 2]: "ab"[place // 2 % 2]}
        )
        for place, word in enumerate(words)
    ]


def task_of(
    embeddings: np.ndarray, choose: np.ndarray | None, weights: Mapping[str, float]
) -> TuneTask:
    own = TuneRows(
        rows=rows(),
        ids=[[2, 3]] * ROWS,
        texts=[row.body or "" for row in rows()],
        embeddings=embeddings,
        learn_count=ROWS,
        min_label_rows=1,
        weights=weights,
        start=lambda _: None,
        threads=1,
    )
    return make_task(own, choose)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(ROWS, WIDTH)).astype(np.float32)


def test_neither_encoder_nor_heads_learn_from_rows_that_are_chosen_on() -> None:
    choose = keep_back(rows(), ROWS)
    assert choose is not None
    assert len(choose) > 10
    first = noise(0)
    other = first.copy()
    other[choose] = noise(1)[choose]
    one, two = task_of(first, choose, {}), task_of(other, choose, {})
    assert not set(one.learn.tolist()) & set(choose.tolist())
    assert set(one.check.tolist()) == set(choose.tolist())
    assert len(one.learn) + len(one.check) == ROWS
    for before, after in zip(one.heads, two.heads, strict=True):
        assert np.array_equal(before.taught, after.taught), before.name
        assert np.array_equal(before.start.dense, after.start.dense), before.name
        assert np.array_equal(before.start.bias, after.start.bias), before.name


@pytest.mark.parametrize("hang_together", [True, False])
def test_a_row_is_taught_by_heads_that_learned_from_none_of_its_group(hang_together: bool) -> None:
    """Eight rows lie among those of `b` and say `a`: only they themselves could teach that."""
    wrong = [place for place in range(16) if place // 2 % 2]
    of_b = np.array([place // 2 % 2 for place in range(ROWS)])
    labelled = [
        TrainingRow(
            id=str(place), body="word", labels={"topic": "a" if place in wrong else "ab"[which]}
        )
        for place, which in enumerate(of_b)
    ]
    embeddings = np.where(of_b[:, None] == 1, 1.0, -1.0) * np.eye(WIDTH)[0] + 0.01 * noise(0)
    embeddings[wrong] = np.eye(WIDTH)[0] + np.eye(WIDTH)[1]
    own = TuneRows(
        rows=labelled,
        ids=[[2, 3]] * ROWS,
        texts=["word"] * ROWS,
        embeddings=embeddings.astype(np.float32),
        learn_count=ROWS,
        min_label_rows=1,
        weights={},
        start=lambda _: None,
        threads=1,
        groups=[ROWS if hang_together and place in wrong else place for place in range(ROWS)],
    )
    (head,) = make_task(own, np.empty(0, np.int64)).heads
    said = head.taught[wrong, 0]
    assert np.allclose(head.taught.sum(axis=1), 1.0, atol=1e-5)
    assert (said < 0.5).all() if hang_together else (said > 0.5).all(), said
    others = np.setdiff1d(np.arange(ROWS), [*wrong])
    assert (head.taught[others].argmax(axis=1) == of_b[others]).all()


def test_rows_of_heads_without_weight_are_not_learned_from() -> None:
    choose = np.arange(0, ROWS, 8)
    task = task_of(noise(0), choose, {"queue": 0.0})
    assert [head.name for head in task.heads] == ["queue", "topic"]
    assert all(place % 2 == 0 for place in task.learn.tolist())
    assert len(task.learn) == ROWS // 2 - len(choose)


def test_weights_that_leave_nothing_to_tune_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"\(queue, topic\) are 0: there is nothing to tune"):
        task_of(noise(0), None, {"queue": 0.0, "topic": 0.0})
