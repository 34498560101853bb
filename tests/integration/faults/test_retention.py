"""Records that the broker deletes before they were read, at a start and under a worker: stop, or go on without."""

import asyncio
import re

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from stream.errors import ExpiredRecordsError
from stream.kafka.admin import prepare_topics
from stream.settings import Settings
from stream.topics import INBOUND_EMAILS
from tests.counting import all_answered, count
from tests.integration.faults.form import is_long
from tests.kafka_tools import admin, committed_offsets, produce
from tests.walking import (
    Events,
    FakeBundle,
    FakeEncoder,
    Running,
    mail,
    settings_for,
    until,
    walking,
)

SLOW = 0.02


async def expire(kafka: str, topic: str, before: int) -> None:
    """Delete the records of partition 0 below an offset, as retention would."""
    async with admin(kafka) as client:
        await client.delete_records({TopicPartition(topic, 0): RecordsToDelete(before)})


async def answered_then_expired(kafka: str, settings: Settings) -> str:
    """20 records answered, 40 more sent while no worker runs, and all below offset 35 deleted: 15 unread."""
    live = settings.topic(INBOUND_EMAILS)
    await prepare_topics(settings, Events())
    await produce(kafka, live, [mail(n) for n in range(20)])
    async with walking(settings):
        (await all_answered(kafka, settings.topic_prefix, 20)).must_be_exactly_once()
    [committed] = (await committed_offsets(kafka, settings.group_id, live)).values()
    assert committed == 20
    await produce(kafka, live, [mail(n) for n in range(20, 60)])
    await expire(kafka, live, 35)
    return live


async def read_to(kafka: str, settings: Settings, end: int) -> None:
    """Wait until the group has committed partition 0 up to its end."""
    live = settings.topic(INBOUND_EMAILS)
    async with asyncio.timeout(30):
        while (await committed_offsets(kafka, settings.group_id, live))[0] < end:
            await asyncio.sleep(0.1)


async def all_that_is_left_is_answered(kafka: str, prefix: str, inputs: int) -> None:
    """Once each and in order; answers whose inputs have expired since are no fault, and not counted."""
    counted = await count(kafka, prefix)
    assert not counted.faults()
    assert (counted.inputs, counted.waiting) == (inputs, 0)


def expired(running: Running) -> float | None:
    return running.metrics.registry.get_sample_value("switchboard_expired_records_total")


async def test_a_committed_offset_that_has_expired_ends_the_worker_with_the_way_out(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    live = await answered_then_expired(kafka, settings)
    message = f"{live}/0: records 20 to 34 were deleted by retention .*on_expired_records=continue"
    with pytest.raises(ExpiredRecordsError, match=message):
        async with walking(settings) as running:
            await running.end()
    assert expired(running) == 15
    assert await committed_offsets(kafka, settings.group_id, live) == {0: 20}, "nothing moved"


async def test_expired_records_are_counted_once_and_all_that_are_left_are_answered(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1, on_expired_records="continue")
    await answered_then_expired(kafka, settings)
    for counted_now, told in ((15, 1), (0, 0)):  # a second start has nothing to pass over
        async with walking(settings) as running:
            await read_to(kafka, settings, 60)
        assert expired(running) == counted_now
        assert running.events.count("records_expired") == told
    await all_that_is_left_is_answered(kafka, prefix, 25)


@pytest.mark.timeout(90)
@pytest.mark.parametrize("policy", ["stop", "continue"])
async def test_records_that_expire_before_a_worker_that_is_far_behind_are_counted_too(
    kafka: str, prefix: str, policy: str
) -> None:
    settings = settings_for(
        kafka,
        prefix,
        topic_partitions=1,
        on_expired_records=policy,
        max_window_records=20,
        max_window_bytes=1_000_000,
    )
    live = settings.topic(INBOUND_EMAILS)
    await prepare_topics(settings, Events())
    records = 4_000 if is_long() else 1_000
    # 5 kB each: a fetch brings a part of them only, so that the reader meets the gap later
    await produce(kafka, live, [mail(n, f"{n} " * 1_000) for n in range(records)])
    bundles = {"default": FakeBundle(FakeEncoder(SLOW))}
    events = Events()

    async def walk() -> Running:
        async with walking(settings, bundles, events) as running:
            await until(lambda: events.count("window_committed") >= 3)
            await expire(kafka, live, records - 50)
            await until(lambda: events.count("transaction_lost") or running.task.done(), 60)
            if policy == "continue":
                await read_to(kafka, settings, records)
            else:
                await running.end()
        return running

    if policy == "stop":
        with pytest.raises(ExpiredRecordsError, match=re.escape(f"to {records - 51} were deleted")):
            await walk()
        return
    running = await walk()
    [facts] = [facts for name, facts in events.seen if name == "records_expired"]
    assert 0 < facts["count"] < records - 50, "those that were fetched before are answered"
    assert expired(running) == facts["count"]
    await all_that_is_left_is_answered(kafka, prefix, 50)
