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
        assert np.array_equal(before.start.dense, after.start.dense), before.name
        assert np.array_equal(before.start.bias, after.start.bias), before.name


def test_rows_of_heads_without_weight_are_not_learned_from() -> None:
    choose = np.arange(0, ROWS, 8)
    task = task_of(noise(0), choose, {"queue": 0.0})
    assert [head.name for head in task.heads] == ["queue", "topic"]
    assert all(place % 2 == 0 for place in task.learn.tolist())
    assert len(task.learn) == ROWS // 2 - len(choose)


def test_weights_that_leave_nothing_to_tune_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"\(queue, topic\) are 0: there is nothing to tune"):
        task_of(noise(0), None, {"queue": 0.0, "topic": 0.0})
