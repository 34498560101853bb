"""One worker process: the walk and the Faust app side by side in one `mode.Worker`, or the walk alone.

The walk comes first and depends on nothing beside it. The process ends when the walk ends: on SIGTERM and Ctrl-C
after the windows in progress are committed, on a fatal error with its exit code, by the watchdog when it hangs.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import mode
from mode import Service

from stream.calls.desk import CallDesk
from stream.calls.profiles import ProfileTable
from stream.engine import Engine
from stream.errors import FatalError, first_of
from stream.health import HealthServer
from stream.kafka.admin import prepare_topics
from stream.kafka.clients import Log
from stream.metrics import Metrics
from stream.pipeline import Walk
from stream.process import fast_loop, resident_memory_bytes
from stream.settings import Settings
from stream.watchdog import Watchdog

PULSE_S = 1.0


class Models(Protocol):
    """Where a worker's models come from."""

    async def engine(self) -> Engine:
        """A warm engine, as soon as there can be one; the group is joined only with a warm model."""
        ...

    async def follow(self) -> None:
        """Runs beside it, also before there is an engine, until cancelled."""
        ...

    def problems(self) -> Sequence[str]:
        """What `/health/ready` says beside ready or not ready."""
        ...

    def keep_for_calls(self, in_use: Callable[[], Collection[tuple[str, str]]]) -> None:
        """Ask this for (name, version) of the bundles that calls in progress began with, before one is let go."""
        ...


class PinnedModels:
    """Models that were named at the start: they stay what they are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def engine(self) -> Engine:
        """It is here."""
        return self._engine

    async def follow(self) -> None:
        """Nothing changes."""

    def problems(self) -> Sequence[str]:
        """None: a model that could not be loaded was a refusal to start."""
        return ()

    def keep_for_calls(self, in_use: Callable[[], Collection[tuple[str, str]]]) -> None:
        """Nothing is let go."""


class WalkService(Service):
    """The walk with its HTTP server and watchdog, as a `mode` service.

    Args:
        models: give the engine.
        live_counts: for `/live`.
    """

    def __init__(
        self,
        settings: Settings,
        models: Models,
        metrics: Metrics,
        log: Log,
        live_counts: Callable[[], object] = dict,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._models = models
        self._metrics = metrics
        self._log_event = log
        self._profiles = ProfileTable(settings, metrics, log)
        self._desk = CallDesk(settings, self._profiles, metrics, log)
        models.keep_for_calls(self._desk.table.bundles_in_use)
        self._engine: Engine | None = None
        self._walk: Walk | None = None
        self._asked_to_stop, self._ended = asyncio.Event(), asyncio.Event()
        self._http = HealthServer(metrics.registry, self._is_ready, live_counts, models.problems)
        self._watchdog = Watchdog(settings.watchdog_s, self._stuck_s, log)
        # Faust waits for it in its own thread: a broker would make them for it
        self.topics_ready = threading.Event()
        self.failure: BaseException | None = None

    async def on_start(self) -> None:
        """Open the HTTP server; Kafka is waited for beside it, so that `/health/live` answers meanwhile."""
        try:
            await self._http.start(self._settings.metrics_host, self._settings.metrics_port)
        except FatalError as error:
            self._fail(error)
        self._watchdog.start()

    @Service.task
    async def _run(self) -> None:
        try:
            if self.failure is None:
                await self._walk_with_models()
        except BaseExceptionGroup as group:
            self._fail(first_of(group))
        except Exception as error:  # noqa: BLE001  # the pipeline's border: whatever it is ends the process, loudly
            self._fail(error)
        finally:
            self._ended.set()
            if not self.should_stop:
                signal.raise_signal(signal.SIGTERM)  # the worker stops as if it had been asked to

    async def _walk_with_models(self) -> None:
        topics = await prepare_topics(self._settings, self._log_event)
        self.topics_ready.set()
        self._log_event(
            "worker_started", metrics_port=self._http.port, group=self._settings.group_id
        )
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self._models.follow())
            loading = tasks.create_task(self._load())
            stopping = tasks.create_task(self._asked_to_stop.wait())
            await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if loading.done() and not loading.cancelled() and not self.should_stop:
                engine = self._engine = loading.result()
                engine.show_models()
                reading = tasks.create_task(self._profiles.follow())
                walk = self._walk = Walk(
                    self._settings, engine, self._desk, topics, self._metrics, self._log_event
                )
                await walk.run()
                reading.cancel()
            loading.cancel()
            following.cancel()
        await self._profiles.close()

    async def _load(self) -> Engine:
        """What a worker needs before it joins: all profiles, and a warm model."""
        await self._profiles.start()
        return await self._models.engine()

    @Service.task
    async def _pulse(self) -> None:
        while not self.should_stop:
            self._watchdog.pulse()
            self._metrics.ready.set(self._is_ready())
            self._metrics.memory_bytes.set(resident_memory_bytes())
            await self.sleep(PULSE_S)

    @Service.task
    async def _look_at_rules(self) -> None:
        try:
            while not self.should_stop:
                if self._engine is not None:
                    await self._engine.look_at_rules()
                await self.sleep(PULSE_S)
        except FatalError as error:
            self._fail(error)
            signal.raise_signal(signal.SIGTERM)

    async def on_stop(self) -> None:
        """Finish what is in progress; mode cancels the task only after this returns."""
        self._asked_to_stop.set()
        if self._walk is not None:
            self._walk.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_timeout_s + 2):
                await self._ended.wait()
        self._watchdog.stop()
        await self._http.stop()

    def _fail(self, error: BaseException) -> None:
        self.failure = error
        self._log_event(
            "worker_failed", error=f"{type(error).__name__}: {error}", exc_info=_trace(error)
        )

    def _is_ready(self) -> bool:
        return self._walk is not None and self._walk.ready

    def _stuck_s(self) -> float:
        return 0.0 if self._walk is None else self._walk.flight.stuck_s


def run_worker(
    service: Callable[[], WalkService],
    beside: Callable[[WalkService], Sequence[Service]] = lambda _: (),
) -> int:
    """Run until SIGTERM, Ctrl-C or a fatal error; services are made inside the event loop they belong to.

    Returns:
        The exit code: 0 after a graceful stop, 1 or the fatal error's own otherwise.
    """
    loop = fast_loop()
    asyncio.set_event_loop(loop)

    async def make() -> tuple[WalkService, mode.Worker]:
        walk = service()
        worker = mode.Worker(
            walk,
            *beside(walk),
            loop=loop,
            override_logging=False,
            redirect_stdouts=False,
            quiet=True,
        )
        return walk, worker

    walk, worker = loop.run_until_complete(make())
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        if walk.failure is None:
            return int(ended.code or 0)
    if isinstance(walk.failure, FatalError):
        return walk.failure.exit_code
    return 1


def _trace(error: BaseException) -> BaseException | None:
    """A stack trace for bugs; a fatal error's message says it all."""
    return None if isinstance(error, FatalError) else error
