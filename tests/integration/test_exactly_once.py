"""0 lost, 0 duplicated, in order per input partition, while workers die, freeze, join and leave and Kafka restarts."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stream.broker import EmbeddedBroker
from stream.kafka.admin import prepare_topics
from stream.topics import INBOUND_EMAILS
from tests.counting import all_answered
from tests.walking import (
    Events,
    FakeBundle,
    FakeEncoder,
    settings_for,
    traffic,
    until,
    walking,
)
from tests.worker_process import WorkerProcess, worker_processes

Workers = Callable[..., WorkerProcess]


@pytest.fixture
def workers(kafka: str, prefix: str, tmp_path: Path) -> Iterator[Workers]:
    with worker_processes(kafka, prefix, tmp_path) as make:
        yield make


async def prepared(kafka: str, prefix: str) -> str:
    """Make the topics; returns the name of the live one."""
    await prepare_topics(settings_for(kafka, prefix), Events())
    return f"{prefix}{INBOUND_EMAILS}"


@pytest.mark.timeout(150)
@pytest.mark.parametrize("slots", [(0, 1), (None, None)], ids=["slots", "dynamic"])
async def test_kill_of_one_of_two_workers_under_load_three_times(
    kafka: str, prefix: str, workers: Workers, slots: tuple[int | None, int | None]
) -> None:
    live = await prepared(kafka, prefix)
    both = [
        workers(record_s=0.002, **({} if slot is None else {"worker_slot": slot})) for slot in slots
    ]
    for worker in both:
        await worker.logged("partitions_assigned")
    sending = asyncio.ensure_future(traffic(kafka, live, range(3000), 400))
    for turn in range(3):
        victim = both[turn % 2]
        await victim.logged("window_committed", len(victim.events("window_committed")) + 3)
        victim.kill()
        victim.start()
        await asyncio.sleep(1.5)
    await sending
    counted = await all_answered(kafka, prefix, 3000, timeout_s=60)
    for worker in both:
        assert await worker.stop() == 0, worker.tail()
    counted.must_be_exactly_once()
    assert not counted.letters, "a kill from outside is no record's fault"


@pytest.mark.timeout(90)
async def test_a_worker_frozen_past_its_session_and_thawed_commits_nothing_of_its_past(
    kafka: str, prefix: str, workers: Workers
) -> None:
    live = await prepared(kafka, prefix)
    zombie, other = workers(record_s=0.004), workers(record_s=0.004)
    for worker in (zombie, other):
        await worker.logged("partitions_assigned")
    sending = asyncio.ensure_future(traffic(kafka, live, range(3000), 300))
    await zombie.logged("window_committed", 3)
    taken_over = len(other.events("partitions_assigned")) + 1
    zombie.signal(signal.SIGSTOP)
    await other.logged("partitions_assigned", taken_over, timeout_s=30)
    committed = len(other.events("window_committed"))
    await other.logged("window_committed", committed + 3)
    back = len(zombie.events("partitions_assigned")) + 1
    zombie.signal(signal.SIGCONT)
    await zombie.logged("partitions_assigned", back)
    await sending
    counted = await all_answered(kafka, prefix, 3000, timeout_s=45)
    for worker in (zombie, other):
        assert await worker.stop() == 0, worker.tail()
    counted.must_be_exactly_once()


@pytest.mark.timeout(90)
async def test_a_worker_joins_and_leaves_under_load(kafka: str, prefix: str) -> None:
    live = await prepared(kafka, prefix)
    settings = settings_for(kafka, prefix)

    def slow() -> dict[str, FakeBundle]:
        return {"default": FakeBundle(FakeEncoder(0.002))}

    async with walking(settings, slow()) as first:
        await until(lambda: first.walk.ready)
        sending = asyncio.ensure_future(traffic(kafka, live, range(3000), 300))
        for _ in range(2):
            await asyncio.sleep(0.5)
            async with walking(settings, slow()) as second:
                await until(lambda: second.events.count("window_committed") >= 3, why=second.events)
        await sending
        counted = await all_answered(kafka, prefix, 3000)
    assert first.events.count("partitions_assigned") >= 4, "they shared twice"
    counted.must_be_exactly_once()


@pytest.mark.timeout(150)
@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_worker_survives_a_broker_that_restarts_under_load(
    broker_factory: Callable[..., EmbeddedBroker], prefix: str, tmp_path: Path, end: str
) -> None:
    broker = await asyncio.to_thread(broker_factory, data_dir=tmp_path / "kafka")
    kafka = broker.bootstrap_servers
    live = await prepared(kafka, prefix)
    settings = settings_for(kafka, prefix, kafka_connect_timeout_s=60)
    async with walking(settings, {"default": FakeBundle(FakeEncoder(0.002))}) as running:
        sending = asyncio.ensure_future(traffic(kafka, live, range(2000), 250))
        await until(lambda: running.events.count("window_committed") >= 5)
        await asyncio.to_thread(getattr(broker, end))
        await asyncio.sleep(1)
        await asyncio.to_thread(broker.start)
        async with asyncio.timeout(60):
            await sending
        counted = await all_answered(kafka, prefix, 2000, timeout_s=60)
    counted.must_be_exactly_once()
