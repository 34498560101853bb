"""What a person sees of a training: a bar or plain lines while it runs, a short report at its end. For the commands."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from stream.errors import FatalError

if TYPE_CHECKING:
    from models.tracking.tracker import Tracker
    from models.training.report import HeadReport, TrainReport, TrainRequest

R = TypeVar("R")

PAGE = "report.html"
PLAIN_EVERY_S = 15.0


def train_with_progress(
    request: "TrainRequest", console: Console, tracker: "Tracker | None" = None
) -> "TrainReport":
    """Train a model of mail, shown as `shown` does, whose errors it raises."""
    from models.tracking.tracker import NO_TRACKER  # noqa: PLC0415
    from models.train import train  # noqa: PLC0415

    return shown(
        console,
        lambda progress, warn: train(request, progress, tracker or NO_TRACKER, warn),
    )


def shown(console: Console, train: "Callable[[Drawer, Callable[[str], None]], R]") -> R:
    """Run a training, with a bar on a terminal and plain lines elsewhere.

    Args:
        console: where it is shown.
        train: the training, given whom to tell of its steps, and of its warnings.

    Raises:
        FatalError: the rows, the base model, an extra or the device cannot be used, or the loss is no number any more.
    """
    from models.bundle import BundleError  # noqa: PLC0415
    from models.encoder.base_model import BaseModelError  # noqa: PLC0415
    from models.encoder.files import EncoderError  # noqa: PLC0415
    from models.rows.dataset import DatasetError  # noqa: PLC0415
    from models.runtime import RuntimeUnavailableError  # noqa: PLC0415

    def warn(warning: str) -> None:
        console.print(f"warning: {warning}", markup=False)

    with stage_bars(console) as bars:
        try:
            return train(Drawer(bars, console), warn)
        except (
            DatasetError,
            BaseModelError,
            BundleError,
            EncoderError,
            RuntimeUnavailableError,
            FloatingPointError,
        ) as error:
            raise FatalError(str(error)) from error


def stage_bars(console: Console) -> Progress:
    """A bar for each stage of a training; none on what is no terminal."""
    return Progress(
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


class Drawer:
    """Draws the stages of a training; on what is no terminal a plain line at each beginning and every 15 s."""

    def __init__(
        self, bars: Progress, console: Console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bars = bars
        self._console = console
        self._clock = clock
        self._tasks: dict[str, TaskID] = {}
        self._began_s: dict[str, float] = {}
        self._said_s = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """One step of a stage."""
        now_s = self._clock()
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
            self._began_s[stage] = self._said_s = now_s
            if not self._console.is_terminal:
                self._console.print(f"{stage} …")
        elif not self._console.is_terminal and now_s - self._said_s >= PLAIN_EVERY_S:
            self._said_s = now_s
            self._console.print(_how_far(stage, done, total, now_s - self._began_s[stage]))
        self._bars.update(self._tasks[stage], completed=done, total=total)


def _how_far(stage: str, done: int, total: int, taken_s: float) -> str:
    line = f"{stage} {done}/{total}"
    if not 0 < done < total:
        return line
    left_s = taken_s * (total - done) / done
    return (
        f"{line}, about {left_s / 60:.0f} min left"
        if left_s >= 90
        else f"{line}, about {left_s:.0f} s left"
    )


def report_lines(report: "TrainReport") -> list[str]:
    """The short report: what was made, and each head's figures on rows it did not learn from."""
    total_s = sum(report.seconds.values())
    lines = [
        f"{report.name}/{report.version}  {report.rows} rows, {report.test_rows} kept back, {total_s:.0f} s, "
        f"{report.precision} on {report.provider}, {report.truncated_texts} texts truncated"
    ]
    if report.refused_rows:
        lines.append(f"  {refused_line(report.refused_rows)}")
    if report.split is not None:
        lines.append(f"  {report.split.sentence()}")
    if report.previous:
        warm = ", ".join(report.warm_started) or "none"
        lines.append(
            f"  label sets compared with {report.previous}; heads that began at its weights: {warm}"
        )
    for head in report.heads:
        lines += [_head_line(head), *_alone_lines(head, report.target_precision)]
    lines += [f"  {head}: not trained: {why}" for head, why in report.refused_heads.items()]
    lines += [f"  warning: {warning}" for warning in report.warnings]
    return [*lines, f"written to {report.path}", f"look at  {report.path}/{PAGE}"]


def refused_line(refused: Mapping[str, int]) -> str:
    """How many rows were left out for want of consent, and whose, most first."""
    from models.training.report import named  # noqa: PLC0415

    return f"{sum(refused.values())} rows left out, no consent to training: {named(refused)}"


def _head_line(head: "HeadReport") -> str:
    figures = head.figures
    if figures is None:
        measured = "no rows kept back to measure on"
    else:
        best = (
            f"accuracy {figures.accuracy:.3f}"
            if figures.micro_f1 is None
            else f"micro F1 {figures.micro_f1:.3f}"
        )
        measured = f"{best}  macro F1 {figures.macro_f1:.3f}  on {figures.rows} rows"
    learned = f"{head.kind:<10} {head.labels:>4} labels  {head.rows:>6} rows"
    return f"  {head.name:<20} {learned}  {measured}  (reads {head.reads})"


def _alone_lines(head: "HeadReport", target: float | None) -> list[str]:
    """What a head answers without a person, how right it is there, and how many texts out of scope it recognises."""
    lines: list[str] = []
    alone = head.figures.alone if head.figures else None
    outside = head.figures.out_of_scope if head.figures else None
    asked = "" if target is None else f", target {100 * target:g} %"
    if head.abstain_below > 1:
        proof = f": too few right answers of {head.chosen_on_rows} rows to choose on{asked}"
        lines.append(f"never answers alone{proof}")
    elif target is not None or head.abstain_below > 0:
        where = f"from {head.abstain_below:.3f}" if head.abstain_below > 0 else "always"
        measured = ": none of the rows kept back"
        if alone is not None:
            measured = f": {_percent(alone.coverage)} of the rows, {_percent(alone.right_rows)} of them right"
            if target is not None and alone.right_rows < target:
                asked += " missed on these rows"
        lines.append(f"answers alone {where}{measured}{asked}")
    if outside is not None:
        lines.append(
            f"out of scope ({head.out_of_scope_label}): {_percent(outside.recall)} of {outside.rows} rows recognised, "
            f"{_percent(outside.false_alarms)} of the others refused too"
        )
    elif head.out_of_scope_label is not None:
        lines.append(
            f"out of scope ({head.out_of_scope_label}): no such row kept back to measure on"
        )
    return [f"    {line}" for line in lines]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
