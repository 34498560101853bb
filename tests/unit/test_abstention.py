from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.fitting.abstention import (
    NEVER_ALONE,
    choose_threshold,
    false_alarm_threshold,
    wilson_lower,
)

CHANCES = st.floats(0, 1, width=16)
ROWS = st.lists(st.tuples(CHANCES, st.booleans()), min_size=1, max_size=80)


@given(ROWS, st.sampled_from([0.5, 0.8, 0.95]))
def test_the_figures_of_a_threshold_are_those_of_the_rows_that_it_answers(
    rows: list[tuple[float, bool]], target: float
) -> None:
    sure, right = (np.array(column) for column in zip(*rows, strict=True))
    found = choose_threshold(sure, right, target)
    answered = right[sure >= found.threshold]
    assert found.coverage == pytest.approx(len(answered) / len(rows))
    if len(answered):
        assert found.precision == pytest.approx(answered.mean())
        assert found.precision >= target
    else:
        assert found.threshold == NEVER_ALONE


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_threshold(
    rows: list[tuple[float, bool]], shuffler: Random
) -> None:
    shuffled = shuffler.sample(rows, len(rows))
    assert choose_threshold(*zip(*rows, strict=True), 0.8) == choose_threshold(
        *zip(*shuffled, strict=True), 0.8
    )


def test_few_right_answers_prove_nothing_and_52_prove_95_percent() -> None:
    assert choose_threshold([0.9] * 20, [True] * 20, 0.95).threshold == NEVER_ALONE
    assert choose_threshold([0.9] * 52, [True] * 52, 0.95).threshold == 0
    assert choose_threshold([], [], 0.95).threshold == NEVER_ALONE


def test_rows_of_equal_confidence_are_answered_together() -> None:
    sure = [0.9] * 200 + [0.5] * 100
    right = [True] * 200 + [True] * 50 + [False] * 50
    assert choose_threshold(sure, right, 0.9).threshold == 0.9


def test_a_promise_of_precision_holds_on_other_rows_nine_times_in_ten() -> None:
    draw = np.random.default_rng(0)
    held = []
    for _ in range(100):
        sure = draw.uniform(0.5, 1, 1_000)  # calibrated: right as often as it is sure
        found = choose_threshold(sure, draw.random(1_000) < sure, 0.9)
        held.append((found.threshold + 1) / 2 >= 0.9)  # the true precision above a threshold
    assert np.mean(held) >= 0.9


def test_wilsons_bound_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for right, answered in ((0, 5), (9, 10), (95, 100), (100, 100)):
        interval = stats.binomtest(right, answered, alternative="greater").proportion_ci(
            0.95, method="wilson"
        )
        ours = wilson_lower(np.array([right]), np.array([answered]))[0]
        assert ours == pytest.approx(interval.low, abs=1e-9)


@pytest.mark.parametrize("target", [0.0, 1.0, 95.0])
def test_a_target_that_is_no_share_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match=r"use e\.g\. 0\.95"):
        choose_threshold([0.5], [True], target)


@given(
    st.lists(CHANCES, min_size=1, max_size=60),
    st.lists(CHANCES, max_size=60),
    st.sampled_from([0.0, 0.05, 0.3]),
)
def test_false_alarms_stay_within_their_share(
    inside: list[float], outside: list[float], share: float
) -> None:
    threshold, recall = false_alarm_threshold(inside, outside, share)
    assert sum(one < threshold for one in inside) <= share * len(inside)
    caught = [one < threshold for one in outside]
    assert recall == pytest.approx(np.mean(caught) if caught else 0)


def test_out_of_scope_rows_below_the_threshold_are_caught() -> None:
    threshold, recall = false_alarm_threshold(np.linspace(0.5, 1, 101), [0.1, 0.2, 0.51, 0.9])
    assert threshold == pytest.approx(0.525)
    assert recall == 0.75
    assert false_alarm_threshold([], [0.5]) == (0, 0)
