"""When a head answers alone: what it was asked for, on rows that its weights did not see."""

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("scipy", reason="needs the extra heads")

from models.fitting.abstention import choose_threshold, false_alarm_threshold
from models.fitting.calibrate import find_abstention
from models.labels import HeadSpec

SPEC = HeadSpec("topic", "multiclass", ("a", "b", "oos"))
Case = tuple[float, float, float, str]


def below(cases: list[Case], target: float | None, outside: str | None = "oos") -> float:
    chances = np.array([case[:3] for case in cases], np.float64)
    truth = np.array([[case[3] == label for label in SPEC.labels] for case in cases], np.float32)
    return find_abstention(SPEC, chances, truth, None, (target, outside))


def sure(count: int, chance: float, truth: str = "a") -> list[Case]:
    """Rows that are given label `a` with a probability; the rest is out of scope's."""
    return [(chance, 0.0, 1 - chance, truth)] * count


def test_the_stricter_of_two_wishes_is_kept() -> None:
    # nine in ten in-scope rows are sure; the target is reached only by the surest
    precise = [*sure(300, 0.9), *sure(100, 0.7, "b"), *sure(60, 0.6, "oos")]
    target_alone = below([case for case in precise if case[3] != "oos"], 0.95, None)
    assert below(precise, 0.95) == target_alone == 0.9
    # all answers are right: the target asks for nothing, the false alarms decide
    careful = [*sure(19, 0.6), *sure(381, 0.9), *sure(60, 0.55, "oos")]
    right = [case for case in careful if case[3] != "oos"]
    inside = np.array([case[0] for case in right])
    alarm, caught = false_alarm_threshold(inside, np.array([0.55] * 60))
    assert (alarm, caught) == (0.9, 1.0)
    assert choose_threshold(inside, np.ones(len(inside), np.bool_), 0.5).threshold == 0.0
    assert below(careful, 0.5) == alarm


def test_rows_given_to_the_out_of_scope_label_do_not_count_towards_the_target() -> None:
    # answers to `a` are right; the head hands the others over by calling them out of scope
    handed_over: list[Case] = [(0.4, 0.0, 0.6, "b")] * 100
    rows = [*sure(100, 0.8), *handed_over]
    assert below(sure(100, 0.8), 0.9) == pytest.approx(0.8)
    alarms = 0.0  # half of the in-scope rows are called out of scope already, at any threshold
    assert below(rows, 0.9) == alarms


def test_a_multi_label_head_counts_the_rows_that_it_gives_as_a_whole() -> None:
    spec = HeadSpec("tags", "multilabel", ("a", "b", "oos"))
    chances: npt.NDArray[np.float64] = np.array([[0.9, 0.1, 0.1]] * 100 + [[0.6, 0.1, 0.9]] * 100)
    truth = np.array([[1, 0, 0]] * 100 + [[0, 0, 1]] * 100, np.float32)
    thresholds = np.full(3, 0.5)
    assert find_abstention(spec, chances, truth, thresholds, (0.9, "oos")) == 0.0
    assert find_abstention(spec, chances, truth, thresholds, (0.9, None)) > 0.0


def test_nothing_asked_is_nothing_abstained() -> None:
    assert below(sure(30, 0.6, "b"), None, None) == 0.0
