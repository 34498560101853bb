"""The table of profiles on a real Kafka: all before it is ready, only good ones, and a letter for each bad one."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from stream.app import make_app, make_profiles_app
from stream.broker import EmbeddedBroker
from stream.calls.profiles import ProfileTable
from stream.faust_guard import FaustGuard, GuardLimits
from stream.kafka.admin import prepare_topics
from stream.kafka.clients import transactional_producer
from stream.live_counts import LiveCounts
from stream.metrics import Metrics
from stream.records import CustomerProfile, encode
from stream.settings import Settings
from stream.topics import CLASSIFICATIONS, CUSTOMER_PROFILES, DEAD_LETTERS
from tests import hosting
from tests.kafka_tools import admin, create_topics, produce, read_until
from tests.walking import Events, settings_for, until

START_S = 60  # two Faust apps on a busy machine
QUICK = GuardLimits(start_s=START_S, first_backoff_s=0.2, most_backoff_s=0.5)


@pytest.fixture
async def settings(kafka: str, prefix: str) -> Settings:
    settings = settings_for(kafka, prefix)
    await prepare_topics(settings, Events())
    return settings


def profile(customer: str, **features: Any) -> tuple[bytes, bytes]:
    record = CustomerProfile(tenant="acme", customer_id=customer, features=features)
    return f"acme/{customer}".encode(), encode(record)


class Table:
    """A table that follows its topic."""

    def __init__(self, settings: Settings) -> None:
        self.metrics, self.events = Metrics(), Events()
        self.profiles = ProfileTable(settings, self.metrics, self.events)

    def get(self, customer: str) -> Any:
        return self.profiles.get("acme", customer)

    def value(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"switchboard_{name}")


@contextlib.asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Table]:
    table = Table(settings)
    await table.profiles.start()
    following = asyncio.ensure_future(table.profiles.follow())
    try:
        yield table
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await table.profiles.close()


async def test_all_profiles_are_there_when_it_is_ready(settings: Settings, kafka: str) -> None:
    topic = settings.topic(CUSTOMER_PROFILES)
    await produce(kafka, topic, [profile(f"c{n}", age=float(n)) for n in range(2000)])
    await produce(kafka, topic, [profile("c7", age=70.0), (b"acme/c8", None)])
    async with reading(settings) as table:
        assert table.get("c1999") == {"age": 1999.0}
        assert table.get("c7") == {"age": 70.0}
        assert table.get("c8") is None
        assert table.value("profiles") == 1999


async def test_a_topic_that_does_not_exist_has_no_profiles_until_it_does(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix)
    async with reading(settings) as table:
        assert table.get("c1") is None
        await create_topics(kafka, settings.topic(CUSTOMER_PROFILES), partitions=2)
        await produce(kafka, settings.topic(CUSTOMER_PROFILES), [profile("c1", age=1.0)])
        await until(lambda: table.get("c1") == {"age": 1.0})


async def test_what_comes_while_it_follows_is_seen_and_bad_ones_change_nothing(
    settings: Settings, kafka: str
) -> None:
    topic = settings.topic(CUSTOMER_PROFILES)
    await produce(kafka, topic, [profile("c1", plan="old"), profile("c2", plan="old")])
    async with reading(settings) as table:
        bad = (b"acme/c1", b'{"customer_id": "c1", "tenant": "acme", "features": {"vip": true}}')
        await produce(kafka, topic, [profile("c3", plan="new"), bad, (b"acme/c2", None)])
        await until(lambda: table.get("c3") and table.get("c2") is None)
        await until(lambda: table.value("profiles_refused_total") == 1)
        assert table.get("c1") == {"plan": "old"}, "the last good one stays"
        await produce(kafka, topic, [profile("c1", plan="new")])
        await until(lambda: table.get("c1") == {"plan": "new"})


@pytest.mark.timeout(60)
async def test_what_was_not_committed_is_never_seen(settings: Settings, kafka: str) -> None:
    topic = settings.topic(CUSTOMER_PROFILES)
    key, value = profile("c1", plan="ghost")
    producer = transactional_producer(settings, f"{settings.topic_prefix}crm")
    await producer.start()
    try:
        await producer.begin_transaction()
        await (await producer.send(topic, value, key))
        async with reading(settings) as table:  # ready, though a transaction is open
            await producer.abort_transaction()
            await produce(kafka, topic, [profile("c1", plan="true")])
            await until(lambda: table.get("c1"))
            assert table.get("c1") == {"plan": "true"}
    finally:
        await producer.stop()


@pytest.mark.timeout(60)
async def test_a_topic_that_was_made_anew_replaces_what_was_known_once_it_has_profiles(
    settings: Settings, kafka: str
) -> None:
    topic = settings.topic(CUSTOMER_PROFILES)
    await produce(kafka, topic, [profile(f"c{n}", plan="old") for n in range(20)])
    async with reading(settings) as table:
        async with admin(kafka) as client:
            await client.delete_topics([topic])
            async with asyncio.timeout(10):
                while topic in await client.list_topics():
                    await asyncio.sleep(0.05)
        assert table.get("c1") == {"plan": "old"}, "it goes on"
        await prepare_topics(settings, Events())
        await produce(kafka, topic, [profile("c1", plan="new")])
        await until(lambda: table.get("c1") == {"plan": "new"}, 30, table.events.seen)
        assert table.get("c2") is None
        assert table.value("profiles") == 1


@pytest.mark.timeout(120)  # two starts of a broker
async def test_a_broker_that_restarts_takes_nothing_away(
    broker_factory: Callable[..., EmbeddedBroker], prefix: str, tmp_path: Path
) -> None:
    broker = await asyncio.to_thread(broker_factory, data_dir=tmp_path / "kafka")
    kafka = broker.bootstrap_servers
    settings = settings_for(kafka, prefix, kafka_connect_timeout_s=60)
    await prepare_topics(settings, Events())
    topic = settings.topic(CUSTOMER_PROFILES)
    await produce(kafka, topic, [profile("c1", plan="old"), profile("c2", plan="old")])
    async with reading(settings) as table:
        await asyncio.to_thread(broker.kill)
        assert table.get("c1") == {"plan": "old"}
        await asyncio.to_thread(broker.start)
        await produce(kafka, topic, [profile("c1", plan="new")])
        await until(lambda: table.get("c1") == {"plan": "new"}, 60, table.events.seen)
        assert table.get("c2") == {"plan": "old"}


# -- dead letters ----------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def writing_letters(settings: Settings) -> AsyncIterator[FaustGuard]:
    log = Events()
    guard = FaustGuard(lambda: make_profiles_app(settings, Metrics(), log), log, QUICK)
    async with hosting.worker(guard):
        await until(lambda: guard.condition == "running", START_S)
        yield guard


BAD = [
    (
        b"acme/c1",
        b'{"customer_id": "c1", "tenant": "acme", "features": {"vip": true}}',
        "wrong-shape",
    ),
    (b"acme/c9", b'{"customer_id": "c1", "tenant": "acme"}', "wrong-key"),
    (b"acme/c2", b'{"customer_id": "c2"', "bad-json"),
    (None, b'{"customer_id": "c3"}', "wrong-key"),
]


@pytest.mark.timeout(180)
async def test_each_bad_profile_has_a_letter_with_its_bytes_also_one_from_before_the_first_start(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix)
    topic = settings.topic(CUSTOMER_PROFILES)
    await create_topics(kafka, topic, partitions=2)  # not compacted: it takes a record without key
    await prepare_topics(settings, Events())
    await produce(kafka, topic, [profile("c1", plan="good"), *(bad[:2] for bad in BAD[:2])])
    async with writing_letters(settings):
        await read_until(kafka, settings.topic(DEAD_LETTERS), 2, timeout_s=START_S)
        await produce(kafka, topic, [*(bad[:2] for bad in BAD[2:]), (b"acme/c1", None)])
        letters = await read_until(kafka, settings.topic(DEAD_LETTERS), len(BAD), timeout_s=START_S)
    seen = {
        (letter.key, letter.value, dict(letter.headers)["error-type"].decode())
        for letter in letters
    }
    assert seen == set(BAD)
    for letter in letters:
        headers = dict(letter.headers)
        assert headers["source-topic"].decode() == topic
        place = "/".join(
            headers[name].decode() for name in ("source-topic", "source-partition", "source-offset")
        )
        assert headers["output-id"].decode() == place


@pytest.mark.timeout(180)
async def test_a_letter_that_was_not_written_before_the_end_is_written_by_the_next_life(
    settings: Settings, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = settings.topic(CUSTOMER_PROFILES)
    key, value, _ = BAD[0]
    writing = threading.Event()

    async def waits(self: object, records: object) -> None:
        writing.set()
        await asyncio.Event().wait()  # as while Kafka takes no letters

    with monkeypatch.context() as broken:
        broken.setattr("stream.calls.bad_profiles.ProfileLetters.write", waits)
        async with writing_letters(settings):
            await produce(kafka, topic, [(key, value)])
            await until(writing.is_set)
            await asyncio.sleep(1.5)  # longer than Faust's interval of commits
    async with writing_letters(settings):
        [letter] = await read_until(kafka, settings.topic(DEAD_LETTERS), 1, timeout_s=START_S)
    assert (letter.key, letter.value) == (key, value)


@pytest.mark.timeout(180)
async def test_the_letters_are_written_beside_the_views_in_one_worker(
    settings: Settings, kafka: str
) -> None:
    counts, metrics, log = LiveCounts(Metrics().labels), Metrics(), Events()
    guards = [
        FaustGuard(lambda: make_app(settings, counts), log, QUICK),
        FaustGuard(lambda: make_profiles_app(settings, metrics, log), log, QUICK),
    ]
    key, value, _ = BAD[0]
    async with hosting.worker(*guards):
        await until(lambda: all(guard.condition == "running" for guard in guards), START_S)
        await produce(kafka, settings.topic(CUSTOMER_PROFILES), [(key, value)])
        await produce(kafka, settings.topic(CLASSIFICATIONS), [(b"1", b"{}")])
        await read_until(kafka, settings.topic(DEAD_LETTERS), 1, timeout_s=START_S)
        await until(lambda: counts.snapshot().undecodable == 1, START_S)
        assert [guard.restarts for guard in guards] == [0, 0]
    labels = {"stage": "validate", "type": "wrong-shape"}
    assert metrics.registry.get_sample_value("switchboard_dead_letters_total", labels) == 1
