"""Figures of heads: against scikit-learn, and the laws that hold for any rows."""

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evaluate import compare_answers, measure_heads
from models.evaluation.calibration import coverage_curve, reliability
from models.evaluation.figures import Alone, HeadFigures
from models.evaluation.resampling import interval_of, resample, sample_of, score
from models.heads import Head, HeadAnswer, LinearWeights
from models.labels import HeadSpec, TrainingRow

LABELS = "abcd"
LABEL = st.sampled_from(LABELS)
PAIRS = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=40)
SETS = st.lists(st.tuples(st.sets(LABEL), st.sets(LABEL)), min_size=1, max_size=40)
KNOWN = {"queue": frozenset(LABELS)}


def rows_of(truth: list[str | list[str]], **fields: str) -> list[TrainingRow]:
    return [
        TrainingRow(id=f"r{place:03}", body="words", labels={"queue": one}, **fields)
        for place, one in enumerate(truth)
    ]


def one(label: str, chance: float = 0.8, *, abstained: bool = False) -> dict[str, HeadAnswer]:
    return {"queue": HeadAnswer("multiclass", ((label, chance), ("a", 0.1)), abstained)}


def some(labels: set[str]) -> dict[str, HeadAnswer]:
    given = tuple((label, 0.7) for label in sorted(labels))
    return {"queue": HeadAnswer("multilabel", given, abstained=False)}


def of_pairs(pairs: list[tuple[str, str]]) -> HeadFigures:
    rows = rows_of([truth for truth, _ in pairs])
    return compare_answers(rows, [one(given_) for _, given_ in pairs], KNOWN)["queue"]


def of_sets(pairs: list[tuple[set[str], set[str]]]) -> HeadFigures:
    rows = rows_of([sorted(truth) for truth, _ in pairs])
    return compare_answers(rows, [some(given_) for _, given_ in pairs], KNOWN)["queue"]


def same_as(ours: HeadFigures, truth: object, given_: object, labels: list[str]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    for average in ("macro", "micro", "weighted"):
        wanted = metrics.precision_recall_fscore_support(
            truth, given_, labels=labels, average=average, zero_division=0
        )[:3]
        found = ours.averages[average]
        assert (found.precision, found.recall, found.f1) == pytest.approx(wanted)
    for place, row in enumerate(
        zip(
            *metrics.precision_recall_fscore_support(truth, given_, labels=labels, zero_division=0),
            strict=True,
        )
    ):
        label = ours.by_label[sorted(ours.by_label)[place]]
        assert (label.precision, label.recall, label.f1, label.rows) == pytest.approx(row)


@settings(deadline=None, max_examples=30)
@given(PAIRS)
def test_figures_of_one_label_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, given_ = zip(*pairs, strict=True)
    ours = of_pairs(pairs)
    same_as(ours, truth, given_, sorted(ours.by_label))
    assert ours.accuracy == pytest.approx(metrics.accuracy_score(truth, given_))
    hits = [wanted == got for wanted, got in pairs]
    assert ours.brier == pytest.approx(np.mean([(0.8 - hit) ** 2 for hit in hits]))


@settings(deadline=None, max_examples=30)
@given(SETS.filter(lambda pairs: any(truth or got for truth, got in pairs)))
def test_figures_of_many_labels_are_those_of_scikit_learn(
    pairs: list[tuple[set[str], set[str]]],
) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    ours = of_sets(pairs)
    truth, given_ = (
        np.array([[label in row for label in LABELS] for row in side])
        for side in zip(*pairs, strict=True)
    )
    same_as(ours, truth, given_, [LABELS.index(label) for label in sorted(ours.by_label)])
    assert ours.accuracy == pytest.approx(metrics.accuracy_score(truth, given_))  # subset accuracy
    micro = ours.averages["micro"]
    assert (ours.micro_f1, ours.precision, ours.recall) == (micro.f1, micro.precision, micro.recall)


def test_what_a_head_answers_alone_is_right_by_label_and_by_whole_answer() -> None:
    rows = rows_of([["a", "b"], ["a"], ["b"], ["a"]])
    answers = [some({"a", "b"}), some({"a", "b"}), some({"b"}), some({"c"})]
    unsure = HeadAnswer("multilabel", answers[3]["queue"].labels, abstained=True)
    figures = compare_answers(rows, [*answers[:3], {"queue": unsure}], KNOWN)["queue"]
    assert figures.alone == Alone(coverage=0.75, precision=0.8, right_rows=2 / 3)


@settings(deadline=None, max_examples=20)
@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_figure(
    pairs: list[tuple[str, str]], shuffler: random.Random
) -> None:
    rows = rows_of([truth for truth, _ in pairs])
    answers = [one(given_) for _, given_ in pairs]
    places = shuffler.sample(range(len(pairs)), len(pairs))
    mixed = [rows[place] for place in places], [answers[place] for place in places]
    assert compare_answers(*mixed, KNOWN) == compare_answers(rows, answers, KNOWN)


@settings(deadline=None, max_examples=20)
@given(PAIRS)
def test_figures_survive_the_report_file(pairs: list[tuple[str, str]]) -> None:
    figures = of_pairs(pairs)
    assert msgspec.json.decode(msgspec.json.encode(figures), type=HeadFigures) == figures


def test_a_report_of_an_older_version_is_read() -> None:
    old = {
        "kind": "multiclass", "rows": 2, "unknown_label_rows": 0, "accuracy": 0.5, "macro_f1": 0.5,
        "micro_f1": None, "precision": None, "recall": None, "calibration_error": 0.1, "abstained": 0,
        "by_label": {"a": {"rows": 2, "precision": 0.5, "recall": 0.5, "f1": 0.5}},
        "confusion_labels": ["a"], "confusion": [[2]],
    }  # fmt: skip
    assert msgspec.convert(old, HeadFigures).main()["accuracy"] == 0.5


def test_unknown_labels_count_as_wrong_and_are_told_apart() -> None:
    figures = of_pairs([("a", "a"), ("a", "a"), ("new", "a"), ("newer", "b"), ("new", "c")])
    assert figures.unknown_label_rows == 3
    assert figures.unknown_labels == {"new": 2, "newer": 1}
    assert figures.accuracy == 0.4
    assert figures.known_accuracy == 1
    assert figures.known_macro_f1 == pytest.approx(
        (0.8 + 0 + 0) / 3
    )  # a, and b and c given in error


def test_mistakes_are_named_with_rows_to_look_at() -> None:
    figures = of_pairs([("a", "b"), ("a", "b"), ("b", "b"), ("c", "a"), ("d", "d")])
    most = figures.confusions[0]
    assert (most.truth, most.given, most.rows, most.ids) == ("a", "b", 2, ("r000", "r001"))
    worst = figures.worst_labels[0]
    assert (worst.label, worst.missed, worst.wrongly_given) == ("a", ("r000", "r001"), ("r003",))
    assert "d" not in [label.label for label in figures.worst_labels]


def test_languages_and_tenants_have_their_own_figures() -> None:
    rows = [*rows_of(["a", "b"], language="de"), *rows_of(["a"], language="en", tenant="acme")]
    figures = compare_answers(rows, [one("a")] * 3, KNOWN)["queue"]
    assert {name: part.accuracy for name, part in figures.by_language.items()} == {
        "de": 0.5,
        "en": 1,
    }
    assert {name: part.rows for name, part in figures.by_tenant.items()} == {"acme": 1}


def head(*labels: str, **fields: object) -> Head:
    weights = LinearWeights(
        np.zeros((len(labels), 2), np.float32), np.zeros(len(labels), np.float32), None
    )
    kind = "multilabel" if "thresholds" in fields else "multiclass"
    thresholds = fields.pop("thresholds", None)
    return Head(HeadSpec("queue", kind, labels), weights, 1.0, thresholds, **fields)  # type: ignore[arg-type]


def test_out_of_scope_rows_are_right_when_they_abstain_and_are_measured_apart() -> None:
    rows = rows_of(["a", "a", "b", "oos", "oos"])
    answers = [
        one("a"), one("a", abstained=True), one("b"), one("b", abstained=True), one("b"),
    ]  # fmt: skip
    found = measure_heads(rows, answers, [head("a", "b", "oos", out_of_scope_label="oos")])
    figures = found.figures["queue"]
    assert figures.rows == 3
    assert figures.accuracy == 1
    assert figures.out_of_scope is not None
    assert figures.out_of_scope.recall == 0.5
    assert figures.out_of_scope.false_alarms == pytest.approx(1 / 3)
    assert [row.heads["queue"].is_right for row in found.answers] == [True] * 4 + [False]


def test_thresholds_of_labels_stand_beside_their_figures() -> None:
    limits = np.array([0.3, 0.6])
    found = measure_heads(rows_of([["a"], ["b"]]), [some({"a"}), some({"a", "b"})], [
        head("a", "b", thresholds=limits)
    ])  # fmt: skip
    by_label = found.figures["queue"].by_label
    assert {name: label.threshold for name, label in by_label.items()} == {"a": 0.3, "b": 0.6}


def test_a_head_left_out_of_an_answer_is_not_measured_there() -> None:
    rows = rows_of(["a", "b"])
    assert compare_answers(rows, [one("a"), {}], KNOWN)["queue"].rows == 1
    assert compare_answers(rows, [{}, {}], KNOWN) == {}


@given(st.lists(st.tuples(st.floats(0, 1, width=16), st.booleans()), min_size=1, max_size=60))
def test_bins_and_curves_lose_no_answer(answers: list[tuple[float, bool]]) -> None:
    sure, right = (np.array(column) for column in zip(*answers, strict=True))
    bins = reliability(sure, right)
    assert sum(each.answers for each in bins) == len(answers)
    assert all(each.low <= each.confidence <= each.high for each in bins)
    curve = coverage_curve(sure, right)
    assert curve[-1].coverage == 1
    assert curve[-1].precision == pytest.approx(right.mean())
    assert [point.coverage for point in curve] == sorted(point.coverage for point in curve)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """95 of 100 in the long run; 200 samples of 300 rows leave room for chance down to 90."""
    draw = np.random.default_rng(3)
    hits = np.zeros(2)
    shares = np.array([0.6, 0.3, 0.1])
    for seed in range(200):
        truth = draw.choice(3, 300, p=shares)
        given_ = np.where(draw.random(300) < 0.8, truth, (truth + 1) % 3)
        sample = sample_of([[str(x)] for x in truth], [[[str(x)] for x in given_]], list("012"))
        drawn = resample(sample, seed, 400)
        for place, expected in enumerate((0.8, true_macro_f1(shares))):
            interval = interval_of(drawn[0, place])
            hits[place] += interval.low <= expected <= interval.high
    assert (hits / 200 >= 0.9).all()


def true_macro_f1(shares: np.ndarray) -> float:
    given_ = 0.8 * shares + 0.2 * np.roll(shares, 1)
    return float(np.mean(2 * 0.8 * shares / (shares + given_)))


def test_a_rare_label_that_a_draw_misses_does_not_lift_macro_f1() -> None:
    truth = [["often"]] * 99 + [["rare"]]
    sample = sample_of(truth, [[["often"]] * 100], ["often", "rare"])
    drawn = resample(sample, 0)[0, 1]
    assert drawn.max() <= 0.5
    assert score(sample)[0, 1] == pytest.approx((2 * 99 / 199) / 2)


def test_each_model_keeps_its_own_figure_of_a_label_that_a_draw_misses() -> None:
    truth = [["often"]] * 99 + [["rare"]]
    sample = sample_of(truth, [[["often"]] * 100, truth], ["often", "rare"])
    first, second = resample(sample, 0)[:, 1]
    assert first.max() <= 0.5
    assert second.min() == 1


def test_the_same_seed_gives_the_same_intervals() -> None:
    sample = sample_of([["a"], ["b"], ["b"]], [[["a"], ["a"], ["b"]]], ["a", "b"])
    assert (resample(sample, 5) == resample(sample, 5)).all()
    assert (resample(sample, 5) != resample(sample, 6)).any()
