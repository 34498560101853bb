"""`switchboard train`: labelled rows in, an immutable model bundle and a short report out."""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from stream.cli.options import with_settings
from stream.errors import FatalError, SettingsError
from stream.settings import Settings

if TYPE_CHECKING:
    from models.train_report import HeadReport, TrainReport, TrainRequest

RECIPES = ("quick",)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(train)


@with_settings("models_dir", "execution_providers", "encode_threads", "tenants_file")
def train(  # noqa: PLR0913, PLR0917  # a command's options
    settings: Settings,
    name: Annotated[str, typer.Option(help="The model's name.")],
    data: Annotated[
        list[Path], typer.Option(help="Rows to learn from: .jsonl, .jsonl.gz, .csv; `-` is stdin.")
    ],
    validation: Annotated[
        Path | None, typer.Option(help="Rows to choose on. (default: some of --data)")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Rows to measure on. (default: a fifth of --data)")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose model it is.")] = "default",
    recipe: Annotated[
        str, typer.Option(help="quick: frozen encoder, one head per task, no torch.")
    ] = "quick",
    base_model: Annotated[
        str | None, typer.Option(help="Encoder: a Hugging Face id or a folder.")
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            help="How a mail becomes one text, in training and serving: {subject}, {body}, {attributes.NAME}, \\n; "
            "a line whose fields are all empty is left out. (default: {subject}\\n{body})"
        ),
    ] = None,
    max_length_tokens: Annotated[
        int, typer.Option(help="Longest text; of longer ones head and tail are read.", min=8)
    ] = 256,
    seed: Annotated[int, typer.Option(help="Of everything that draws.")] = 0,
) -> None:
    """Train a model on labelled rows and write it below the models folder, as the next version of its name.

    Rows of tenants that do not consent to training (SWITCHBOARD_TENANTS_FILE) are left out.
    """
    if recipe not in RECIPES:
        raise SettingsError(f"recipe={recipe} is not known; use one of: {', '.join(RECIPES)}")
    from models.train_report import TrainRequest  # noqa: PLC0415  # the models take a second to import
    from stream.cli.wiring import cores  # noqa: PLC0415
    from stream.tenants import ALL_ALIKE  # noqa: PLC0415
    from stream.tenants_toml import load_tenants  # noqa: PLC0415

    tenants = load_tenants(settings)
    request = TrainRequest(
        name=name,
        models_dir=settings.models_path,
        data=data,
        validation=validation,
        test=test,
        tenant=tenant,
        max_length_tokens=max_length_tokens,
        providers=[word.strip() for word in settings.execution_providers.split(",")],
        threads=settings.encode_threads or cores(),
        seed=seed,
        consents=tenants.consents,
    )
    if base_model is not None:
        request = dataclasses.replace(request, base_model=base_model)
    if template is not None:
        request = dataclasses.replace(request, input_template=template.replace("\\n", "\n"))
    console = Console(highlight=False, soft_wrap=True)
    report = train_with_progress(request, console)
    for line in report_lines(report):
        console.print(line, markup=False)
    asked = "no tenants file" if tenants is ALL_ALIKE else str(settings.tenants_file)
    console.print(f"consent to training: {asked}", markup=False)
    sys.exit(0)


def train_with_progress(request: "TrainRequest", console: Console) -> "TrainReport":
    """Train, with a bar on a terminal and a plain line per stage elsewhere.

    Raises:
        FatalError: the rows, the base model or the device cannot be used; the message says the way out.
    """
    from models.base_model import BaseModelError  # noqa: PLC0415
    from models.bundle import BundleError  # noqa: PLC0415
    from models.dataset import DatasetError  # noqa: PLC0415
    from models.encoder_files import EncoderError  # noqa: PLC0415
    from models.runtime import RuntimeUnavailableError  # noqa: PLC0415
    from models.train import train_quick  # noqa: PLC0415

    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        try:
            return train_quick(request, _drawer(bars, console))
        except (
            DatasetError,
            BaseModelError,
            BundleError,
            EncoderError,
            RuntimeUnavailableError,
        ) as error:
            raise FatalError(str(error)) from error


def _drawer(bars: Progress, console: Console) -> Callable[[str, int, int], None]:
    tasks: dict[str, object] = {}

    def draw(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total)
            if not console.is_terminal:
                console.print(f"{stage} …")
        bars.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]  # rich's TaskID is an int

    return draw


def report_lines(report: "TrainReport") -> list[str]:
    """The short report: what was made, and each head's figures on rows it did not learn from."""
    total_s = sum(report.seconds.values())
    lines = [
        f"{report.name}/{report.version}  {report.rows} rows, {report.test_rows} kept back, {total_s:.0f} s, "
        f"{report.precision} on {report.provider}, {report.truncated_texts} texts truncated"
    ]
    if report.refused_rows:
        lines.append(f"  {refused_line(report.refused_rows)}")
    lines += [_head_line(head) for head in report.heads]
    lines += [f"  {head}: not trained: {why}" for head, why in report.refused_heads.items()]
    return [*lines, f"written to {report.path}"]


def refused_line(refused: Mapping[str, int]) -> str:
    """How many rows were left out for want of consent, and whose, most first."""
    from models.train_report import named  # noqa: PLC0415

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
    return f"  {head.name:<20} {learned}  {measured}  ({head.features})"
