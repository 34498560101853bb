"""The reckoning behind the table of recipes: who won, against which baseline, on which rows. Nothing is timed."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from benchmarks import many_rows, multitask, out_of_scope
from benchmarks.recipe_baselines import baseline_answers
from benchmarks.recipe_results import HeadRun, head_tables, paired_difference, read_runs
from benchmarks.recipe_table import table_lines
from benchmarks.recipes import Job, missing, score
from benchmarks.trainings import in_own_process, known_labels, spread, with_known_labels
from models.heads import HeadAnswer
from models.labels import TrainingRow

TRUTH = "ab" * 50


def row(number: int, text: str, **labels: str | list[str]) -> TrainingRow:
    return TrainingRow(id=f"r{number}", body=text, labels=labels)


def run_of(recipe: str, given: str, seed: int = 0, **changes: object) -> HeadRun:
    """One multi-class run, scored as the benchmark does."""
    job = Job(data="set", recipe=recipe, seed=seed, threads=1)
    train = [row(number, "x", head=label) for number, label in enumerate("ab")]
    test = [row(number, "x", head=label) for number, label in enumerate(TRUTH)]
    answers = [{"head": HeadAnswer("multiclass", ((label, 0.75),), False)} for label in given]
    (run,) = score(job, train, test, answers, (1.0, 100.0))
    return msgspec.structs.replace(run, **changes)


def wrong_at(places: Sequence[int]) -> str:
    return "".join("ba"["ab".index(x)] if place in places else x for place, x in enumerate(TRUTH))


GOOD, FAIR, POOR = (wrong_at(range(count)) for count in (4, 12, 40))


def test_a_line_holds_the_figures_and_every_answer_by_label_and_no_text() -> None:
    job = Job(data="set", recipe="quick", seed=1, threads=2)
    train = [row(1, "x", topic="card", tags=["now"])] * 10
    test = [
        row(1, "marked-text", topic="card", tags=["now", "rare"]),
        row(2, "marked-text", topic="loan"),
    ]
    card = HeadAnswer("multiclass", (("card", 0.9), ("loan", 0.1)), abstained=False)
    answers = [
        {"topic": card, "tags": HeadAnswer("multilabel", (("now", 0.8),), abstained=False)},
        {"topic": card, "tags": HeadAnswer("multilabel", (), abstained=False)},
    ]
    topic, tags = sorted(
        score(job, train, test, answers, (2.0, 300.0)), key=lambda run: run.head, reverse=True
    )
    assert (topic.accuracy, topic.majority, topic.train_rows) == (0.5, 0.5, 10)
    assert topic.names(topic.truth) == [("card",), ("loan",)]
    assert topic.names(topic.given) == [("card",), ("card",)], "the best label is the answer"
    assert topic.is_right() == [True, False]
    assert tags.names(tags.truth) == [("now",)], "a label that was not learned is not asked for"
    assert (tags.micro_f1, tags.majority, tags.calibration_error) == (1.0, None, None)
    assert b"marked" not in msgspec.json.encode([topic, tags])


def test_rare_labels_of_multilabel_heads_are_not_asked_for_and_unknown_classes_are_wrong() -> None:
    rows = [row(n, "x", topic="card", tags=["now"] if n else ["now", "rare"]) for n in range(10)]
    known = known_labels(rows)
    assert known == {"topic": {"card"}, "tags": {"now"}}
    kept = with_known_labels(row(0, "x", topic="loan", tags=["rare", "now"], other="y"), known)
    assert kept.labels == {"topic": "loan", "tags": ["now"]}


def test_a_difference_is_paired_by_row_and_says_whether_chance_explains_it() -> None:
    good, fair, poor = (run_of("quick", given) for given in (GOOD, FAIR, POOR))
    won = paired_difference([good], [poor], "accuracy")
    assert won.mean == pytest.approx(0.36)
    assert won.low < won.mean < won.high
    assert (won.mark, paired_difference([poor], [good], "accuracy").mark) == ("won", "lost")
    same = paired_difference([fair], [run_of("words", FAIR)], "macro_f1")
    assert (same.mean, same.low, same.high, same.p, same.mark) == (0, 0, 0, 1, "≈")
    close = paired_difference([good], [run_of("words", wrong_at(range(95, 100)))], "accuracy")
    assert close.mean == pytest.approx(0.01)
    assert close.mark == "≈"


def test_a_label_with_one_row_is_no_win() -> None:
    """Its F1 does not move in a bootstrap, which would call any change of it beyond chance."""
    truth = [*TRUTH[:-1], "rare"]
    sides = [run_of("quick", TRUTH), run_of("words", TRUTH)]
    ours, theirs = (
        msgspec.structs.replace(
            run,
            labels=["a", "b", "rare"],
            truth=[[{"a": 0, "b": 1, "rare": 2}[one]] for one in truth],
            given=[["ab".index(one)] for one in TRUTH[:-1]] + [[last]],
        )
        for run, last in zip(sides, (2, 0), strict=True)
    )
    found = paired_difference([ours], [theirs], "macro_f1")
    assert found.low > 0.3
    assert (found.p, found.mark) == (1, "≈")


def test_seeds_count_by_their_mean() -> None:
    runs = [run_of("quick", given, seed) for seed, given in enumerate((GOOD, FAIR))]
    found = paired_difference(runs, [run_of("words", POOR)], "accuracy")
    assert found.mean == pytest.approx((0.96 + 0.88) / 2 - 0.60)
    assert found.mark == "won"
    back = paired_difference([run_of("words", POOR)], runs, "accuracy")
    assert (back.mean, back.p, back.mark) == (-found.mean, found.p, "lost")


def test_runs_that_number_their_labels_differently_are_compared_by_name() -> None:
    only_a = run_of("quick", "a" * 100, labels=["b", "a"])
    only_a = msgspec.structs.replace(
        only_a, truth=[[1 - x for (x,) in [t]] for t in only_a.truth], given=[[1]] * 100
    )
    assert paired_difference([only_a], [run_of("words", "a" * 100)], "macro_f1").mean == 0


def test_the_table_holds_us_against_the_baseline_that_is_better() -> None:
    runs = [run_of("words", POOR), run_of("frozen", FAIR), run_of("quick", GOOD)]
    lines = table_lines(runs)
    (line,) = (line for line in lines if line.startswith("| set · head |") and "[" in line)
    assert "0.600 / 0.600 | 0.880 / 0.880 | 0.960 / 0.960 | – | – |" in line
    assert "accuracy +0.080 [" in line
    (count,) = (line for line in lines if line.startswith("quick: of 1 "))
    assert "macro F1 on 1 (100%; limit 75 %), won 1, lost 0" in count


def test_losing_is_shown_and_heads_that_guessing_solves_are_not_counted() -> None:
    runs = [run_of("words", GOOD), run_of("balanced", POOR)]
    runs += [
        msgspec.structs.replace(run, head="flat", majority=0.9)
        for run in (run_of("words", GOOD), run_of("balanced", GOOD))
    ]
    lines = table_lines(runs)
    assert "] lost |" in next(line for line in lines if line.startswith("| set · head |"))
    (count,) = (line for line in lines if line.startswith("balanced: of "))
    assert count.startswith("balanced: of 1 ")
    assert "on 0 (0%; limit 75 %), won 0, lost 1" in count


def test_banking77_is_paired_with_quick_seed_by_seed() -> None:
    runs = [run_of("quick", POOR, s, data="banking77") for s in (0, 1)]
    runs += [run_of("balanced", GOOD, s, data="banking77") for s in (0, 1, 2)]
    (line,) = (line for line in table_lines(runs) if line.startswith("balanced − quick"))
    assert "seed 0 +0.3600 (p = 0.000), seed 1 +0.3600 (p = 0.000); +0.360 [" in line
    assert "seed 2" not in line


def test_figures_of_other_rows_are_never_compared() -> None:
    with pytest.raises(ValueError, match=r"set · head: quick was measured on other rows"):
        head_tables([run_of("words", GOOD), run_of("quick", GOOD, rows_key="other")])


def test_what_has_a_line_is_not_run_again_and_the_last_line_counts(tmp_path: Path) -> None:
    results = tmp_path / "runs.jsonl"
    lines = [run_of("quick", POOR), run_of("quick", POOR, limit=9), run_of("quick", GOOD)]
    results.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    assert [run.accuracy for run in read_runs(results)] == [0.96, 0.6]
    jobs = [Job(data="set", recipe="quick", seed=seed, threads=1) for seed in (0, 1)]
    assert missing(iter(jobs), results) == [jobs[1]]
    assert missing(iter(jobs), tmp_path / "none.jsonl") == jobs


def test_a_baseline_answers_heads_of_both_kinds_from_the_rows_that_say_something() -> None:
    words = {"card": "my card is lost", "bill": "the invoice is wrong"}
    train = [
        row(n, f"{words[topic]} {n}", topic=topic, tags=["money"] if topic == "bill" else [])
        for n, topic in enumerate(["card", "bill"] * 12)
    ]
    train.append(row(99, "nothing is known"))
    answers = baseline_answers("words", train, [row(1, "card lost"), row(2, "wrong invoice")], 1)
    assert [answer["topic"].labels[0][0] for answer in answers] == ["card", "bill"]
    assert [[x for x, _ in answer["tags"].labels] for answer in answers] == [[], ["money"]]


def test_a_threshold_comes_from_validation_rows_and_is_only_measured_on_test_rows() -> None:
    def answered(
        *pairs: tuple[str, float],
    ) -> tuple[list[TrainingRow], list[dict[str, HeadAnswer]]]:
        rows = [row(n, "x", intent=truth) for n, (truth, _) in enumerate(pairs)]
        given = [
            {"intent": HeadAnswer("multiclass", (("a", sure),), abstained=sure < 0.1)}
            for _, sure in pairs
        ]
        return rows, given

    inside, outside = [("a", 0.5 + n / 100) for n in range(40)], [("oos", 0.2)] * 20
    validation = answered(*inside, *outside)
    test = answered(("a", 0.95), ("a", 0.2), ("b", 0.9), ("oos", 0.3), ("oos", 0.05), ("oos", 0.6))
    found = out_of_scope.measure(*validation, *test)
    assert found["threshold"] == 0.52, "5 % of 40 rows lie below"
    assert found["in_scope_accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert (found["recall"], found["false_alarms"]) == (0.6667, 0.3333)
    assert found["accuracy_of_answered"] == 0.5
    assert (found["as_served_recall"], found["as_served_false_alarms"]) == (0.3333, 0.0)


def test_a_model_of_one_head_sees_the_rows_that_answer_it() -> None:
    rows = [row(1, "x", a="1", b="2"), row(2, "x", b="2")]
    assert [each.labels for each in multitask.only_heads(rows, ["a"])] == [{"a": "1"}]
    assert multitask.only_heads(rows, None) == rows


def test_many_rows_have_ten_labels_of_one_label_set() -> None:
    rows = list(itertools.islice(many_rows.topics(1), 400))
    assert len({str(each.labels["topic"]) for each in rows}) == 10
    assert {each.tenant for each in rows} == {None}


def test_a_limit_spreads_over_the_file() -> None:
    assert spread(list(range(10)), 4) == [0, 2, 5, 7]
    assert spread([1, 2], None) == spread([1, 2], 5) == [1, 2]


def test_a_training_that_fails_is_named_by_what_it_was_asked(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(RuntimeError, match=r"no\.such\.module ended with 1 on \{'recipe': 'x'\}"):
        in_own_process("no.such.module", {"recipe": "x"})
    assert "No module named" in capfd.readouterr().err
