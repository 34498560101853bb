"""Deployments in, loaded bundles by kind and tenant out: to the engine's rules, which look once a window.

    a record names a bundle ─▶ loaded before (a rollback)? ── yes ─▶ served from the next window on
                                       │ no
                                       ▼
                     loaded beside the traffic, at low priority: hashes, session, golden run ─▶ served …
                                       │ fails
                                       ▼
                     the old one goes on; told in log, metric and /health/ready; again after 1 s … 1 min

At the start of a worker all that is live must load before it joins, and what calls may have begun with is tried. What
is neither live nor the one before is let go, when no call is left that may go on with it (`deployments.wanted`). While
nothing is live and the tenants file names no model, the worker waits, not ready; nobody need start it again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from models.bundle import Bundle
from stream.deployments.bundle_ref import BundleRef, Loads
from stream.deployments.live import EVERYBODY, NOTHING_LIVE, Scope
from stream.deployments.priority import at_low_priority
from stream.deployments.retries import Retries
from stream.deployments.topic import follow_topic
from stream.deployments.wanted import Slot, Wanted
from stream.engine import Engine
from stream.errors import FatalError
from stream.kafka.clients import Log
from stream.metrics import Metrics
from stream.settings import Settings
from stream.tenant_models import NONE_LOADED, Loaded
from stream.topics import MODEL_DEPLOYMENTS

LOOK_EVERY_S = 30.0  # calls end without telling


class DeployedModels:
    """The models that `model-deployments` says are live. All methods run in the event loop.

    Args:
        settings: name the topic.
        loads: run in a thread of its own.
        make_engine: called once all are loaded, in that thread, with a function that gives the bundles of now:
            another object after every change.
        metrics: `model_pending` and `model_load_failures`.
        log: told of every swap, and of what hinders one.
        scope: of this worker.
    """

    def __init__(
        self,
        settings: Settings,
        loads: Loads,
        make_engine: Callable[[Callable[[], Loaded]], Engine],
        metrics: Metrics,
        log: Log,
        scope: Scope = EVERYBODY,
    ) -> None:
        self._settings = settings
        self._loads = loads
        self._make_engine = make_engine
        self._metrics = metrics
        self._log = log
        self._scope = scope
        self._wanted = Wanted(scope, log)
        self._bundles: dict[BundleRef, Bundle] = {}
        self._answering: dict[Slot, Bundle] = {}
        self._loaded = NONE_LOADED
        self._in_use: Callable[[], Collection[tuple[str, str]]] = frozenset
        self._retries = Retries()
        self._was_read = self._started = False
        self._news, self._settled = asyncio.Event(), asyncio.Event()
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="load")

    def keep_for_calls(self, in_use: Callable[[], Collection[tuple[str, str]]]) -> None:
        """Ask this for (name, version) of the bundles that calls in progress began with, before one is let go."""
        self._in_use = in_use

    def now(self) -> Loaded:
        """What serves now; the same object until something changed. Any thread may ask."""
        return self._loaded

    def served(self) -> Mapping[str, Bundle]:
        """The bundle that answers mail, by tenant. Any thread may ask."""
        return self._loaded.text

    def served_churn(self) -> Mapping[str, Bundle]:
        """The bundle that scores calls which begin, by tenant. Any thread may ask."""
        return self._loaded.churn

    def problems(self) -> list[str]:
        """What is live and not served, a sentence each, for `/health/ready`; or that nothing is."""
        if self._was_read and not self._has_some() and not self._started:
            return [NOTHING_LIVE]
        return [
            f"pending: tenant {tenant}{', calls' if kind == 'churn' else ''}: {ref} is live and not loaded"
            + (f": {failure.reason}" if (failure := self._retries.of(ref)) else " yet")
            for (tenant, kind), ref in self._pending().items()
        ]

    async def engine(self) -> Engine:
        """Wait until all that is live is loaded, and make the engine; `follow` must run beside it.

        Raises:
            FatalError: the tenants file names a model that cannot be loaded.
        """
        while not self._may_start():
            self._settled.clear()
            await self._settled.wait()
        loop = asyncio.get_running_loop()
        engine = await loop.run_in_executor(self._loading, self._make_engine, self.now)
        self._loading.shutdown(wait=False)
        self._loading = ThreadPoolExecutor(1, "load", initializer=at_low_priority)
        self._started = True
        self._news.set()  # now the bundles of before may be loaded too
        return engine

    async def follow(self) -> None:
        """Read the topic and load what it names, until cancelled.

        Raises:
            BrokerUnavailableError, FatalError: the topic could not be read at the start; later failures are waited
                for.
        """
        async with asyncio.TaskGroup() as both:
            both.create_task(self._read())
            both.create_task(self._load())

    def _may_start(self) -> bool:
        return self._was_read and self._has_some() and not (self._pending() or self._untried())

    def _has_some(self) -> bool:
        return bool(self._wanted.live) or self._scope.has_others

    # -- the topic -----------------------------------------------------------------------------

    async def _read(self) -> None:
        topic = self._settings.topic(MODEL_DEPLOYMENTS)
        async for reading in follow_topic(self._settings, topic, self._log):
            self._wanted.fold(reading)
            if not self._was_read and not self._has_some():
                self._log("no_model_is_live", reason=NOTHING_LIVE)
            self._was_read = True
            if reading.entries:
                self._retries.clear()  # a person did something: look again at once
            self._settle()
            self._news.set()

    def _settle(self) -> None:
        """Serve what is wanted and loaded; what is wanted and not loaded leaves the one before in its place."""
        answering: dict[Slot, Bundle] = {}
        for slot, ref in self._wanted.refs().items():
            if bundle := self._bundles.get(ref) or self._answering.get(slot):
                answering[slot] = bundle
        for slot in sorted(answering.keys() | self._answering.keys()):
            new, old = answering.get(slot), self._answering.get(slot)
            if new is not old:
                facts = {"model": _name(new), "instead_of": _name(old)}
                self._log("model_live", tenant=slot[0], kind=slot[1], **facts)
        self._answering = answering
        for_calls = self._wanted.for_calls(datetime.now(UTC)) & self._bundles.keys()
        loaded = Loaded.of(answering, [self._bundles[ref] for ref in for_calls])
        self._loaded = self._loaded if loaded == self._loaded else loaded
        shown, pending = self._metrics.model_pending, self._pending()
        shown.clear()
        for slot in self._wanted.live:
            shown.labels(*slot).set(slot in pending)
        self._settled.set()

    def _pending(self) -> dict[Slot, BundleRef]:
        """Live and not served."""
        return {slot: ref for slot, ref in self._wanted.refs().items() if ref not in self._bundles}

    # -- bundles -------------------------------------------------------------------------------

    async def _load(self) -> None:
        while True:
            self._news.clear()
            await self._let_go()
            waits_s = {ref: self._retries.waits_s(ref) for ref in self._missing()}
            due = next((ref for ref, wait_s in waits_s.items() if wait_s <= 0), None)
            if due is not None:
                await self._load_one(due)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min([LOOK_EVERY_S, *waits_s.values()])):
                    await self._news.wait()

    def _missing(self) -> list[BundleRef]:
        """What to load: what is live, then what was before it, so that a rollback takes no time."""
        before = [ref for ref in self._wanted.before() if ref not in self._bundles]
        return [*self._pending().values(), *(before if self._started else self._untried())]

    def _untried(self) -> list[BundleRef]:
        """Before the start: what calls in progress may stay with; a bundle that fails holds up nobody."""
        refs = self._wanted.for_calls(datetime.now(UTC)).intersection(self._wanted.before())
        return [ref for ref in refs - self._bundles.keys() if self._retries.of(ref) is None]

    async def _load_one(self, ref: BundleRef) -> None:
        self._log("model_loading", tenant=ref.tenant, model=str(ref))
        loop = asyncio.get_running_loop()
        try:
            bundle = await loop.run_in_executor(self._loading, self._loads.load_exactly, ref)
        except FatalError as error:
            self._fail(ref, str(error))
            await self._drop_sessions()
        else:
            self._bundles[ref] = bundle
            self._settle()

    def _fail(self, ref: BundleRef, reason: str) -> None:
        failure = self._retries.note(ref, reason)
        is_live = ref in self._pending().values()
        if is_live:
            self._metrics.model_load_failures.labels(ref.tenant, ref.kind).inc()
        if is_live or failure.times == 1:  # for a quick rollback nobody waits: said once
            old = _name(self._answering.get((ref.tenant, ref.kind)))
            now = f"{old} goes on" if old else "no model of its own answers for the tenant yet"
            effect = now if is_live else "a rollback to it takes as long as a load"
            self._log(
                "model_not_loaded",
                tenant=ref.tenant,
                model=str(ref),
                reason=reason,
                effect=effect,
                again_in_s=failure.backoff_s,
            )

    async def _let_go(self) -> None:
        """Drop what nobody wants any more; windows in progress keep theirs until they are done."""
        kept = self._wanted.kept(self._in_use(), datetime.now(UTC))
        old = self._answering.values()
        gone = [ref for ref, one in self._bundles.items() if ref not in kept and one not in old]
        for ref in gone:
            del self._bundles[ref]
        self._settle()  # two hours may be over
        if gone:
            await self._drop_sessions()
            self._log("models_let_go", models=", ".join(map(str, gone)))

    async def _drop_sessions(self) -> None:
        loop, bundles = asyncio.get_running_loop(), list(self._bundles.values())
        await loop.run_in_executor(self._loading, self._loads.keep_only, bundles)


def _name(bundle: Bundle | None) -> str | None:
    return None if bundle is None else f"{bundle.name}/{bundle.version}"
