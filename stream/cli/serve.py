"""`switchboard broker`, `worker`, `topics` and `tenants`: what runs, or prepares what runs."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from mode import Service
from rich.console import Console

from stream.cli.dedicated import dedicated_settings, dedication_of
from stream.cli.options import EVERYTHING, KAFKA, TOPICS, with_settings
from stream.cli.say import speaker
from stream.dedication import Dedication
from stream.errors import FatalError, SettingsError
from stream.kafka.clients import Log
from stream.records import from_kafka_ms
from stream.settings import Settings
from stream.tenants import Period
from stream.tenants_toml import load_tenants

if TYPE_CHECKING:
    from stream.metrics import Metrics
    from stream.worker import Models

topics_app = typer.Typer(help="Create or check the topics.", no_args_is_help=True)
OTHERS = "*"
TIME = "%Y-%m-%dT%H:%M:%SZ"
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
        list[str] | None,
        typer.Option(
            help="NAME or NAME/VERSION, of mail or of calls; several for several tenants. (default: what is live)"
        ),
    ] = None,
    tenant: Annotated[
        list[str] | None,
        typer.Option(
            help="Answer the mail that the tenants file leaves to dedicated workers of this tenant (`dedicated_from`), "
            "in a consumer group of its own; repeat it for tenants that share one (`dedicated_to`)."
        ),
    ] = None,
    alone: Annotated[
        bool,
        typer.Option(
            "--alone", help="With --tenant: no other workers run here; all mail of the tenants."
        ),
    ] = False,
    walk_only: Annotated[
        bool, typer.Option("--walk-only", help="Without the Faust app beside the walk.")
    ] = False,
) -> None:
    """Classify the mail and score the calls that arrive, exactly once, until SIGTERM or Ctrl-C.

    Without --model it serves what `switchboard models approve` made live, and follows it; while nothing is live it
    waits, not ready.
    """
    from stream.logs import by_event, configure_logs  # noqa: PLC0415  # models take a second to import
    from stream.metrics import Metrics  # noqa: PLC0415
    from stream.process import end_process  # noqa: PLC0415
    from stream.worker import WalkService, run_worker  # noqa: PLC0415

    log = by_event(configure_logs(settings))
    metrics = Metrics()
    views, only = settings, None  # the views count what all workers wrote, in one group
    if tenant:
        tenants = load_tenants(settings)
        only = dedication_of(tenant, tenants, alone=alone)
        settings = dedicated_settings(settings, only, tenants, log)
    elif alone:
        raise SettingsError("--alone goes with --tenant; without it a worker answers all mail")
    models = _models(settings, model or [], only, metrics, log)
    if walk_only:
        end_process(run_worker(lambda: WalkService(settings, models, metrics, log)))
    from stream.faust_guard import FaustGuard  # noqa: PLC0415
    from stream.live_counts import LiveCounts  # noqa: PLC0415

    counts = LiveCounts(metrics.labels)

    def beside(walk: WalkService) -> list[FaustGuard]:
        def faust_app() -> Service:
            from stream.app import make_app  # noqa: PLC0415  # takes a second, in Faust's own thread

            walk.topics_ready.wait()
            return make_app(views, counts)

        def profiles_app() -> Service:
            from stream.app import make_profiles_app  # noqa: PLC0415  # as above

            walk.topics_ready.wait()
            return make_profiles_app(views, metrics, log)

        return [FaustGuard(faust_app, log), FaustGuard(profiles_app, log)]

    end_process(
        run_worker(lambda: WalkService(settings, models, metrics, log, counts.snapshot), beside)
    )


def _models(
    settings: Settings,
    names: list[str],
    only: Dedication | None,
    metrics: "Metrics",
    log: Log,
) -> "Models":
    """What is named, or what is live."""
    from stream.cli.wiring import follow_deployments, start_engine  # noqa: PLC0415
    from stream.worker import PinnedModels  # noqa: PLC0415

    if not names:
        return follow_deployments(settings, metrics, log, only)
    engine = start_engine(settings, names, metrics, log, only)
    log("models_pinned", models=", ".join(names), effect="model-deployments is not followed")
    return PinnedModels(engine)


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
            "dedicated": _times(own.dedicated),
            **({"dedicated_to": own.dedicated_to} if own.dedicated_to else {}),
        }
        console.print(
            name, *(f"{key}={value}" for key, value in facts.items()), sep="  ", markup=False
        )


def _shares(below: Mapping[str, float]) -> str:
    return ",".join(f"{head}<{share:g}" for head, share in below.items()) or "never"


def _times(period: Period | None) -> str:
    if period is None:
        return "no"
    begin, until = from_kafka_ms(period.begin_ms), period.until_ms
    return f"{begin:{TIME}}..{'' if until is None else format(from_kafka_ms(until), TIME)}"
