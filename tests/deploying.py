"""A keeper of models on a topic that the test writes, and bundles that need no files."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from stream.deployments import keeper
from stream.deployments.bundle_ref import BundleRef
from stream.deployments.keeper import DeployedModels
from stream.deployments.live import Entry, key_of
from stream.deployments.topic import Reading
from stream.errors import FatalError
from stream.metrics import Metrics
from stream.records import Deployment, encode
from stream.settings import Settings
from stream.tenant_models import Loaded
from tests.walking import Events, FakeBundle, FakeEncoder, until

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def deployment(
    version: str = "1",
    name: str = "support",
    tenant: str = "default",
    before: str | None = None,
    **more: Any,
) -> Deployment:
    return Deployment(
        tenant=tenant,
        name=name,
        version=version,
        manifest_sha256=f"sha-{name}-{version}",
        previous_version=before,
        previous_manifest_sha256=before and f"sha-{name}-{before}",
        **{"deployed_at": NOW, **more},
    )


def entry(offset: int, what: Deployment | tuple[str, str]) -> Entry:
    """A record, or the tombstone of (tenant, name)."""
    if isinstance(what, tuple):
        return Entry(offset, key_of(*what), None)
    return Entry(offset, key_of(what.tenant, what.name), encode(what))


class Disk:
    """Bundles that can be loaded, by NAME/VERSION, and what was asked of it."""

    def __init__(self, *names: str) -> None:
        self.there = set(names)
        self.loaded: list[str] = []
        self.kept: list[str] = []
        self.cleanings = 0

    def load_exactly(self, ref: BundleRef) -> Any:
        self.loaded.append(str(ref))
        if str(ref) not in self.there:
            raise FatalError(f"{ref} is not there")
        bundle = FakeBundle(FakeEncoder(), ref.tenant)
        bundle.name, bundle.version, bundle.kind = ref.name, ref.version, ref.kind
        return bundle

    def keep_only(self, bundles: Collection[Any]) -> None:
        self.kept = [f"{one.name}/{one.version}" for one in bundles]
        self.cleanings += 1


class Story:
    """A keeper on a topic that the test writes."""

    def __init__(self, models: DeployedModels, topic: "asyncio.Queue[Reading]") -> None:
        self.models, self._topic, self._offset = models, topic, 0

    async def write(self, *records: Deployment | tuple[str, str]) -> None:
        entries = [entry(self._offset + place, one) for place, one in enumerate(records)]
        self._offset += len(records)
        await self._topic.put(Reading(entries))

    async def begin_anew(self, *records: Deployment | tuple[str, str]) -> None:
        """The topic was deleted and made again, or read again from its start."""
        entries = [entry(place, one) for place, one in enumerate(records)]
        self._offset = len(records)
        await self._topic.put(Reading(entries, len(entries)))

    def served(self) -> dict[str, str]:
        return {who: f"{one.name}/{one.version}" for who, one in self.models.served().items()}

    async def serves(self, **wanted: str) -> None:
        await until(lambda: self.served() == wanted, 5, wanted)

    def served_churn(self) -> dict[str, str]:
        return {who: f"{one.name}/{one.version}" for who, one in self.models.served_churn().items()}

    async def scores(self, **wanted: str) -> None:
        await until(lambda: self.served_churn() == wanted, 5, wanted)


@asynccontextmanager
async def keepers(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Story]]:
    """Makes keepers on fake topics, and ends them."""
    following: list[asyncio.Future[Any]] = []

    def make(disk: Disk, events: Events, metrics: Metrics) -> Story:
        topic: asyncio.Queue[Reading] = asyncio.Queue()

        async def follow(*_: Any) -> AsyncIterator[Reading]:
            while True:
                yield await topic.get()

        monkeypatch.setattr(keeper, "follow_topic", follow)

        def make_engine(models: Callable[[], Loaded]) -> Any:
            return dict(models().text)

        models = DeployedModels(Settings(), disk, make_engine, metrics, events)
        following.append(asyncio.ensure_future(models.follow()))
        return Story(models, topic)

    try:
        yield make
    finally:
        for one in following:
            one.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await one


def pending(metrics: Metrics, tenant: str = "default", kind: str = "text") -> float | None:
    labels = {"tenant": tenant, "kind": kind}
    return metrics.registry.get_sample_value("switchboard_model_pending", labels)
