"""What is live, read from a real Kafka: only what was committed, and a topic that was made again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime
from typing import Any

import pytest

from stream.deployments.bundle_ref import BundleRef
from stream.deployments.keeper import DeployedModels
from stream.deployments.live import key_of
from stream.deployments.topic import read_topic
from stream.kafka.admin import prepare_topics
from stream.kafka.clients import transactional_producer
from stream.metrics import Metrics
from stream.records import Deployment, encode
from stream.settings import Settings
from stream.topics import MODEL_DEPLOYMENTS
from tests.kafka_tools import admin, produce
from tests.walking import Events, FakeBundle, FakeEncoder, settings_for, until


@pytest.fixture
async def settings(kafka: str, prefix: str) -> Settings:
    settings = settings_for(kafka, prefix)
    await prepare_topics(settings, Events())
    return settings


def record(version: str) -> tuple[bytes, bytes]:
    deployment = Deployment(
        tenant="default",
        name="support",
        version=version,
        manifest_sha256=f"sha-{version}",
        previous_version=None,
        previous_manifest_sha256=None,
        deployed_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    return key_of("default", "support"), encode(deployment)


class Disk:
    """Every bundle is there."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def load_exactly(self, ref: BundleRef) -> Any:
        self.loaded.append(ref.version)
        bundle = FakeBundle(FakeEncoder())
        bundle.name, bundle.version = ref.name, ref.version
        return bundle

    def keep_only(self, bundles: Collection[Any]) -> None:
        pass


class Following:
    """A keeper on the topic."""

    def __init__(self, settings: Settings) -> None:
        self.disk, self.events = Disk(), Events()
        self.models = DeployedModels(settings, self.disk, dict_of, Metrics(), self.events)

    def served(self) -> list[str]:
        return [bundle.version for bundle in self.models.served().values()]


def dict_of(live: Any) -> Any:
    return dict(live().text)


@contextlib.asynccontextmanager
async def following(settings: Settings) -> AsyncIterator[Following]:
    story = Following(settings)
    task = asyncio.ensure_future(story.models.follow())
    try:
        yield story
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.timeout(60)
async def test_what_a_decision_wrote_that_was_taken_back_is_never_seen(
    settings: Settings, kafka: str
) -> None:
    topic = settings.topic(MODEL_DEPLOYMENTS)
    producer = transactional_producer(settings, f"{settings.topic_prefix}decides")
    await producer.start()
    async with following(settings) as story:
        try:
            await until(lambda: story.events.count("no_model_is_live"))
            await producer.begin_transaction()
            key, value = record("1")
            await (await producer.send(topic, value, key, partition=0))
            assert await read_topic(settings, topic, Events()) == [], "it is still open"
            await producer.abort_transaction()
            assert await read_topic(settings, topic, Events()) == []
        finally:
            await producer.stop()
        await produce(kafka, topic, [record("2")])
        await until(lambda: story.served() == ["2"])
        assert story.disk.loaded == ["2"]
    [entry] = await read_topic(settings, topic, Events())
    assert entry.value == record("2")[1]


@pytest.mark.timeout(60)
async def test_a_topic_that_was_deleted_and_made_again_is_heard(
    settings: Settings, kafka: str
) -> None:
    topic = settings.topic(MODEL_DEPLOYMENTS)
    await produce(kafka, topic, [record(version) for version in ("1", "2", "3")])
    async with following(settings) as story:
        await until(lambda: story.served() == ["3"])
        async with admin(kafka) as client:
            await client.delete_topics([topic])
            await until_gone(client, topic)
        assert story.served() == ["3"], "it goes on"
        await prepare_topics(settings, Events())
        await produce(kafka, topic, [record("1")])
        await until(lambda: story.served() == ["1"], 30, story.events.seen)
        assert story.events.count("deployments_begin_anew")


async def until_gone(client: Any, topic: str) -> None:
    async with asyncio.timeout(10):
        while topic in await client.list_topics():
            await asyncio.sleep(0.05)
