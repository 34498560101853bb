"""`switchboard evaluate` and `switchboard models compare`: how good a model is on labelled rows, and is it better.

The figures go to stdout, as a table or as JSON and nothing else; progress and warnings go to stderr.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stream.cli.options import with_settings
from stream.errors import FatalError, SettingsError
from stream.settings import Settings

if TYPE_CHECKING:
    from models.churn.compare import ChurnComparison
    from models.evaluation.compare import ModelAnswers
    from models.evaluation.comparison import Comparison
    from models.evaluation.run import Evaluated, EvaluationReport, EvaluationRequest

Files = Annotated[
    list[Path], typer.Option(help="Labelled rows: .jsonl, .jsonl.gz, .csv; `-` is stdin.")
]
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
PAGE = "report.html"
AsJson = Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")]
Html = Annotated[Path | None, typer.Option(help="Write a page with plots to this file.")]


def register(app: typer.Typer) -> None:
    """Add `evaluate`; `compare` belongs to the group `models`."""
    app.command()(evaluate)


@with_settings("models_dir", "execution_providers", "encode_threads")
def evaluate(  # noqa: PLR0913, PLR0917  # a command's options
    settings: Settings,
    name: Annotated[str, typer.Argument(help="NAME or NAME/VERSION; NAME: the newest version.")],
    data: Files,
    as_json: AsJson = False,
    texts: Annotated[
        bool, typer.Option("--texts", help="Show the texts of examples on the page: personal data!")
    ] = False,
    html: Html = None,
    tenant: Annotated[
        str | None, typer.Option(help="Only rows of this tenant; rows of none are taken as its.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="int8 or fp32. (default: what serves on this device)")
    ] = None,
) -> None:
    """Measure a model on labelled rows, through the code that serves."""
    from stream.cli.evaluation_view import report_table  # noqa: PLC0415  # the models take a second

    request = _request(settings, name, data, tenant, precision)
    with _errors_have_a_way_out():
        evaluated = _evaluate(request)
        page = _evaluation_page(evaluated, request, texts=texts) if html is not None else ""
    report = evaluated.report
    _warn(report.warnings)
    _write_page(html, page)
    if as_json:
        _print_json(report)
    else:
        report_table(report, Console(highlight=False))
    sys.exit(0)


@with_settings("models_dir", "execution_providers", "encode_threads")
def compare(
    settings: Settings,
    before: Annotated[str, typer.Argument(help="The model in use: NAME/VERSION.")],
    after: Annotated[str, typer.Argument(help="The one that may take its place: NAME/VERSION.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Rows to compare on. (default: those kept back from both)"),
    ] = None,
    as_json: AsJson = False,
    html: Html = None,
) -> None:
    """Compare two models on the same rows: is the second one significantly worse or better?"""
    from models.evaluation.compare import compare_answer_rows  # noqa: PLC0415
    from models.evaluation.renamed import renamed_labels  # noqa: PLC0415
    from stream.cli.comparing_calls import are_of_calls, compare_calls  # noqa: PLC0415
    from stream.cli.evaluation_view import comparison_table  # noqa: PLC0415

    if data and Path("-") in data:
        raise SettingsError("compare reads the rows once per model; write stdin to a file first")
    paths = (_find(settings, before), _find(settings, after))
    with _errors_have_a_way_out():
        if are_of_calls(*paths):
            if data or html:
                raise SettingsError("--data and --html are for models of mail; leave them out")
            found = compare_calls(*paths)
            if as_json:
                _print_json(found, is_significantly_worse=found.is_significantly_worse)
            else:
                print(*found.reasons, sep="\n")  # noqa: T201  # speaks to a person
            sys.exit(0)
        renamed = renamed_labels(*paths)
        first = _answers(settings, before, data)
        comparison = compare_answer_rows(first, _answers(settings, after, data), renamed)
        page = ""
        if html is not None:
            from models.evaluation.comparison_page import render_comparison  # noqa: PLC0415

            page = render_comparison(comparison)
    _write_page(html, page)
    if as_json:
        _print_json(comparison, is_significantly_worse=comparison.is_significantly_worse)
    else:
        comparison_table(comparison, Console(highlight=False))
    sys.exit(0)


def _request(
    settings: Settings, name: str, data: list[Path], tenant: str | None, precision: str | None
) -> "EvaluationRequest":
    from models.evaluation.run import EvaluationRequest  # noqa: PLC0415
    from stream.cli.comparing_calls import are_of_calls  # noqa: PLC0415
    from stream.cli.wiring import cores  # noqa: PLC0415

    chosen: Literal["int8", "fp32", "fp16"] | None = next(
        (one for one in ("int8", "fp32", "fp16") if one == precision), None
    )
    if precision is not None and chosen is None:
        raise SettingsError(f"--precision {precision} is not known; use one of: int8, fp32, fp16")
    bundle = _find(settings, name)
    if are_of_calls(bundle):
        raise FatalError(
            f"{name} scores calls, these rows are of mail; its figures are in {bundle / PAGE}, made when it was trained"
        )
    return EvaluationRequest(
        bundle=bundle,
        data=data,
        tenant=tenant,
        providers=[word.strip() for word in settings.execution_providers.split(",")],
        threads=settings.encode_threads or cores(),
        precision=chosen,
    )


def _find(settings: Settings, name: str) -> Path:
    from models.bundle import BundleError, resolve  # noqa: PLC0415

    try:
        return resolve(settings.models_path, name)
    except BundleError as error:
        raise FatalError(str(error)) from error


def _answers(settings: Settings, name: str, data: list[Path] | None) -> "ModelAnswers":
    """What a model answers to the rows of `data`, or answered to the rows kept back from it."""
    from models.evaluation.compare import ModelAnswers, kept_answers  # noqa: PLC0415

    if not data:
        return kept_answers(_find(settings, name))
    evaluated = _evaluate(_request(settings, name, data, None, None))
    report = evaluated.report
    _warn(report.warnings)
    return ModelAnswers(f"{report.name}/{report.version}", evaluated.labels, evaluated.answers)


def _evaluate(request: "EvaluationRequest") -> "Evaluated":
    from models.evaluation.run import evaluate_files  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task(f"{request.bundle.parent.name}/{request.bundle.name}", total=None)
        return evaluate_files(
            request, lambda done, total: bars.update(task, completed=done, total=total)
        )


def _evaluation_page(evaluated: "Evaluated", request: "EvaluationRequest", *, texts: bool) -> str:
    from models.evaluation.evaluation_page import render_evaluation_page  # noqa: PLC0415
    from models.manifest import read_manifest  # noqa: PLC0415

    return render_evaluation_page(evaluated, read_manifest(request.bundle), shows_texts=texts)


@contextmanager
def _errors_have_a_way_out() -> Iterator[None]:
    """Errors of the offline half whose message says what to do become one line and exit code 1."""
    from models.bundle import BundleError  # noqa: PLC0415
    from models.encoder.files import EncoderError  # noqa: PLC0415
    from models.evaluation.answers import AnswersError  # noqa: PLC0415
    from models.rows.dataset import DatasetError  # noqa: PLC0415
    from models.runtime import RuntimeUnavailableError  # noqa: PLC0415

    try:
        yield
    except (
        AnswersError,
        BundleError,
        DatasetError,
        EncoderError,
        RuntimeUnavailableError,
    ) as error:
        raise FatalError(str(error)) from error
    except ModuleNotFoundError as error:
        if error.name not in {"jinja2", "matplotlib"}:
            raise
        raise FatalError(
            f"--html needs {error.name}: pip install 'switchboard-classifier[heads]'"
        ) from error


def _warn(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        print(f"switchboard: {warning}", file=sys.stderr)  # noqa: T201  # speaks to a person


def _write_page(path: Path | None, page: str) -> None:
    if path is None:
        return
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FatalError(
            f"--html {path} cannot be written ({reason}); name another file"
        ) from error


def _print_json(report: "EvaluationReport | Comparison | ChurnComparison", **more: object) -> None:
    content: dict[str, object] = {**msgspec.to_builtins(report), **more}
    sys.stdout.buffer.write(orjson.dumps(content, option=_JSON))
