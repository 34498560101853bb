"""What a worker reads and when: live mail before bulk, never more than its stages hold, and where a group begins."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition

from stream.errors import ExpiredRecordsError
from stream.kafka.admin import prepare_topics
from stream.settings import Settings
from stream.topics import INBOUND_EMAILS, INBOUND_EMAILS_BULK
from tests.counting import all_answered, outputs_so_far
from tests.kafka_tools import admin, committed_offsets, produce, read_all
from tests.walking import Events, FakeBundle, FakeEncoder, mail, settings_for, until, walking


async def prepared(settings: Settings) -> tuple[str, str]:
    await prepare_topics(settings, Events())
    return settings.topic(INBOUND_EMAILS), settings.topic(INBOUND_EMAILS_BULK)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("body_chars", [10, 12_000], ids=["small", "large"])
async def test_bulk_gets_one_window_in_twenty_while_live_mail_waits_and_never_starves(
    kafka: str, prefix: str, body_chars: int
) -> None:
    settings = settings_for(kafka, prefix, max_window_records=8)
    live, bulk = await prepared(settings)
    mails = [mail(number, "w" * body_chars) for number in range(800)]
    await produce(kafka, bulk, mails)
    await produce(kafka, live, mails)
    async with walking(settings) as running:
        windows = running.committed()
        counted = await all_answered(kafka, prefix, 1600)
    counted.must_be_exactly_once()
    lanes = ["bulk" if bulk in window else "live" for window in windows]
    assert all(len(window) == 1 for window in windows), "a window is of one lane"
    while_live_waited = lanes[: len(lanes) - lanes[::-1].index("live")]
    turns = [place for place, lane in enumerate(while_live_waited) if lane == "bulk"]
    assert len(while_live_waited) > 100
    assert len(turns) >= len(while_live_waited) // 20 - 1, "bulk starved"
    assert all(later - turn >= 20 for turn, later in pairwise(turns)), turns
    assert turns[0] >= 19


@pytest.mark.timeout(60)
async def test_every_partition_gets_its_share_of_a_device_that_takes_one_record_at_a_time(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, max_window_records=2)
    live, _ = await prepared(settings)
    for partition in range(4):
        await produce(kafka, live, [mail(number) for number in range(200)], partition=partition)
    async with walking(settings):
        async with asyncio.timeout(20):
            while await outputs_so_far(kafka, prefix) < 100:
                await asyncio.sleep(0.05)
        offsets = await committed_offsets(kafka, settings.group_id, live)
    assert min(offsets.values()) > 0, f"a partition starves: {offsets}"


@pytest.mark.timeout(60)
async def test_a_slow_model_does_not_read_ahead_more_than_the_stages_hold(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, max_window_records=32)
    live, _ = await prepared(settings)
    await produce(kafka, live, [mail(number) for number in range(20_000)])
    async with walking(settings, {"default": FakeBundle(FakeEncoder(0.01))}) as running:
        lanes = running.walk._group._lanes
        await until(lambda: running.events.count("window_committed") >= 2)
        most = 0
        for _ in range(60):
            taken = sum(lanes._next_offsets.values()) + sum(map(len, lanes._waiting.values()))
            done = sum(
                facts["records"]
                for name, facts in running.events.seen
                if name == "window_committed"
            )
            most = max(most, taken - done)
            assert running.walk.flight.windows <= 4
            await asyncio.sleep(0.05)
    assert 32 <= most <= 4 * 32, most


async def test_a_new_group_begins_where_it_is_told_and_an_old_one_where_it_was(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix)
    live, _ = await prepared(settings)
    await produce(kafka, live, [mail(number) for number in range(50)])
    await asyncio.sleep(0.05)
    moment = datetime.now(UTC)
    await asyncio.sleep(0.05)
    await produce(kafka, live, [mail(number) for number in range(50, 80)])

    async def numbers_of_group(start_from: str) -> set[int]:
        """Which of the mails a new group answers, with ten that come while it runs."""
        own = settings.model_copy(
            update={"group_id": f"{prefix}{start_from[:8]}", "start_from": start_from}
        )
        before = await outputs_so_far(kafka, prefix)
        sent = len(await read_all(kafka, live))
        async with walking(own) as running:
            await until(lambda: running.walk._group._lanes._next_offsets)
            await produce(kafka, live, [mail(number) for number in range(80, 90)])
            expected = {"earliest": sent + 10, "latest": 10}.get(start_from, sent + 10 - 50)
            async with asyncio.timeout(10):
                while await outputs_so_far(kafka, prefix) < before + expected:
                    await asyncio.sleep(0.1)
            await asyncio.sleep(0.5)
        return await outputs_so_far(kafka, prefix) - before - expected

    assert await numbers_of_group("latest") == 0
    assert await numbers_of_group(moment.isoformat()) == 0
    assert await numbers_of_group("earliest") == 0
    begun = settings.model_copy(update={"group_id": f"{prefix}latest", "start_from": "earliest"})
    before = await outputs_so_far(kafka, prefix)
    async with walking(begun):
        async with asyncio.timeout(10):
            while await outputs_so_far(kafka, prefix) < before + 20:
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
    assert await outputs_so_far(kafka, prefix) == before + 20, "what came since, nothing else"


async def expire(kafka: str, topic: str, before: int) -> None:
    async with admin(kafka) as client:
        await client.delete_records(
            {TopicPartition(topic, 0): RecordsToDelete(before_offset=before)}
        )


async def test_records_that_expired_unread_stop_the_worker_or_are_counted(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    live, _ = await prepared(settings)
    await produce(kafka, live, [mail(number) for number in range(10)])
    async with walking(settings):
        (await all_answered(kafka, prefix, 10)).must_be_exactly_once()
    await produce(kafka, live, [mail(number) for number in range(10, 50)])
    await expire(kafka, live, 30)
    with pytest.raises(
        ExpiredRecordsError, match=rf"{live}/0: records 10 to 29 were deleted.*on_expired_records"
    ):
        async with walking(settings) as running:
            await running.end()
    assert await outputs_so_far(kafka, prefix) == 10

    async with walking(settings.model_copy(update={"on_expired_records": "continue"})) as running:
        async with asyncio.timeout(10):
            while await outputs_so_far(kafka, prefix) < 30:
                await asyncio.sleep(0.1)
    assert await outputs_so_far(kafka, prefix) == 30
    value = running.metrics.registry.get_sample_value("switchboard_expired_records_total")
    assert value == 20
    assert running.events.count("records_expired") == 1


async def test_records_that_expire_under_a_running_worker_are_counted_too(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(
        kafka, prefix, topic_partitions=1, on_expired_records="continue", max_window_records=8
    )
    live, _ = await prepared(settings)
    bodies = [mail(number, "w" * 60_000) for number in range(120)]  # more than one fetch holds
    await produce(kafka, live, bodies)
    async with walking(settings, {"default": FakeBundle(FakeEncoder(0.01))}) as running:
        await until(lambda: running.events.count("window_committed") >= 1)
        await expire(kafka, live, 115)
        await produce(kafka, live, [mail(200)])
        await until(lambda: sum(running.walk._group._lanes._next_offsets.values()) == 121, 15)
        await until(lambda: running.walk.flight.windows == 0)
    answered = await outputs_so_far(kafka, prefix)
    lost = running.metrics.registry.get_sample_value("switchboard_expired_records_total")
    assert lost is not None
    assert 0 < lost == 121 - answered
