"""A topic with one partition in, its records out: all of them first, then what comes. Outside every group.

Only committed records are seen. A consumer that failed is thrown away and the topic read anew from its start. So is
one whose place is no longer in the log: the topic was deleted and made again, and its offsets begin anew. (Unless by
then it holds more records than the old one: without topic ids in the fetch, KIP-516, nobody can tell.)
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (aiokafka types its records by their deserialisers, which we do not use)

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from aiokafka.structs import ConsumerRecord, TopicPartition

from stream.deployments.live import Entry
from stream.errors import BrokerUnavailableError, FatalError
from stream.kafka.clients import Log, reader, start_when_ready
from stream.settings import Settings

POLL_MS = 200
SHORT_POLL_MS = (
    50  # behind the last record lies its transaction's marker, which is passed without a record
)
READ_TIMEOUT_S = 30.0
BACKOFF_S = 0.5
BACKOFF_MAX_S = 10.0


@dataclass(frozen=True)
class Reading:
    """Some records; `end`, of a reading from the start of the topic: the offset behind its last one."""

    entries: Sequence[Entry]
    end: int | None = None


async def read_topic(settings: Settings, topic: str, log: Log) -> list[Entry]:
    """All records below the end of this moment.

    Args:
        settings: how to reach Kafka.
        topic: its whole name; a topic that does not exist has no records.
        log: told while Kafka is waited for.

    Raises:
        BrokerUnavailableError: no Kafka within the limit.
        FatalError: Kafka refuses, or an open transaction keeps the end from being read.
    """
    consumer = reader(settings, auto_offset_reset="earliest")
    await start_when_ready(consumer, settings, log)
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            return list((await _to_the_end(consumer, topic)).entries)
    except (KafkaError, TimeoutError) as error:
        raise FatalError(
            f"{topic} cannot be read: {type(error).__name__}: {error}; look at the brokers and the rights of this user"
        ) from error
    finally:
        await consumer.stop()


async def follow_topic(settings: Settings, topic: str, log: Log) -> AsyncIterator[Reading]:
    """All records of now as the first item, which may be empty; then what comes, as it comes, for ever.

    After a failure again all records of then, with their `end`, and so on.

    Outages of Kafka are waited for: what is known goes on being true.

    Raises:
        BrokerUnavailableError, FatalError: before the first item only.
    """
    backoff_s, is_first = BACKOFF_S, True
    while True:
        consumer = reader(settings, auto_offset_reset="none")  # "earliest" would hide a new topic
        try:
            await start_when_ready(consumer, settings, log)
            yield await _to_the_end(consumer, topic)
            is_first, backoff_s = False, BACKOFF_S
            if not consumer.assignment():
                raise UnknownTopicOrPartitionError(topic)
            while True:
                found = await consumer.getmany(timeout_ms=POLL_MS)
                if found:
                    yield Reading(_entries(found))
        except (KafkaError, BrokerUnavailableError, FatalError) as error:
            if is_first and isinstance(error, FatalError):
                raise
            log("deployments_not_read", topic=topic, error=f"{type(error).__name__}: {error}")
        finally:
            await consumer.stop()
        await asyncio.sleep(backoff_s)
        backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)


async def _to_the_end(consumer: AIOKafkaConsumer, topic: str) -> Reading:
    if topic not in await consumer.topics():
        return Reading([], 0)
    tp = TopicPartition(topic, 0)
    consumer.assign([tp])
    # seek_to_beginning is lazy and loses against other seeks: an empty state (facts: 6 of 6 runs)
    begin = (await consumer.beginning_offsets([tp]))[tp]
    end = (await consumer.end_offsets([tp]))[tp]
    consumer.seek(tp, begin)
    entries: list[Entry] = []
    while await consumer.position(tp) < end:
        entries += _entries(await consumer.getmany(tp, timeout_ms=SHORT_POLL_MS))
    return Reading(entries, end)


def _entries(
    found: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]],
) -> list[Entry]:
    return [
        Entry(record.offset, record.key, record.value)
        for records in found.values()
        for record in records
    ]
