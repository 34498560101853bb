"""Faust beside another service in one `mode.Worker`, on a real Kafka: what it counts, and that it disturbs nobody."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from stream.app import make_app
from stream.broker import EmbeddedBroker
from stream.faust_guard import FaustGuard, GuardLimits
from stream.live_counts import SKIPPED, WHOLE_MAIL, LiveCounts
from stream.metrics import Metrics
from stream.records import Classification, HeadResult, Source, encode
from stream.settings import Settings
from tests.hosting import Log, Ticks, until, worker
from tests.kafka_tools import committed_offsets, create_topics, produce

QUICK = GuardLimits(start_s=20, first_backoff_s=0.2, most_backoff_s=0.5)


def settings_for(kafka: str, prefix: str) -> Settings:
    return Settings(kafka_bootstrap_servers=kafka, topic_prefix=prefix, group_id=f"{prefix}group")


def classification(number: int, label: str = "card", **values: Any) -> bytes:
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "id": str(number),
        "tenant": "acme",
        "status": "classified",
        "reason": None,
        "heads": {"topic": HeadResult(abstained=False, label=label, confidence=0.9)},
        "language": None,
        "truncated": False,
        "model": None,
        "received_at": now,
        "classified_at": now,
        "source": Source(topic="inbound-emails", partition=0, offset=number),
    }
    return encode(Classification(**fields | values))


def keyed(values: list[bytes | None]) -> list[tuple[bytes | None, bytes | None]]:
    return [(str(number).encode(), value) for number, value in enumerate(values)]


@asynccontextmanager
async def counting(
    kafka: str, prefix: str, counts: LiveCounts | None = None
) -> AsyncIterator[tuple[LiveCounts, FaustGuard]]:
    """A guarded views app in a worker, from the moment it would see a new record."""
    counts = counts or LiveCounts(Metrics().labels)
    guard = FaustGuard(lambda: make_app(settings_for(kafka, prefix), counts), Log(), QUICK)
    async with worker(guard):
        await until(lambda: guard.condition == "running")
        yield counts, guard


@pytest.fixture
async def topic(kafka: str, prefix: str) -> str:
    name = f"{prefix}classifications"
    await create_topics(kafka, name, partitions=2)
    return name


async def test_labels_are_counted_by_tenant_and_head_and_shown_to_prometheus(
    kafka: str, prefix: str, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    metrics = Metrics()
    async with counting(kafka, prefix, LiveCounts(metrics.labels)) as (counts, _):
        skipped = classification(9, status="skipped", reason="reply", heads={})
        values = [classification(n, "card" if n % 3 else "loan") for n in range(300)] + [skipped]
        await produce(kafka, topic, keyed(values))
        await until(lambda: counts.snapshot().classifications >= 301)
        shown = counts.snapshot()
    assert shown.classifications == 301
    assert shown.counts == {"acme": {"topic": {"card": 200, "loan": 100}, WHOLE_MAIL: {SKIPPED: 1}}}
    sample = metrics.registry.get_sample_value(
        "switchboard_labels_total", {"tenant": "acme", "head": "topic", "label": "card"}
    )
    assert sample == 200
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir())), "Faust left files about"


async def test_a_new_group_counts_from_now_on_and_no_history(
    kafka: str, prefix: str, topic: str
) -> None:
    await produce(kafka, topic, keyed([classification(n, "old") for n in range(50)]))
    async with counting(kafka, prefix) as (counts, _):
        await produce(kafka, topic, keyed([classification(n, "new") for n in range(50)]))
        await until(lambda: counts.snapshot().classifications >= 50)
        assert counts.snapshot().counts == {"acme": {"topic": {"new": 50}}}


async def test_records_of_an_aborted_transaction_are_not_counted(
    kafka: str, prefix: str, topic: str
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"{prefix}writer")
    await producer.start()
    async with counting(kafka, prefix) as (counts, _):
        for label, abort in [("first", False), ("ghost", True), ("last", False)]:
            await producer.begin_transaction()
            for number in range(20):
                await producer.send_and_wait(topic, classification(number, label), partition=0)
            await (producer.abort_transaction() if abort else producer.commit_transaction())
        await until(lambda: "last" in counts.snapshot().counts.get("acme", {}).get("topic", {}))
        await until(lambda: counts.snapshot().classifications >= 40)
        assert counts.snapshot().counts["acme"] == {"topic": {"first": 20, "last": 20}}
        deadline = time.monotonic() + 10
        while (await committed_offsets(kafka, f"{prefix}group-views", topic)).get(0) != 62:
            # 62 = 20 + marker + 20 aborted + marker + 20: commits pass over what nobody sees
            assert time.monotonic() < deadline, "the offset did not pass the aborted records"
            await asyncio.sleep(0.2)
    await producer.stop()


async def test_many_small_transactions_leave_nothing_behind_in_memory(
    kafka: str, prefix: str, topic: str
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"{prefix}writer")
    await producer.start()
    async with counting(kafka, prefix) as (counts, _):
        for number in range(60):
            async with producer.transaction():
                await producer.send_and_wait(topic, classification(number), partition=0)
        await until(lambda: counts.snapshot().classifications >= 60)
        deadline = time.monotonic() + 20  # by Faust's own rule 60 s: one marker a second is passed
        while (await committed_offsets(kafka, f"{prefix}group-views", topic)).get(0) != 119:
            assert time.monotonic() < deadline, "it still holds offsets, to commit them some day"
            await asyncio.sleep(0.2)
    await producer.stop()


async def test_garbage_is_counted_and_what_follows_it_too(
    kafka: str, prefix: str, topic: str
) -> None:
    garbage: list[bytes | None] = [b"", None, b"\xff\xfe", b"[]", b'{"id":1}', b"[" * 100_000]
    async with counting(kafka, prefix) as (counts, guard):
        await produce(kafka, topic, keyed([*garbage, classification(1)]), partition=0)
        await until(lambda: counts.snapshot().classifications == 1)
        assert counts.snapshot().undecodable == len(garbage)
        assert guard.condition == "running"
        assert guard.restarts == 0


async def test_a_restarted_worker_counts_what_came_while_it_was_down(
    kafka: str, prefix: str, topic: str
) -> None:
    async with counting(kafka, prefix) as (counts, _):
        await produce(kafka, topic, keyed([classification(1)]), partition=0)
        await until(lambda: counts.snapshot().classifications == 1)
    await produce(kafka, topic, keyed([classification(2)] * 5), partition=0)
    async with counting(kafka, prefix) as (counts, _):
        await until(lambda: counts.snapshot().classifications >= 5)
        assert counts.snapshot().classifications == 5


async def test_two_workers_share_the_counting_and_a_third_without_partitions_is_content(
    kafka: str, prefix: str, topic: str
) -> None:
    async with (
        counting(kafka, prefix) as (first, _),
        counting(kafka, prefix) as (second, _),
        counting(kafka, prefix) as (third, idle),
    ):
        await asyncio.sleep(1)
        await produce(kafka, topic, keyed([classification(n) for n in range(100)]))
        everyone = (first, second, third)
        await until(lambda: sum(c.snapshot().classifications for c in everyone) >= 100)
        assert sum(counts.snapshot().classifications for counts in everyone) == 100
        assert idle.restarts == 0


@pytest.mark.timeout(180)  # two starts of a broker
async def test_the_neighbour_goes_on_without_kafka_and_counting_begins_when_it_comes(
    broker_factory: Callable[..., EmbeddedBroker], prefix: str
) -> None:
    broker = broker_factory()
    await create_topics(broker.bootstrap_servers, f"{prefix}classifications", partitions=1)
    broker.kill()
    counts, walk, log = LiveCounts(Metrics().labels), Ticks(), Log()
    settings = settings_for(broker.bootstrap_servers, prefix)
    guard = FaustGuard(lambda: make_app(settings, counts), log, QUICK)
    async with worker(walk, guard):
        await until(lambda: guard.restarts >= 2)
        ticks = walk.count
        await until(lambda: walk.count > ticks + 20)
        await asyncio.to_thread(broker.start)
        await until(lambda: guard.condition == "running")
        await produce(
            broker.bootstrap_servers, f"{prefix}classifications", keyed([classification(1)])
        )
        await until(lambda: counts.snapshot().classifications == 1)
        broker.kill()
        began_s = time.monotonic()
    assert time.monotonic() - began_s < QUICK.stop_s + 10, "it waited for a Kafka that is gone"
    assert set(log.names()) == {"faust_ended"}
    await until(
        lambda: not any(thread.name.startswith("faust") for thread in threading.enumerate())
    )
