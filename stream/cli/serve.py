"""`switchboard broker`, `worker`, `topics` and `tenants`: what runs, or prepares what runs."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from mode import Service
from rich.console import Console

from stream.cli.options import EVERYTHING, KAFKA, TOPICS, with_settings
from stream.cli.say import speaker
from stream.errors import FatalError, SettingsError
from stream.settings import Settings

topics_app = typer.Typer(help="Create or check the topics.", no_args_is_help=True)
OTHERS = "*"
tenants_app = typer.Typer(help="Look at the tenants file.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(broker)
    app.command()(worker)
    topics_app.command("create")(topics_create)
    topics_app.command("check")(topics_check)
    app.add_typer(topics_app, name="topics")
    tenants_app.command("check")(tenants_check)
    app.add_typer(tenants_app, name="tenants")


def broker(
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.")] = 9092,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where records are kept. (default: per user)")
    ] = None,
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="Forget everything at the end.")
    ] = False,
) -> None:
    """Run a real single-node Kafka on this machine, without Docker; prints a line with `ready` when it answers."""
    from stream.broker import DEFAULT_DATA_DIR, run_broker  # noqa: PLC0415  # comes with the extra `broker`

    folder = None if ephemeral else data_dir or DEFAULT_DATA_DIR
    sys.exit(run_broker(port, folder, ephemeral, Console(highlight=False, soft_wrap=True).print))


@with_settings(*EVERYTHING)
def worker(
    settings: Settings,
    model: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME/VERSION; several for several tenants.")
    ] = None,
    walk_only: Annotated[
        bool, typer.Option("--walk-only", help="Without the Faust app beside the walk.")
    ] = False,
) -> None:
    """Classify what arrives, exactly once, until SIGTERM or Ctrl-C."""
    from stream.cli.wiring import start_engine  # noqa: PLC0415  # models take a second to import
    from stream.logs import configure_logs  # noqa: PLC0415
    from stream.metrics import Metrics  # noqa: PLC0415
    from stream.worker import WalkService, end_process, run_worker  # noqa: PLC0415

    log = configure_logs(settings).info
    metrics = Metrics()
    engine = start_engine(settings, model or [], metrics, log)
    engine.show_models()
    if walk_only:
        end_process(run_worker(lambda: WalkService(settings, engine, metrics, log)))
    from stream.faust_guard import FaustGuard  # noqa: PLC0415
    from stream.live_counts import LiveCounts  # noqa: PLC0415

    counts = LiveCounts(metrics.labels)

    def beside(walk: WalkService) -> list[FaustGuard]:
        def faust_app() -> Service:
            from stream.app import make_app  # noqa: PLC0415  # takes a second, in Faust's own thread

            walk.topics_ready.wait()
            return make_app(settings, counts)

        return [FaustGuard(faust_app, log)]

    end_process(
        run_worker(lambda: WalkService(settings, engine, metrics, log, counts.snapshot), beside)
    )


@with_settings(*KAFKA, *TOPICS)
def topics_create(settings: Settings) -> None:
    """Create the topics that are missing."""
    _show_topics(settings)


@with_settings(*KAFKA)
def topics_check(settings: Settings) -> None:
    """Say which topics are there, with partitions and size limits; exit code 1 when one is missing."""
    _show_topics(settings.model_copy(update={"create_topics": False}))


def _show_topics(settings: Settings) -> None:
    from stream.kafka.admin import prepare_topics  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    for state in asyncio.run(prepare_topics(settings, speaker(console))).values():
        console.print(
            f"{state.name}  partitions={state.partitions}  max.message.bytes={state.max_message_bytes}"
        )


@with_settings("tenants_file", "skip_kinds")
def tenants_check(
    settings: Settings,
    file: Annotated[
        Path | None, typer.Argument(help="The file. (default: that of the settings)")
    ] = None,
) -> None:
    """Print what applies to each tenant, `*` for those without a table; exit code 1 when the file is wrong."""
    from stream.cli.wiring import read_options  # noqa: PLC0415

    if file is not None:
        settings = settings.model_copy(update={"tenants_file": file})
    try:
        options = read_options(settings)
    except SettingsError as error:
        raise FatalError(str(error)) from error
    console = Console(highlight=False, soft_wrap=True)
    for name in [*options.tenants.by_name, OTHERS]:
        own, found = options.tenants.of(name), options.of(name)
        facts = {
            "abstains": "always" if found.is_unknown else _shares(own.abstain_below),
            "skips": ",".join(sorted(found.skip_kinds)),
            "languages": ",".join(sorted(own.languages)) or "all",
            "model": own.model or "its own or the default one",
            "boilerplate": len(own.boilerplate.exact) + len(own.boilerplate.others),
            "consent_to_training": str(own.consents_to_training).lower(),
        }
        console.print(
            name, *(f"{key}={value}" for key, value in facts.items()), sep="  ", markup=False
        )


def _shares(below: Mapping[str, float]) -> str:
    return ",".join(f"{head}<{share:g}" for head, share in below.items()) or "never"
