import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn, of the group dev")

from scipy import sparse
from sklearn.linear_model import LogisticRegression

import models.fitting.logistic
from models.fitting.calibrate import find_temperature, find_thresholds
from models.fitting.candidates import CANDIDATES, Candidate, HeadRows, HeadWishes, Judge
from models.fitting.fit import _choose, fit_head
from models.fitting.logistic import Features, fit_linear, linear_scores
from models.heads import probabilities
from models.labels import HeadSpec
from tests.fakes import InlinePool

DRAW = np.random.default_rng(5)
ROWS, LABELS = 240, 3


def problem() -> tuple[Features, np.ndarray, np.ndarray]:
    dense = DRAW.normal(size=(ROWS, 6)).astype(np.float32)
    ngrams = sparse.random(ROWS, 20, 0.2, "csr", np.float32, random_state=1)
    scores = dense @ DRAW.normal(size=(6, LABELS)) + ngrams @ DRAW.normal(size=(20, LABELS)) * 4
    truth = (scores + DRAW.gumbel(size=scores.shape)).argmax(axis=1)
    return Features(dense, ngrams), np.eye(LABELS, dtype=np.float32)[truth], truth


def test_the_optimum_is_that_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.fitting.logistic, "GRADIENT_TOLERANCE", 1e-6)
    features, targets, truth = problem()
    stacked = sparse.hstack([features.dense, features.ngrams]).tocsr()
    theirs = LogisticRegression(C=3.0, tol=1e-7, max_iter=2000).fit(stacked, truth)
    ours = fit_linear(features, targets, "softmax", 3.0)
    chances = probabilities(linear_scores(ours, features), 1.0, "multiclass")
    assert np.abs(chances - theirs.predict_proba(stacked)).max() < 1e-3


def test_each_label_of_a_sigmoid_fit_is_a_fit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.fitting.logistic, "GRADIENT_TOLERANCE", 1e-6)
    features, targets, _ = problem()
    ours = fit_linear(Features(features.dense), targets, "sigmoid", 3.0)
    for label in range(LABELS):
        theirs = LogisticRegression(C=3.0, tol=1e-7).fit(features.dense, targets[:, label])
        assert np.abs(ours.dense[label] - theirs.coef_[0]).max() < 5e-3
        assert abs(ours.bias[label] - theirs.intercept_[0]) < 5e-3


def test_the_gradient_is_that_of_the_loss() -> None:
    for loss, compute in models.fitting.logistic._SOFTMAX_OR_SIGMOID.items():
        scores = DRAW.normal(size=(1, 4)).astype(np.float32)
        targets = np.array([[0, 1, 0, 0]], np.float32)
        _, slope = compute(scores, targets)
        for place in range(4):
            step = np.zeros_like(scores)
            step[0, place] = 1e-2
            rise = compute(scores + step, targets)[0] - compute(scores - step, targets)[0]
            assert rise / 2e-2 == pytest.approx(slope[0, place], abs=1e-3), loss


def test_a_fit_begun_near_its_end_ends_there() -> None:
    features, targets, _ = problem()
    first = fit_linear(features, targets, "softmax", 10.0)
    again = fit_linear(features, targets, "softmax", 10.0, first)
    chances = [probabilities(linear_scores(w, features), 1.0, "multiclass") for w in (first, again)]
    assert np.abs(chances[0] - chances[1]).max() < 0.02


def head_rows(features: Features, targets: np.ndarray, kind: str = "multiclass") -> HeadRows:
    places = np.arange(ROWS)
    trials = [(places[places % 4 != part], places[places % 4 == part]) for part in range(4)]
    spec = HeadSpec("h", kind, ("a", "b", "c"))  # type: ignore[arg-type]
    return HeadRows(spec, features, targets, places, trials)


def test_ngrams_are_taken_only_where_they_earn_their_place() -> None:
    features, targets, _ = problem()
    with_words, choice = fit_head(head_rows(features, targets), CANDIDATES, InlinePool())
    assert choice.features == "embedding+ngrams"
    assert with_words.weights.ngrams is not None
    assert with_words.weights.ngrams.dtype == np.float16
    noise = sparse.random(ROWS, 20, 0.2, "csr", np.float32, random_state=2)
    clear = np.eye(LABELS, dtype=np.float32)[features.dense[:, :3].argmax(axis=1)]
    without, choice = fit_head(
        head_rows(Features(features.dense, noise), clear), CANDIDATES, InlinePool()
    )
    assert choice.features == "embedding"
    assert without.weights.ngrams is None


def test_about_as_good_is_not_better() -> None:
    assert _choose([0.900, 0.902, 0.901]) == 0
    assert _choose([0.900, 0.902, 0.910]) == 2
    assert _choose([]) == 0


def test_without_rows_for_choosing_the_simplest_is_taken_uncalibrated() -> None:
    features, targets, _ = problem()
    rows = HeadRows(
        HeadSpec("h", "multiclass", ("a", "b", "c")), features, targets, np.arange(ROWS), []
    )
    fitted, choice = fit_head(rows, CANDIDATES, InlinePool())
    assert (choice.features, fitted.temperature, choice.chosen_on_rows) == ("embedding", 1.0, 0)


def test_temperature_undoes_overconfidence() -> None:
    honest = DRAW.normal(size=(4000, 3)).astype(np.float32)
    truth = np.eye(3, dtype=np.float32)[(honest + DRAW.gumbel(size=honest.shape)).argmax(axis=1)]
    assert find_temperature(honest * 4, truth, "multiclass") == pytest.approx(4, rel=0.1)


def test_thresholds_of_rare_labels_lean_on_the_common_one() -> None:
    chances = np.tile(np.linspace(0.01, 0.99, 200)[:, None], (1, 2))
    truth = np.zeros((200, 2), np.float32)
    truth[120:, 0] = 1  # best cut at 0.6
    truth[199, 1] = 1  # one row alone says 0.95
    frequent, rare = find_thresholds(chances, truth)
    assert frequent == pytest.approx(0.6, abs=0.05)
    assert rare < 0.7


def test_equal_rows_give_equal_heads() -> None:
    features, targets, _ = problem()
    candidate = [Candidate("embedding+ngrams", 10.0)]
    first, _ = fit_head(head_rows(features, targets), candidate, InlinePool())
    second, _ = fit_head(head_rows(features, targets), candidate, InlinePool())
    assert np.array_equal(first.weights.dense, second.weights.dense)
    assert first.temperature == second.temperature


def test_a_search_is_judged_like_the_own_candidates() -> None:
    features, targets, _ = problem()
    judged: list[float] = []

    def search(judge: Judge) -> None:
        judged.extend(judge(Candidate("embedding+ngrams", penalty)) for penalty in (1.0, 3.0))

    wishes = HeadWishes(search=search)
    _, choice = fit_head(head_rows(features, targets), CANDIDATES[:1], InlinePool(), wishes)
    assert [round(figure, 4) for figure in judged] == [*choice.scores.values()][1:]
    assert choice.features == "embedding+ngrams"


def test_a_target_precision_and_an_out_of_scope_label_set_the_threshold() -> None:
    features, targets, _ = problem()
    rows = head_rows(features, targets)
    free, _ = fit_head(rows, CANDIDATES, InlinePool())
    strict, _ = fit_head(rows, CANDIDATES, InlinePool(), HeadWishes(target_precision=0.95))
    outside, _ = fit_head(rows, CANDIDATES, InlinePool(), HeadWishes(out_of_scope_label="c"))
    assert (free.abstain_below, free.out_of_scope_label) == (0.0, None)
    assert strict.abstain_below > 0.5
    assert outside.out_of_scope_label == "c"
    other, _ = fit_head(rows, CANDIDATES, InlinePool(), HeadWishes(out_of_scope_label="oos"))
    assert other.out_of_scope_label is None, "a head without the label has no such class"
