"""Small async helpers that all tests on a real Kafka share: make topics, write records, read them all back."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

Isolation = Literal["read_committed", "read_uncommitted"]
MAX_REQUEST_BYTES = 18 * 1024 * 1024
NOT_YET = (
    errors.GroupCoordinatorNotAvailableError,
    errors.GroupLoadInProgressError,
    errors.NotCoordinatorForGroupError,
)


class Outgoing(NamedTuple):
    """One record to write; plain tuples of the same order do as well."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@contextlib.asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create_topics(
    bootstrap: str, *names: str, partitions: int = 4, settings: Mapping[str, str] | None = None
) -> None:
    """Make topics and wait until every partition has a leader."""
    topics = [
        NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=1,
            topic_configs=dict(settings or {}),
        )
        for name in names
    ]
    async with admin(bootstrap) as client:
        answer = await client.create_topics(topics)
        for topic, code, *message in answer.topic_errors:
            if code:
                raise errors.for_code(code)(f"{topic}: {message}")
        deadline = time.monotonic() + 10
        while any(
            len(found["partitions"]) < partitions
            or any(part["leader"] < 0 for part in found["partitions"])
            for found in await client.describe_topics(list(names))
        ):
            assert time.monotonic() < deadline, f"no leaders for {names} within 10 s"
            await asyncio.sleep(0.05)


async def produce(
    bootstrap: str,
    topic: str,
    records: Sequence[Outgoing | tuple[bytes | None, bytes | None]],
    *,
    partition: int | None = None,
) -> list[tuple[int, int]]:
    """Write records in order; returns (partition, offset) of each. Without `partition` the key decides."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, max_request_size=MAX_REQUEST_BYTES
    )
    await producer.start()
    try:
        sent = []
        for record in records:
            key, value, headers = Outgoing(*record)
            sent.append(
                await producer.send(
                    topic, value=value, key=key, partition=partition, headers=list(headers)
                )
            )
        return [(done.partition, done.offset) for done in await asyncio.gather(*sent)]
    finally:
        await producer.stop()


async def read_all(
    bootstrap: str, topic: str, *, timeout_s: float = 20, isolation: Isolation = "read_committed"
) -> list[ConsumerRecord]:
    """Every record below the high watermark of the moment, sorted by partition and offset.

    The watermark is asked for as read_uncommitted: under read_committed `end_offsets` stops at the last stable
    offset, and committed records beyond an open transaction would be missed. So an open transaction makes this
    wait; when it stays open for `timeout_s` a TimeoutError names the partition.
    """
    ends = await high_watermarks(bootstrap, topic)
    async with _reader(bootstrap, isolation) as consumer:
        consumer.assign(list(ends))
        for place, offset in (await consumer.beginning_offsets(list(ends))).items():
            consumer.seek(
                place, offset
            )  # not seek_to_beginning: it is lazy and loses to other seeks
        records: list[ConsumerRecord] = []
        deadline = time.monotonic() + timeout_s
        while behind := [
            place for place, end in ends.items() if await consumer.position(place) < end
        ]:
            if time.monotonic() > deadline:
                stuck = {place: (await consumer.position(place), ends[place]) for place in behind}
                raise TimeoutError(
                    f"an open transaction? (position, end) after {timeout_s} s: {stuck}"
                )
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records += batch
    within = [
        record
        for record in records
        if record.offset < ends[TopicPartition(topic, record.partition)]
    ]
    return sorted(within, key=lambda record: (record.partition, record.offset))


async def read_until(
    bootstrap: str, topic: str, count: int, *, timeout_s: float = 20
) -> list[ConsumerRecord]:
    """Wait until at least `count` committed records are in the topic, then read it all (more = duplicates seen)."""
    deadline = time.monotonic() + timeout_s
    while True:
        left_s = deadline - time.monotonic()
        try:
            records = await read_all(bootstrap, topic, timeout_s=max(left_s, 0.5))
        except TimeoutError as error:
            raise TimeoutError(
                f"{topic}: waited {timeout_s} s for {count} records: {error}"
            ) from error
        if len(records) >= count:
            return records
        if left_s < 0:
            raise TimeoutError(f"{topic}: {len(records)} of {count} records after {timeout_s} s")
        await asyncio.sleep(0.2)


async def high_watermarks(bootstrap: str, topic: str) -> dict[TopicPartition, int]:
    """Offset behind the last record of each partition, committed or not."""
    async with admin(bootstrap) as client:
        [found] = await client.describe_topics([topic])
    if found["error_code"]:
        raise errors.for_code(found["error_code"])(topic)
    places = [TopicPartition(topic, part["partition"]) for part in found["partitions"]]
    async with _reader(bootstrap, "read_uncommitted") as consumer:
        return await consumer.end_offsets(places)


async def committed_offsets(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """Committed offset by partition; partitions without one are absent."""
    async with admin(bootstrap) as client:
        for _ in range(50):  # the first question makes Kafka create its topic of offsets
            with contextlib.suppress(*NOT_YET):
                offsets = await client.list_consumer_group_offsets(group)
                break
            await asyncio.sleep(0.2)
        else:
            raise TimeoutError(f"no coordinator for group {group} within 10 s")
    return {
        place.partition: found.offset
        for place, found in offsets.items()
        if place.topic == topic and found.offset >= 0
    }


@contextlib.asynccontextmanager
async def _reader(bootstrap: str, isolation: Isolation) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level=isolation,
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_bytes=MAX_REQUEST_BYTES,
        max_partition_fetch_bytes=MAX_REQUEST_BYTES,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()
