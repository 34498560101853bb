"""The KIP-447 extension against a real broker. When aiokafka moves, this is where it shows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiokafka
import pytest
from aiokafka.errors import CommitFailedError, KafkaConnectionError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.kafka.clients import group_consumer, start_when_ready, transactional_producer
from stream.kafka.kip447 import (
    SUPPORTED_AIOKAFKA,
    GroupMetadata,
    coordinator_of,
    speak_kip447,
    stable_offsets,
)
from stream.kafka.member import UnstableOffsetsError
from stream.settings import Settings
from tests.kafka_tools import create_topics, produce, read_all

RECORDS = 100


def settings_of(kafka: str, prefix: str) -> Settings:
    return Settings(kafka_bootstrap_servers=kafka, group_id=f"{prefix}group")


async def test_the_installed_aiokafka_is_the_one_the_extension_was_written_for() -> None:
    assert aiokafka.__version__ == SUPPORTED_AIOKAFKA
    speak_kip447()


async def test_another_aiokafka_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aiokafka, "__version__", "0.15.0")
    with pytest.raises(RuntimeError, match=r"install aiokafka==0\.14\.0"):
        speak_kip447()


async def test_offsets_of_a_transaction_paused_before_its_end_are_not_read_by_the_successor(
    kafka: str, prefix: str
) -> None:
    """The case that gave 150 outputs for 100 records without OffsetFetch v7."""
    source, target = f"{prefix}in", f"{prefix}out"
    await create_topics(kafka, source, target, partitions=1)
    await produce(kafka, source, [(None, b"%d" % n) for n in range(RECORDS)])
    settings, tp = settings_of(kafka, prefix), TopicPartition(source, 0)
    first, producer = group_consumer(settings), transactional_producer(settings, f"{prefix}first")
    await first.start()
    await producer.start()
    first.subscribe([source])
    while not first.assignment():
        await asyncio.sleep(0.05)
    first.seek(tp, 0)
    records = (await first.getmany(tp, timeout_ms=5000, max_records=50))[tp]
    await producer.begin_transaction()
    for record in records:
        await producer.send(target, record.value)
    await producer.send_offsets_to_transaction(
        {tp: OffsetAndMetadata(records[-1].offset + 1, "")}, GroupMetadata.of(first)
    )
    try:
        with pytest.raises(UnstableOffsetsError):
            await coordinator_of(first)._do_fetch_commit_offsets([tp])
        await first.stop()  # leaves the group; its transaction is still open

        second = group_consumer(settings)
        await second.start()
        try:
            second.subscribe([source])
            waiting = asyncio.ensure_future(stable_offsets(second, frozenset([tp])))
            await asyncio.sleep(0.5)
            assert not waiting.done(), "offsets were read below a pending transaction"
            await producer.commit_transaction()
            assert (await waiting)[tp].offset == records[-1].offset + 1
        finally:
            await second.stop()
    finally:
        await producer.stop()
    assert len(await read_all(kafka, target)) == len(records)


async def test_a_worker_that_lost_its_partitions_cannot_commit(kafka: str, prefix: str) -> None:
    """The case that gave 38 and 79 duplicates under load without TxnOffsetCommit v3."""
    source, target = f"{prefix}in", f"{prefix}out"
    await create_topics(kafka, source, target, partitions=1)
    settings, tp = settings_of(kafka, prefix), TopicPartition(source, 0)
    consumer, producer = (
        group_consumer(settings),
        transactional_producer(settings, f"{prefix}stale"),
    )
    await consumer.start()
    await producer.start()
    try:
        consumer.subscribe([source])
        while not consumer.assignment():
            await asyncio.sleep(0.05)
        stale = GroupMetadata.of(consumer)
        stale.generation_id -= 1
        await producer.begin_transaction()
        await producer.send(target, b"from a stale worker")
        with pytest.raises(CommitFailedError, match="IllegalGeneration"):
            await producer.send_offsets_to_transaction({tp: OffsetAndMetadata(1, "")}, stale)
        await producer.abort_transaction()
        assert await stable_offsets(consumer, frozenset([tp])) == {}
    finally:
        await producer.stop()
        await consumer.stop()
    assert await read_all(kafka, target) == []


async def test_metadata_of_a_commit_comes_back_with_the_offset(kafka: str, prefix: str) -> None:
    source = f"{prefix}in"
    await create_topics(kafka, source, partitions=1)
    settings, tp = settings_of(kafka, prefix), TopicPartition(source, 0)
    consumer = group_consumer(settings)
    await consumer.start()
    try:
        consumer.subscribe([source])
        while not consumer.assignment():
            await asyncio.sleep(0.05)
        await consumer.commit({tp: OffsetAndMetadata(0, "attempt=2;alone=1")})
        assert (await stable_offsets(consumer, frozenset([tp])))[tp] == OffsetAndMetadata(
            0, "attempt=2;alone=1"
        )
    finally:
        await consumer.stop()


async def test_the_broker_names_the_member_in_a_slot_and_whoever_joins_last_is_it(
    kafka: str, prefix: str
) -> None:
    source = f"{prefix}in"
    await create_topics(kafka, source, partitions=1)
    settings = settings_of(kafka, prefix).model_copy(update={"worker_slot": 3})
    async with member(settings, source) as first:
        place = coordinator_of(first)
        assert await place._member_in_place() == place.member_id != ""
        stranger = settings.model_copy(update={"worker_slot": 4})
        async with member(stranger, source) as other:
            assert await coordinator_of(other)._member_in_place() == coordinator_of(other).member_id
        await place.look_for_rival()
        assert place.member_id, "whatever a transaction was refused for, nobody stands in our place"
        async with member(settings, source) as second:
            assert await place._member_in_place() == coordinator_of(second).member_id
            await place.look_for_rival()
            assert place.member_id == "", "it is known now, not at the next heartbeat"
            # without a rule for its slot a replaced member stays out
            async with asyncio.timeout(10):
                while not place.slot_refusal:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.5)
            assert await place._member_in_place() == coordinator_of(second).member_id


async def test_a_slot_is_empty_in_a_group_that_does_not_exist(kafka: str, prefix: str) -> None:
    settings = settings_of(kafka, prefix).model_copy(update={"worker_slot": 3})
    consumer = group_consumer(settings)
    await consumer.start()
    try:
        await coordinator_of(consumer).ensure_coordinator_known()
        assert await coordinator_of(consumer)._member_in_place() is None
    finally:
        await consumer.stop()


async def test_a_join_under_a_replaced_member_id_is_answered_as_an_unknown_member(
    kafka: str, prefix: str
) -> None:
    """FENCED_INSTANCE_ID, which aiokafka does not know: it ended the coordination for good."""
    source = f"{prefix}in"
    await create_topics(kafka, source, partitions=1)
    settings = settings_of(kafka, prefix).model_copy(update={"worker_slot": 3})
    async with member(settings, source) as first, member(settings, source):
        place = coordinator_of(first)
        stale = place.member_id
        place.request_rejoin()  # as another member's coming would; it joins with the id it has
        async with asyncio.timeout(10):
            while not place.slot_refusal:
                await asyncio.sleep(0.05)
        assert stale
        assert place.member_id == ""
        place.check_errors()


@contextlib.asynccontextmanager
async def member(settings: Settings, topic: str) -> AsyncIterator[aiokafka.AIOKafkaConsumer]:
    """A member of the group that has its partition."""
    consumer = group_consumer(settings)
    await consumer.start()
    try:
        consumer.subscribe([topic])
        async with asyncio.timeout(20):
            while not coordinator_of(consumer).member_id or consumer.assignment() is None:
                await asyncio.sleep(0.05)
        yield consumer
    finally:
        await consumer.stop()


async def test_a_broker_that_goes_while_the_coordinator_is_looked_up_is_waited_for(
    kafka: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka says a plain `KafkaError` then; a worker that was beginning its partitions ended for it."""
    settings = settings_of(kafka, prefix)
    producer = transactional_producer(settings, f"{prefix}first")
    lookup, waits = producer.client.coordinator_lookup, list[str]()

    async def broken_once(*question: object) -> object:
        if not waits:
            raise KafkaConnectionError("Connection at broker was lost")
        return await lookup(*question)

    monkeypatch.setattr(producer.client, "coordinator_lookup", broken_once)
    await start_when_ready(producer, settings, lambda event, **_: waits.append(event))
    try:
        assert waits == ["kafka_not_reached"]
        await producer.begin_transaction()
        await producer.commit_transaction()
    finally:
        await producer.stop()
