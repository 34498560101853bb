"""`switchboard train`: labelled rows in, an immutable model bundle and a short report out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.console import Console

from stream.cli.following import Figures, follow
from stream.cli.options import with_settings
from stream.cli.train_view import report_lines, train_with_progress
from stream.errors import FatalError, SettingsError
from stream.settings import Settings

if TYPE_CHECKING:
    from models.rows.label_changes import LabelChanges
    from models.training.report import Recipe, TrainReport, TrainRequest


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(train)


@with_settings(
    "models_dir",
    "execution_providers",
    "encode_threads",
    "tenants_file",
    "notify",
    "mlflow_tracking_uri",
)
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
        str,
        typer.Option(
            help="quick: heads on a frozen encoder, seconds, no torch; balanced: then the last layers; "
            "best: then all layers. The last two need the extra `train`."
        ),
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
    attribute: Annotated[
        list[str] | None,
        typer.Option(
            help="An attribute of the mail to read, as a line `NAME: value` before the text; repeatable."
        ),
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(help="Domain words that the tokenizer shall know whole, one a line."),
    ] = None,
    label_changes: Annotated[
        Path | None,
        typer.Option(
            help='Labels that were renamed, merged or removed since the last version: TOML, per head "old" = "new", '
            'or "old" = "" to remove.'
        ),
    ] = None,
    head_weight: Annotated[
        list[str] | None,
        typer.Option(help="HEAD=WEIGHT in the joint loss of balanced and best; repeatable."),
    ] = None,
    search: Annotated[
        int,
        typer.Option(
            help="Settings to try on rows kept back from learning; 0: the recipe's.", min=0
        ),
    ] = 0,
    target_precision: Annotated[
        float | None,
        typer.Option(
            help="Answer alone only where precision reaches this (0.95); below, the head abstains.",
            min=0.0,
            max=1.0,
        ),
    ] = None,
    out_of_scope_label: Annotated[
        str | None,
        typer.Option(help="A label of rows that belong to no class: learned from, never given."),
    ] = None,
    min_label_rows: Annotated[
        int, typer.Option(help="A label of a multi-label head with fewer rows is left out.", min=1)
    ] = 10,
    max_length_tokens: Annotated[
        int, typer.Option(help="Longest text; of longer ones head and tail are read.", min=8)
    ] = 256,
    seed: Annotated[int, typer.Option(help="Of everything that draws.")] = 0,
) -> None:
    """Train a model on labelled rows and write it below the models folder, as the next version of its name.

    Rows of tenants that do not consent to training (SWITCHBOARD_TENANTS_FILE) are left out. A training that was
    killed goes on where it was when the same command is given again.
    """
    from models.encoder.base_model import DEFAULT_BASE_MODEL  # noqa: PLC0415  # the models take a second to import
    from models.labels import DEFAULT_TEMPLATE, template_with  # noqa: PLC0415
    from models.training.report import TrainRequest  # noqa: PLC0415
    from stream.cli.wiring import cores  # noqa: PLC0415
    from stream.tenants import ALL_ALIKE  # noqa: PLC0415
    from stream.tenants_toml import load_tenants  # noqa: PLC0415

    tenants = load_tenants(settings)
    given = DEFAULT_TEMPLATE if template is None else template.replace("\\n", "\n")
    request = TrainRequest(
        name=name,
        models_dir=settings.models_path,
        data=data,
        validation=validation,
        test=test,
        tenant=tenant,
        base_model=base_model or DEFAULT_BASE_MODEL,
        input_template=template_with(attribute or [], given),
        max_length_tokens=max_length_tokens,
        min_label_rows=min_label_rows,
        providers=[word.strip() for word in settings.execution_providers.split(",")],
        threads=settings.encode_threads or cores(),
        seed=seed,
        consents=tenants.consents,
        recipe=_recipe(recipe),
        changes=_changes(label_changes),
        tokens=_tokens(tokens),
        head_weights=_weights(head_weight or []),
        search=search,
        target_precision=target_precision,
        out_of_scope_label=out_of_scope_label,
    )
    console = Console(highlight=False, soft_wrap=True)
    report = _follow(settings, request, console)
    for line in report_lines(report):
        console.print(line, markup=False)
    asked = "no tenants file" if tenants is ALL_ALIKE else str(settings.tenants_file)
    console.print(f"consent to training: {asked}", markup=False)
    sys.exit(0)


def _recipe(name: str) -> "Recipe":
    from models.training.report import Recipe  # noqa: PLC0415

    known: tuple[Recipe, ...] = get_args(Recipe)
    for recipe in known:
        if recipe == name:
            return recipe
    raise SettingsError(f"recipe={name} is not known; use one of: {', '.join(known)}")


def _follow(settings: Settings, request: "TrainRequest", console: Console) -> "TrainReport":
    def figures(report: "TrainReport") -> Figures:
        return {head.name: head.figures.main() for head in report.heads if head.figures}

    return follow(
        settings,
        request.name,
        request.recipe,
        lambda tracker: train_with_progress(request, console, tracker),
        figures,
    )


def _changes(path: Path | None) -> "LabelChanges":
    from models.rows.dataset import DatasetError  # noqa: PLC0415
    from models.rows.label_changes import NO_CHANGES, LabelChanges  # noqa: PLC0415

    try:
        return NO_CHANGES if path is None else LabelChanges.read(path)
    except DatasetError as error:
        raise FatalError(str(error)) from error


def _tokens(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"--tokens {path} cannot be read ({error}); name a UTF-8 text file"
        ) from error
    return tuple(dict.fromkeys(word for line in text.splitlines() if (word := line.strip())))


def _weights(given: list[str]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in given:
        head, sign, weight = item.rpartition("=")
        try:
            weights[head] = float(weight)
        except ValueError:
            sign = ""
        if not sign or not head or not 0 <= weights[head] < float("inf"):
            raise SettingsError(f"--head-weight {item}: write HEAD=NUMBER, for example queue=2.0")
    return weights
