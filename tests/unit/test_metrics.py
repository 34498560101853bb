import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.metrics import calibration_error, confusion, macro_f1, micro_f1

LABELS = st.sampled_from("abcd")
PAIRS = st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=40)
SETS = st.lists(st.tuples(st.sets(LABELS), st.sets(LABELS)), min_size=1, max_size=40)


@given(PAIRS)
def test_macro_f1_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, given_ = zip(*pairs, strict=True)
    assert macro_f1(truth, given_) == pytest.approx(
        metrics.f1_score(truth, given_, average="macro")
    )
    labels, matrix = confusion(truth, given_)
    if len(labels) > 1:  # scikit-learn warns about one
        assert matrix == metrics.confusion_matrix(truth, given_, labels=labels).tolist()


@given(SETS)
def test_micro_f1_is_that_of_scikit_learn(pairs: list[tuple[set[str], set[str]]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, given_ = (
        [[x in row for x in "abcd"] for row in side] for side in zip(*pairs, strict=True)
    )
    ours = micro_f1(*zip(*pairs, strict=True))
    wanted = [
        score(truth, given_, average="micro", zero_division=0)
        for score in (metrics.f1_score, metrics.precision_score, metrics.recall_score)
    ]
    assert ours == pytest.approx(tuple(wanted))


def test_calibration_error_is_zero_where_confidence_is_the_share_of_right_answers() -> None:
    assert calibration_error([0.75] * 4, [1, 1, 1, 0]) == pytest.approx(0)
    assert calibration_error([1.0] * 4, [1, 1, 0, 0]) == pytest.approx(0.5)
    assert calibration_error([], np.array([])) == 0
