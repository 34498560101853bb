"""Holds the churn model's own mathematics to scikit-learn's: metrics, calibration, graphs, comparisons."""

from typing import Any

import numpy as np
import pytest

from models.churn.answers import ChurnAnswer
from models.churn.calibration import calibrated_loss, fit_platt
from models.churn.compare import ChurnAnswers, compare_churn
from models.churn.entry import ChurnEntry
from models.churn.evaluate import measure_churn
from models.churn.metrics import (
    Ranking,
    best_f1_threshold,
    brier,
    calibration_error,
    log_losses,
    threshold_figures,
)
from models.churn.model import ChurnModel, calibrated, fixed_of
from models.churn.vectors import CallSums, FeatureSpace

DRAW = np.random.default_rng(11)
CHURNED = DRAW.random(400) < 0.3
# two digits: many equal scores
SCORES = (0.3 * CHURNED + 0.7 * DRAW.random(400)).round(2)
WEIGHTS = DRAW.integers(0, 4, (3, 400)).astype(np.float64)
SPACE = FeatureSpace(numerical=("tenure",), means=(10.0,), categorical={"plan": ("a", "b")})


def test_every_figure_is_that_of_scikit_learn_with_ties_and_weights() -> None:
    metrics: Any = pytest.importorskip("sklearn.metrics")
    ranking = Ranking.of(SCORES, CHURNED)
    found = threshold_figures(SCORES, CHURNED, WEIGHTS, 0.5)
    for place, own in enumerate(WEIGHTS):
        weighted = {"sample_weight": own}
        said = SCORES >= 0.5
        assert ranking.roc_auc(WEIGHTS)[place] == pytest.approx(
            metrics.roc_auc_score(CHURNED, SCORES, **weighted)
        )
        assert ranking.pr_auc(WEIGHTS)[place] == pytest.approx(
            metrics.average_precision_score(CHURNED, SCORES, **weighted)
        )
        assert found["f1"][place] == pytest.approx(metrics.f1_score(CHURNED, said, **weighted))
        assert found["accuracy"][place] == pytest.approx(
            metrics.accuracy_score(CHURNED, said, **weighted)
        )
        assert brier(SCORES, CHURNED, WEIGHTS)[place] == pytest.approx(
            metrics.brier_score_loss(CHURNED, SCORES, **weighted)
        )
        precision, recall, _ = metrics.precision_recall_curve(CHURNED, SCORES, **weighted)
        for least in (0.5, 0.8):
            assert ranking.recall_at(least, WEIGHTS)[place] == pytest.approx(
                recall[precision >= least].max()
            )
    kept = SCORES.clip(1e-12, 1 - 1e-12)
    assert log_losses(SCORES, CHURNED).mean() == pytest.approx(metrics.log_loss(CHURNED, kept))


def test_no_threshold_has_a_better_f1_than_the_one_chosen() -> None:
    ones = np.ones(400)
    best = best_f1_threshold(SCORES, CHURNED, ones)
    reached = threshold_figures(SCORES, CHURNED, ones, best)["f1"][0]
    tried = [threshold_figures(SCORES, CHURNED, ones, one)["f1"][0] for one in np.unique(SCORES)]
    assert reached == pytest.approx(max(tried))


def test_calibration_mends_scores_that_are_too_sure() -> None:
    draw = np.random.default_rng(3)
    true = draw.uniform(0.05, 0.95, 6_000)
    churned, ones = draw.random(6_000) < true, np.ones(6_000)
    raw = calibrated(true, 2.0, 0.7)
    slope, intercept = fit_platt(raw, churned, ones)
    assert slope == pytest.approx(0.5, abs=0.05)
    assert intercept == pytest.approx(-0.35, abs=0.1)
    assert calibration_error(calibrated(raw, slope, intercept), churned, ones) < 0.03
    assert calibration_error(raw, churned, ones) > 0.1


def test_a_score_that_says_nothing_answers_the_share_of_all() -> None:
    churned = np.arange(100) % 4 == 0
    wrong_way_round = np.where(churned, 0.1, 0.9)
    slope, intercept = fit_platt(wrong_way_round, churned, np.ones(100))
    assert slope == 0.0
    assert calibrated(np.array([0.1, 0.9]), slope, intercept) == pytest.approx(0.25, abs=0.01)
    assert calibrated_loss(np.full(100, 0.5), churned, np.ones(100)) == pytest.approx(
        0.562, abs=0.01
    )


def test_a_call_weighs_one_however_many_rows_it_gives() -> None:
    raw, churned = np.array([0.2, 0.8, 0.4]), np.array([False, True, True])
    often = np.repeat([0, 1, 2], [1, 1, 4])
    weights = np.array([1, 1, 0.25, 0.25, 0.25, 0.25])
    once = fit_platt(raw, churned, np.ones(3))
    assert fit_platt(raw[often], churned[often], weights) == pytest.approx(once)


def answers(chances: np.ndarray, prefix: str = "") -> list[ChurnAnswer]:
    return [
        ChurnAnswer(
            key=f"{prefix}{place}",
            churned=bool(CHURNED[place]),
            fragments=(0, 1, 3),
            probabilities=(0.3, 0.3, float(chance)),
        )
        for place, chance in enumerate(chances)
    ]


def test_a_worse_model_is_called_worse_and_an_equal_one_is_not() -> None:
    sure = calibrated(SCORES, 1.0, 0.0)
    old = ChurnAnswers("leaving/1", answers(sure))
    noise = np.random.default_rng(0).random(400)
    worse = compare_churn(old, ChurnAnswers("leaving/2", answers(noise)))
    assert worse.is_significantly_worse
    assert worse.changes["roc_auc"].high < 0
    assert "log loss" in worse.reasons[0]
    assert "400 calls" in worse.reasons[0]
    assert compare_churn(ChurnAnswers("b", answers(noise)), old).verdict == "better"
    nearly = (sure + np.random.default_rng(1).normal(0, 1e-3, 400)).clip(0.001, 0.999)
    equal = compare_churn(old, ChurnAnswers("leaving/3", answers(nearly)))
    assert (equal.verdict, equal.is_significantly_worse) == ("no difference", False)


def test_calls_that_only_one_of_two_models_answered_prove_nothing() -> None:
    found = compare_churn(
        ChurnAnswers("a", answers(SCORES)), ChurnAnswers("b", answers(SCORES, "other"))
    )
    assert (found.calls, found.only_before, found.only_after) == (0, 400, 400)
    assert found.verdict == "cannot tell"
    assert "train both on the same files" in found.reasons[0]
    assert not found.is_significantly_worse


def test_figures_tell_how_early_the_model_is_right() -> None:
    figures = measure_churn(answers(SCORES), 0.5)
    assert [(one.fragments, one.calls) for one in figures.early] == [
        (0, 400), (1, 400), (2, 400), (None, 400),
    ]  # fmt: skip
    assert figures.early[0].roc_auc == pytest.approx(0.5)
    assert figures.early[-1].roc_auc == figures.figures["roc_auc"]
    auc = figures.intervals["roc_auc"]
    assert auc.low < figures.figures["roc_auc"] < auc.high
    assert measure_churn(answers(SCORES), 0.5) == figures


@pytest.mark.parametrize("name", ["forest", "boosting", "logistic"])
def test_a_graph_answers_like_the_model_it_was_written_from(name: str) -> None:
    pytest.importorskip("skl2onnx", reason="needs the extra churn")
    from models.churn.candidates import defaults, fit_estimator, make_estimator  # noqa: PLC0415
    from models.churn.export import edge_rows, export_graph, run_graph  # noqa: PLC0415
    from models.rows.errors import DatasetError  # noqa: PLC0415

    [candidate] = [one for one in defaults(400, 5) if one.name == name]
    silent = CallSums.empty(0)
    rows = [
        ({"tenure": float(score * 37.1), "plan": "ab"[place % 2]}, silent)
        for place, score in enumerate(SCORES)
    ]
    vectors = SPACE.vectors(rows)
    estimator = make_estimator(candidate, 0, 1)
    fit_estimator(candidate, estimator, vectors, CHURNED, np.ones(400), 1)
    probe = np.vstack([vectors, edge_rows(SPACE)])
    graph = export_graph(candidate, estimator, probe)
    entry = ChurnEntry(
        space=SPACE, candidate=candidate.name, settings={}, slope=1.0, intercept=0.0,
        alarm_from=0.5, projection=None, figures={},
    )  # fmt: skip
    chances = ChurnModel(entry, graph).probabilities(probe)
    assert chances.dtype == np.float64
    assert np.isfinite(chances).all()
    wanted = calibrated(estimator.predict_proba(vectors)[:, 1], 1.0, 0.0)
    assert np.abs(chances[:400] - wanted).max() < 1e-4
    alone = [ChurnModel(entry, graph).probabilities(probe[:1])[0], chances[0]]
    assert alone[0] == alone[1]
    assert run_graph(graph, probe[:2]).shape == (2,)

    class Other:
        """Says something else than its graph."""

        def __getattr__(self, part: str) -> Any:
            return getattr(estimator, part)

        def predict_proba(self, asked: np.ndarray) -> np.ndarray:
            return estimator.predict_proba(asked) + 1e-3

    if name == "boosting":
        with pytest.raises(DatasetError, match="candidate boosting: its ONNX graph says"):
            export_graph(candidate, Other(), probe)


def test_no_fold_holds_all_rows_of_one_answer() -> None:
    pytest.importorskip("sklearn", reason="needs the extra churn")
    from models.churn.fit import FOLDS, fold_customers  # noqa: PLC0415
    from models.churn.fit_rows import FitRows  # noqa: PLC0415

    customers = np.repeat(np.arange(12), 5)  # five calls each
    for answer in (True, False):
        churned = np.full(60, answer)
        churned[[0, 5]] = not answer  # once, of the first two customers
        rows = FitRows(np.zeros((60, 1), np.float32), churned, np.ones(60), customers)
        for seed in range(20):
            folds = fold_customers(rows, seed)
            assert all(len(set(churned[folds != fold])) == 2 for fold in range(FOLDS)), seed


def test_a_forest_is_fitted_by_threads_and_added_up_by_one() -> None:
    pytest.importorskip("sklearn", reason="needs the extra churn")
    from models.churn.candidates import defaults, fit_estimator, make_estimator  # noqa: PLC0415

    forest, *_ = defaults(400, 1)
    estimator = make_estimator(forest, 0, 4)
    assert estimator.n_jobs == 4
    fit_estimator(forest, estimator, SCORES[:, None].astype(np.float32), CHURNED, WEIGHTS[0], 4)
    # Several threads add float64 up in the order in which they end: equal calls would score unlike in the last bit.
    assert estimator.n_jobs == 1


@pytest.mark.parametrize(("rows", "least"), [(300, 1), (400_000, 160)])
def test_a_search_proposes_no_forest_that_is_too_large_to_be_written(rows: int, least: int) -> None:
    pytest.importorskip("sklearn", reason="needs the extra churn")
    pytest.importorskip("optuna", reason="needs the extra train")
    from models.churn.candidates import Candidate  # noqa: PLC0415
    from models.churn.search import search_candidates  # noqa: PLC0415

    seen: list[Candidate] = []

    def judge(candidate: Candidate) -> float:
        seen.append(candidate)
        return candidate.settings.get("rows_of_leaf", 1_000.0)  # the smallest leaves win

    search_candidates(judge, 60, 0, (rows, 150))
    leaves = [one.settings["rows_of_leaf"] for one in seen if one.name == "forest"]
    assert leaves
    assert least <= min(leaves) < 1.5 * least + 1


def test_boosting_sorts_no_column_anew_for_each_weighted_quantile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("sklearn", reason="needs the extra churn")
    from sklearn.ensemble._hist_gradient_boosting import binning  # noqa: PLC0415

    from models.churn.candidates import Candidate, fit_estimator, make_estimator  # noqa: PLC0415

    sorted_anew: list[object] = []

    def percentile(*given: Any, **named: Any) -> float:
        sorted_anew.append(given)
        return 0.0

    monkeypatch.setattr(binning, "_weighted_percentile", percentile)
    settings = {
        "rounds": 2, "learning_rate": 0.1, "leaves": 4, "rows_of_leaf": 20, "penalty": 0.0,
    }  # fmt: skip
    boosting = Candidate("boosting", settings)
    vectors = np.random.default_rng(4).normal(size=(400, 2)).astype(np.float32)
    estimator = make_estimator(boosting, 0, 1)
    fit_estimator(boosting, estimator, vectors, CHURNED, 1 + 0 * SCORES, 1)
    assert not sorted_anew
    heavy = make_estimator(boosting, 0, 1)
    fit_estimator(boosting, heavy, vectors, CHURNED, np.where(CHURNED, 9.0, 1.0), 1)
    chances, heavier = (one.predict_proba(vectors)[:, 1].mean() for one in (estimator, heavy))
    assert heavier > chances + 0.2


def test_thresholds_of_float64_split_float32_rows_alike() -> None:
    pytest.importorskip("onnx", reason="needs the extra churn")
    from models.churn.boosting_graph import _not_above  # noqa: PLC0415

    edges = np.array([0.1, 1 / 3, 16777217.0, -0.1, 0.5])
    found = _not_above(edges)
    for wanted, got in zip(edges, found, strict=True):
        for x in (
            got,
            np.nextafter(got, np.float32(np.inf)),
            np.nextafter(got, np.float32(-np.inf)),
        ):
            assert (x <= got) == (np.float64(x) <= wanted)


def test_embeddings_are_shortened_alike_alone_and_in_company() -> None:
    draw = np.random.default_rng(2)
    embeddings = draw.normal(size=(64, 384)).astype(np.float32) / 20
    matrix = np.linalg.qr(draw.normal(size=(384, 64)))[0].astype(np.float32)
    together = fixed_of(embeddings, matrix)
    assert together.dtype == np.int64
    for place in range(64):
        assert (fixed_of(embeddings[place : place + 1], matrix)[0] == together[place]).all()


def test_parts_that_do_not_belong_together_are_refused() -> None:
    pytest.importorskip("onnx", reason="needs the extra churn")
    from onnx import TensorProto, helper  # noqa: PLC0415

    node = helper.make_node("ReduceMean", ["vectors"], ["probability"], axes=[1], keepdims=0)
    shape = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [None, 4])]
    out = [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None])]
    model = helper.make_model(
        helper.make_graph([node], "churn", shape, out),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    entry = ChurnEntry(
        space=SPACE, candidate="forest", settings={}, slope=1.0, intercept=0.0,
        alarm_from=0.5, projection=None, figures={},
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"churn\.onnx reads 4 columns, the feature space has 5"):
        ChurnModel(entry, model.SerializeToString())
    with pytest.raises(ValueError, match=r"churn\.onnx cannot be opened"):
        ChurnModel(entry, b"nothing")


def test_texts_are_put_into_fixed_point_alike_in_parts_and_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from models.churn import fit_rows  # noqa: PLC0415

    draw = np.random.default_rng(6)
    embeddings = draw.normal(size=(7, 12)).astype(np.float32) / 4
    matrix = draw.normal(size=(12, 3)).astype(np.float32)
    monkeypatch.setattr(fit_rows, "_CHUNK_TEXTS", 3)
    for one in (None, matrix):
        assert (fit_rows._as_int32(embeddings, one) == fixed_of(embeddings, one)).all()
    assert fit_rows._as_int32(np.zeros((0, 0), np.float32), None).shape == (0, 0)
