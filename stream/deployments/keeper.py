"""Deployments in, loaded bundles by tenant out: to the engine's rules, which look once a window.

    a record names a bundle ─▶ loaded before (a rollback)? ── yes ─▶ served from the next window on
                                       │ no
                                       ▼
                     loaded beside the traffic, at low priority: hashes, session, golden run ─▶ served …
                                       │ fails
                                       ▼
                     the old one goes on; told in log, metric and /health/ready; again after 1 s … 1 min

At the start of a worker all that is live must load before it joins. What is neither live nor the one before is let
go. While nothing is live, and the tenants file names no model, the worker waits, not ready: whoever starts it before
the first approval need not start it again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from models.bundle import Bundle
from stream.deployments.bundle_ref import BundleRef, Loads, ref_before, ref_of
from stream.deployments.live import EVERYBODY, NOTHING_LIVE, Live, Scope
from stream.deployments.priority import at_low_priority
from stream.deployments.retries import Retries
from stream.deployments.topic import Reading, follow_topic
from stream.engine import Engine
from stream.errors import FatalError
from stream.kafka.clients import Log
from stream.metrics import Metrics
from stream.records import Deployment
from stream.settings import Settings
from stream.topics import MODEL_DEPLOYMENTS


class DeployedModels:
    """The models that `model-deployments` says are live. All methods run in the event loop.

    Args:
        settings: name the topic.
        loads: run in a thread of its own.
        make_engine: called once all are loaded, in that thread, with a function that gives the bundle by tenant of
            now: another object after every change.
        metrics: `model_pending` and `model_load_failures`.
        log: told of every swap, and of what hinders one.
        scope: of this worker.
    """

    def __init__(
        self,
        settings: Settings,
        loads: Loads,
        make_engine: Callable[[Callable[[], Mapping[str, Bundle]]], Engine],
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
        self._live = Live()
        self._wanted: dict[str, Deployment] = {}
        self._bundles: dict[BundleRef, Bundle] = {}
        self._served: Mapping[str, Bundle] = {}
        self._retries = Retries()
        self._was_read = self._started = False
        self._news, self._settled = asyncio.Event(), asyncio.Event()
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="load")

    def served(self) -> Mapping[str, Bundle]:
        """The bundle by tenant; the same object until something changed. Any thread may ask."""
        return self._served

    def problems(self) -> list[str]:
        """What is live and not served, a sentence each, for `/health/ready`; or that nothing is."""
        if self._was_read and not self._wanted and not self._scope.has_others and not self._started:
            return [NOTHING_LIVE]
        return [
            f"pending: tenant {tenant}: {ref} is live and not loaded"
            + (f": {failure.reason}" if (failure := self._retries.of(ref)) else " yet")
            for tenant, ref in self._pending().items()
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
        engine = await loop.run_in_executor(self._loading, self._make_engine, self.served)
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
        has_some = bool(self._wanted) or self._scope.has_others
        return self._was_read and has_some and not self._pending()

    # -- the topic -----------------------------------------------------------------------------

    async def _read(self) -> None:
        topic = self._settings.topic(MODEL_DEPLOYMENTS)
        async for reading in follow_topic(self._settings, topic, self._log):
            self._fold(reading)
            self._wanted = self._scope.needed(self._live.by_tenant())
            if not self._was_read and not self._wanted and not self._scope.has_others:
                self._log("no_model_is_live", reason=NOTHING_LIVE)
            self._was_read = True
            if reading.entries:
                self._retries.clear()  # a person did something: look again at once
            self._settle()
            self._news.set()

    def _fold(self, reading: Reading) -> None:
        before = self._live
        if reading.end is not None:
            if reading.end <= before.highest:
                self._log("deployments_begin_anew", end=reading.end, known=before.highest)
            if reading.entries:  # an empty topic takes no model away
                self._live = Live()
        known_refused = dict(before.refused)
        self._live.add(reading.entries)
        for offset, reason in self._live.refused.items() - known_refused.items():
            self._log("deployment_not_read", offset=offset, reason=reason)

    def _settle(self) -> None:
        """Serve what is wanted and loaded; what is wanted and not loaded leaves the one before in its place."""
        served: dict[str, Bundle] = {}
        for tenant, deployment in self._wanted.items():
            bundle = self._bundles.get(ref_of(deployment)) or self._served.get(tenant)
            if bundle is not None:
                served[tenant] = bundle
        if served != self._served:
            self._tell(served)
            self._served = served
        self._metrics.model_pending.clear()
        pending = self._pending()
        for tenant in self._wanted:
            self._metrics.model_pending.labels(tenant).set(tenant in pending)
        self._settled.set()

    def _tell(self, served: Mapping[str, Bundle]) -> None:
        for tenant in sorted(served.keys() | self._served.keys()):
            new, old = served.get(tenant), self._served.get(tenant)
            if new is not old:
                self._log("model_live", tenant=tenant, model=_name(new), instead_of=_name(old))

    def _pending(self) -> dict[str, BundleRef]:
        """Live and not served, by tenant."""
        refs = {tenant: ref_of(deployment) for tenant, deployment in self._wanted.items()}
        return {tenant: ref for tenant, ref in refs.items() if ref not in self._bundles}

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
                async with asyncio.timeout(min(waits_s.values(), default=None)):
                    await self._news.wait()

    def _missing(self) -> list[BundleRef]:
        """What to load: what is live, then what was before it, so that a rollback takes no time."""
        refs = list(self._pending().values())
        if self._started:
            before = [ref_before(deployment) for deployment in self._wanted.values()]
            refs += [ref for ref in before if ref is not None and ref not in self._bundles]
        return refs

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
            self._metrics.model_load_failures.labels(ref.tenant).inc()
        if is_live or failure.times == 1:  # for a quick rollback nobody waits: said once
            old = _name(self._served.get(ref.tenant))
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
        """Drop what is neither live nor the one before; windows in progress keep theirs until they are done."""
        kept: set[BundleRef] = set()
        for deployment in self._wanted.values():
            before = ref_before(deployment)
            kept |= {ref_of(deployment)} if before is None else {ref_of(deployment), before}
        served = list(self._served.values())
        gone = [
            ref for ref, bundle in self._bundles.items() if ref not in kept and bundle not in served
        ]
        if gone:
            for ref in gone:
                del self._bundles[ref]
            await self._drop_sessions()
            self._log("models_let_go", models=", ".join(map(str, gone)))

    async def _drop_sessions(self) -> None:
        loop, bundles = asyncio.get_running_loop(), list(self._bundles.values())
        await loop.run_in_executor(self._loading, self._loads.keep_only, bundles)


def _name(bundle: Bundle | None) -> str | None:
    return None if bundle is None else f"{bundle.name}/{bundle.version}"
