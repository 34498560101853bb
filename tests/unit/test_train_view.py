"""What a person sees of a training on a terminal: its summary, its warnings, and how it is stopped."""

from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from models.evaluate import HeadFigures
from models.evaluation.figures import Alone, OutOfScope
from models.training.report import HeadReport, TrainReport
from models.training.stages import KEPT, StageWatch
from stream.cli import training
from stream.cli.train_view import report_lines

FIGURES = HeadFigures(
    kind="multiclass", rows=200, unknown_label_rows=0, accuracy=0.9, macro_f1=0.8, micro_f1=None,
    precision=None, recall=None, calibration_error=0.01, abstained=60, by_label={},
    confusion_labels=[], confusion=[], alone=Alone(coverage=0.7, precision=0.97, right_rows=0.965),
)  # fmt: skip
HEAD = HeadReport(
    name="queue", kind="multiclass", labels=3, rows=900, rare_labels=(), features="embedding+ngrams",
    inverse_penalty=10.0, temperature=1.1, chosen_on_rows=900, candidates={}, figures=FIGURES,
    abstain_below=0.8125,
)  # fmt: skip


def said(head: HeadReport, target: float | None = 0.95) -> str:
    report = TrainReport(
        name="support", version="1", rows=900, test_rows=200, other_tenants_rows=0, heads=(head,),
        refused_heads={}, seconds={}, target_precision=target,
    )  # fmt: skip
    return "\n".join(report_lines(report))


def test_the_summary_says_what_the_threshold_gives_and_whether_the_target_is_reached() -> None:
    reached = "answers alone from 0.812: 70.0 % of the rows, 96.5 % of them right, target 95 %"
    assert f"{reached}\n" in said(HEAD)
    assert f"{reached[:-4]}97 % missed on these rows\n" in said(HEAD, 0.97)
    always = msgspec.structs.replace(HEAD, abstain_below=0.0)
    assert "answers alone always: 70.0 % of the rows" in said(always)
    assert "alone" not in said(always, None)


def test_the_summary_says_that_a_head_never_answers_alone_or_could_not_be_measured() -> None:
    never = msgspec.structs.replace(HEAD, abstain_below=2.0)
    proof = "never answers alone: too few right answers of 900 rows to choose on, target 95 %"
    assert proof in said(never)
    unmeasured = msgspec.structs.replace(HEAD, figures=None)
    assert "answers alone from 0.812: none of the rows kept back, target 95 %" in said(unmeasured)


def test_the_summary_says_how_many_texts_out_of_scope_are_recognised() -> None:
    outside = OutOfScope(rows=40, recall=0.625, false_alarms=0.05)
    figures = msgspec.structs.replace(FIGURES, out_of_scope=outside)
    head = msgspec.structs.replace(HEAD, out_of_scope_label="oos", figures=figures)
    assert "out of scope (oos): 62.5 % of 40 rows recognised, 5.0 % of the others refused too" in (
        said(head, None)
    )
    none = msgspec.structs.replace(head, figures=FIGURES)
    assert "out of scope (oos): no such row kept back to measure on" in said(none, None)
    assert "out of scope" not in said(HEAD)


def test_what_a_head_reads_is_said_in_words() -> None:
    assert "(reads embedding and n-grams)" in said(HEAD)


@pytest.mark.parametrize(("stage", "is_kept"), [("embed", False), ("tune", True), ("heads", True)])
def test_ctrl_c_says_that_the_work_is_kept_from_the_tuning_on(stage: str, is_kept: bool) -> None:
    watch = StageWatch(lambda *_: None)
    stages = ["embed", "tune", "heads"]
    with pytest.raises(KeyboardInterrupt) as stopped:  # noqa: PT012  # the stages before it end well
        for name in stages[: stages.index(stage) + 1]:
            with watch.stage(name):
                if name == stage:
                    raise KeyboardInterrupt
    assert str(stopped.value) == (KEPT if is_kept else "")


def test_a_person_who_stops_a_tuning_is_told_to_give_the_same_command_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt(KEPT)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "train_with_progress", stopped)
    app = typer.Typer()
    training.register(app)
    ended = CliRunner().invoke(app, ["--name", "support", "--data", "rows.csv"])
    assert ended.exit_code != 0
    assert f"switchboard: {KEPT}" in ended.stderr
    assert "give the same command again" in KEPT
