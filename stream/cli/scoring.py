"""`switchboard score-calls`: calls of files or stdin through the rooms of live calls, as scores or explained.

A line that cannot be scored is one JSON object on stderr, as with `classify`; its neighbours go on, and the exit code
is 1.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.offline import STDIN, FoundFragment, complain, must_be_of_kind, write
from stream.cli.options import MODELS, with_settings
from stream.errors import FatalError, PoisonRecordError
from stream.records import CallFragment, ChurnScore, Source
from stream.settings import Settings

if TYPE_CHECKING:
    from stream.calls.offline import FileCalls

WINDOW_FRAGMENTS = 256
NOTHING_TO_DO = 3

Show = Callable[[CallFragment, ChurnScore], None]


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("score-calls")(score_calls)


@with_settings(*MODELS)
def score_calls(
    settings: Settings,
    model: Annotated[str, typer.Option(help="NAME or NAME/VERSION, of `train-churn`.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Calls: JSON lines (fragments, whole calls, calls as a transcription service wrote them) or CSV, "
            "gzipped or not. (default: JSON lines on stdin)"
        ),
    ] = None,
    profiles: Annotated[
        Path | None, typer.Option(help="Profiles of customers: CSV or JSON lines.")
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show each call with what its probability rests on: by fragment what it added; by feature and side of "
            "the call what would be missing without it (occlusion).",
        ),
    ] = False,
) -> None:
    """Score calls: fragments in, ChurnScore lines out, in the same order, one for each."""
    must_be_of_kind(settings, [model], "churn")
    sys.exit(asyncio.run(_score(settings, model, files or [STDIN], profiles, explain)))


async def _score(
    settings: Settings, model: str, files: Sequence[Path], profiles: Path | None, explain: bool
) -> int:
    """Returns the exit code."""
    from rich.console import Console  # noqa: PLC0415  # models take a second to import

    from stream.calls.offline import MOST_CALLS, FileCalls  # noqa: PLC0415
    from stream.cli.call_files import file_profiles, read_call_files  # noqa: PLC0415
    from stream.cli.call_view import CallView  # noqa: PLC0415
    from stream.cli.wiring import Loader, warm_engine  # noqa: PLC0415
    from stream.metrics import Metrics  # noqa: PLC0415

    bundle = Loader(settings).load(model)
    assert bundle.churn is not None, "a model of another kind was refused: this is a bug"
    known, notes = file_profiles(profiles, bundle.churn.space)
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    engine = warm_engine({bundle.tenant: bundle}, settings, Metrics())
    console = Console(highlight=False, soft_wrap=True)
    view = CallView(console, bundle.churn, known) if explain else None
    calls = FileCalls(engine, bundle, known, view and view.show)
    found = read_call_files(files, bundle.tenant)
    try:
        code = await _windows(calls, found, _write if view is None else view.note)
    finally:
        if view is not None:
            view.show_rest(calls.state)
    if calls.forgotten:
        typer.echo(
            f"note: {calls.forgotten} calls were forgotten when {MOST_CALLS} others had been heard of since; if one of "
            "them goes on later, it began anew: sort the file by call",
            err=True,
        )
    engine.close()
    if code == NOTHING_TO_DO:
        typer.echo(f"note: no call in {', '.join(map(str, files))}", err=True)
    return code


async def _windows(calls: "FileCalls", found: Iterator[FoundFragment], show: Show) -> int:
    """Score window by window; returns the exit code.

    Raises:
        FatalError: a file breaks off, or a model fails; what was read before is scored.
    """
    from models.runtime import InferenceError  # noqa: PLC0415

    read = failed = 0
    while True:
        window, broken = _next_window(found)
        read += len(window)
        ready = [
            (Source(topic=str(one.path), partition=0, offset=one.number), one.fragment)
            for one in window
            if isinstance(one.fragment, CallFragment)
        ]
        try:
            results = iter(await calls.score(ready, int(time.time() * 1000)))
        except InferenceError as error:
            raise FatalError(f"{error}; train the model again") from error
        for one in window:
            fragment = one.fragment
            result = next(results) if isinstance(fragment, CallFragment) else fragment
            if isinstance(fragment, CallFragment) and isinstance(result, ChurnScore):
                show(fragment, result)
            elif isinstance(result, PoisonRecordError):
                failed += 1
                complain(one.number, result, None if one.path == STDIN else one.path)
        if broken is not None:
            raise broken
        if not window:
            return 1 if failed else 0 if read else NOTHING_TO_DO


def _next_window(
    found: Iterator[FoundFragment],
) -> tuple[list[FoundFragment], FatalError | None]:
    """What is read next, and what ends the reading."""
    window: list[FoundFragment] = []
    try:
        window.extend(islice(found, WINDOW_FRAGMENTS))  # what came before an error stays in it
    except FatalError as error:
        return window, error
    return window, None


def _write(_: CallFragment, score: ChurnScore) -> None:
    write(score)
