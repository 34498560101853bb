"""A topic in, its committed records out: all of them first, then what comes. Outside every group.

A consumer that failed is thrown away and the topic read anew from its start. So is one whose place is no longer in the
log (the topic was deleted and made again, its offsets begin anew), and one whose topic has got more partitions.
(Unless by then the new topic holds more records than the old one: without topic ids in the fetch, KIP-516, nobody can
tell.)
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (aiokafka types its records by their deserialisers, which we do not use)

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, KafkaTimeoutError, UnknownTopicOrPartitionError
from aiokafka.structs import ConsumerRecord, TopicPartition

from stream.errors import BrokerUnavailableError, FatalError
from stream.kafka.clients import Log, reader, start_when_ready
from stream.settings import Settings

POLL_MS = 200
SHORT_POLL_MS = (
    50  # behind the last record lies its transaction's marker, which is passed without a record
)
STALLED_S = 30.0
BACKOFF_S = 0.5
BACKOFF_MAX_S = 10.0
METADATA_MAX_AGE_MS = 30_000  # how late new partitions are seen


@dataclass(frozen=True)
class Part:
    """Some records of a topic, each partition's in its order.

    Attributes:
        reading: 1, 2, …: another number than before: the topic is read anew from its start.
        ends: of the part that ends such a reading: the offset behind the last record, by partition.
    """

    records: Sequence[ConsumerRecord[bytes, bytes]]
    reading: int
    ends: Mapping[int, int] | None = None


async def follow_topic(settings: Settings, topic: str, log: Log) -> AsyncGenerator[Part, None]:
    """All records of now in one part or several, the last with `ends`; then what comes, as it comes, for ever.

    Outages of Kafka are waited for, and after them all records of then come again.

    Args:
        settings: how to reach Kafka.
        topic: its whole name; a topic that does not exist has no records yet.
        log: told while Kafka is waited for, and of what hinders the reading.

    Raises:
        BrokerUnavailableError, FatalError: before the first `ends` only.
    """
    backoff_s, reading, was_read = BACKOFF_S, 0, False
    while True:
        consumer = reader(  # a reset to "earliest" would hide a new topic
            settings, auto_offset_reset="none", metadata_max_age_ms=METADATA_MAX_AGE_MS
        )
        reading += 1
        try:
            await start_when_ready(consumer, settings, log)
            async for part in _to_the_end(consumer, topic, reading):
                yield part
            backoff_s, was_read = BACKOFF_S, True
            while _has_all_partitions(consumer, topic):
                if found := await consumer.getmany(timeout_ms=POLL_MS):
                    yield Part(_in_order(found), reading)
        except (KafkaError, BrokerUnavailableError, FatalError) as error:
            if not was_read and isinstance(error, FatalError):
                raise
            log("topic_not_read", topic=topic, error=f"{type(error).__name__}: {error}")
        finally:
            await consumer.stop()
        await asyncio.sleep(backoff_s)
        backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)


async def _to_the_end(
    consumer: AIOKafkaConsumer, topic: str, reading: int
) -> AsyncGenerator[Part, None]:
    places = await _places(consumer, topic)
    consumer.assign(places)
    # seek_to_beginning is lazy and loses against other seeks: an empty state (facts: 6 of 6 runs)
    begins = await consumer.beginning_offsets(places) if places else {}
    ends = await consumer.end_offsets(places) if places else {}
    for place, begin in begins.items():
        consumer.seek(place, begin)
    moved_s = time.monotonic()
    while [place for place, end in ends.items() if await consumer.position(place) < end]:
        if found := await consumer.getmany(timeout_ms=SHORT_POLL_MS):
            moved_s = time.monotonic()
            yield Part(_in_order(found), reading)
        elif time.monotonic() - moved_s > STALLED_S:
            raise KafkaTimeoutError(f"no record of {topic} within {STALLED_S:g} s below its end")
    yield Part((), reading, {place.partition: end for place, end in ends.items()})


async def _places(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    if topic not in await consumer.topics():
        return []
    first = TopicPartition(topic, 0)
    consumer.assign([first])  # only of its topics does a consumer know the partitions
    await consumer.beginning_offsets([first])
    return [TopicPartition(topic, number) for number in _partitions(consumer, topic)]


def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[int]:
    return sorted(consumer.partitions_for_topic(topic) or ())


def _has_all_partitions(consumer: AIOKafkaConsumer, topic: str) -> bool:
    """Whether each partition is being read; False: there are more than before, so the topic must be read anew.

    Raises:
        UnknownTopicOrPartitionError: there is no such topic.
    """
    assigned = consumer.assignment()
    if not assigned:
        raise UnknownTopicOrPartitionError(topic)
    return len(_partitions(consumer, topic)) <= len(assigned)


def _in_order(
    found: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]],
) -> list[ConsumerRecord[bytes, bytes]]:
    return list(chain.from_iterable(found.values()))
