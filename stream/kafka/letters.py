"""The topic of dead letters in, a list of them or their replay out. A replay is transactional and happens once."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (aiokafka types its records by their deserialisers, which we do not use)

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.errors import FatalError, RetryableError
from stream.kafka.attempts import Offsets
from stream.kafka.clients import Log, group_consumer, reader, start_when_ready
from stream.kafka.kip447 import GroupMetadata, coordinator_of, stable_offsets
from stream.kafka.transactions import OutputTooLargeError, Transactions
from stream.outputs import OUTPUT_ID, REASON_HEADERS, Output
from stream.settings import Settings
from stream.topics import DEAD_LETTERS

REPLAY_OF = "replay-of"
_REASON_HEADERS = REASON_HEADERS | {REPLAY_OF}
READ_TIMEOUT_MS = 5_000
POLL_MS = 100
JOIN_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Letter:
    """One dead letter: where it lies, what it was, and why it is here."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    def header(self, name: str) -> str:
        """A header's text; empty when it is missing."""
        return dict(self.headers).get(name, b"").decode(errors="replace")

    @property
    def is_too_large(self) -> bool:
        """Its bytes did not fit and lie at the source offset only."""
        return self.header("payload") == "too-large"


async def read_letters(settings: Settings, log: Log) -> AsyncIterator[Letter]:
    """Every dead letter below the end of this moment, by partition and offset."""
    topic = settings.topic(DEAD_LETTERS)
    consumer = reader(settings)
    await start_when_ready(consumer, settings, log)
    try:
        partitions = await _partitions(consumer, topic)
        consumer.assign(partitions)
        for tp, (begin, end) in (await _ranges(consumer, partitions)).items():
            consumer.seek(tp, begin)
            async for letter in _read(consumer, tp, end):
                yield letter
    finally:
        await consumer.stop()


async def replay_letters(settings: Settings, log: Log, *, again: bool) -> int:
    """Send dead letters to their source topics once more, each with the header `replay-of`.

    Args:
        settings: names the cluster; the place that was reached is kept under the group `<group_id>-replay`.
        log: for what could not be sent.
        again: also those that an earlier replay has sent.

    Returns:
        Letters sent.

    Raises:
        FatalError: interrupted, by another replay for example; run again, it goes on where this one was.
    """
    own = settings.model_copy(update={"group_id": f"{settings.group_id}-replay", "worker_slot": 0})
    topic = settings.topic(DEAD_LETTERS)
    consumer, source, transactions = group_consumer(own), reader(settings), Transactions(own, log)
    await start_when_ready(consumer, own, log)
    await start_when_ready(source, own, log)
    try:
        await transactions.renew()
        partitions = await _partitions(consumer, topic)
        await _join(consumer, topic, partitions)
        ranges = await _ranges(consumer, partitions)
        done = {} if again else await stable_offsets(consumer, frozenset(partitions))
        sent = 0
        for tp, (begin, end) in ranges.items():
            consumer.seek(tp, max(begin, done[tp].offset if tp in done else 0))
            async for letter in _read(consumer, tp, end):
                output = await _as_sent_before(letter, source)
                behind = {tp: OffsetAndMetadata(letter.offset + 1, "")}
                name = GroupMetadata.of(consumer)
                reason = await _send_again(output, behind, name, transactions)
                if reason:
                    log("letter_not_replayed", letter=letter.header(OUTPUT_ID), reason=reason)
                else:
                    sent += 1
    except (RetryableError, KafkaError, TimeoutError) as error:
        raise FatalError(
            f"the replay was interrupted: {type(error).__name__}: {error}; is another one running in group "
            f"{own.group_id}? Run it again, it goes on where it was"
        ) from error
    else:
        return sent
    finally:
        await transactions.close()
        await consumer.stop()
        await source.stop()


async def _send_again(
    output: Output | None, behind: Offsets, name: GroupMetadata, transactions: Transactions
) -> str:
    """Send one letter and note that it is done; returns why it could not be sent, empty when it was."""
    if output is None:
        await transactions.commit((), behind, name)
        return "its source record has expired"
    try:
        await transactions.commit([output], behind, name)
    except (
        OutputTooLargeError
    ):  # it came in packed by another codec; the letters behind it must not wait
        await transactions.renew()
        await transactions.commit((), behind, name)
        return f"{output.topic} does not take its size; raise max.message.bytes and replay with --again"
    return ""


async def _join(consumer: AIOKafkaConsumer, topic: str, partitions: list[TopicPartition]) -> None:
    """Become the one member of the replay's group; it takes the place of a replay that runs, which then ends."""
    consumer.subscribe([topic])
    async with asyncio.timeout(JOIN_TIMEOUT_S):
        while set(consumer.assignment()) != set(partitions):
            coordinator_of(consumer).check_errors()
            await asyncio.sleep(0.05)


async def _as_sent_before(letter: Letter, source: AIOKafkaConsumer) -> Output | None:
    """The record as its producer sent it; None when it was too large to keep and is gone from its source."""
    headers = [(name, value) for name, value in letter.headers if name not in _REASON_HEADERS]
    headers.append((REPLAY_OF, letter.header(OUTPUT_ID).encode()))
    topic, partition = letter.header("source-topic"), int(letter.header("source-partition"))
    key, value = letter.key, letter.value
    if letter.is_too_large:
        tp = TopicPartition(topic, partition)
        offset = int(letter.header("source-offset"))
        source.assign([tp])
        if (await source.beginning_offsets([tp]))[tp] > offset:
            return None
        source.seek(tp, offset)
        found = await source.getmany(tp, timeout_ms=READ_TIMEOUT_MS, max_records=1)
        records = [record for record in found.get(tp, []) if record.offset == offset]
        if not records:
            return None
        key, value = records[0].key, records[0].value  # a key may have been too large as well
    # its own partition: producers place keys by other hashes than ours, and there its call's state lies
    return Output(topic, key, value, headers, partition)


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    numbers = await consumer._client._wait_on_metadata(topic)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # asks for one topic
    return [TopicPartition(topic, number) for number in sorted(numbers)]


async def _ranges(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition]
) -> dict[TopicPartition, tuple[int, int]]:
    begins, ends = (
        await consumer.beginning_offsets(partitions),
        await consumer.end_offsets(partitions),
    )
    return {tp: (begins[tp], ends[tp]) for tp in partitions}


async def _read(consumer: AIOKafkaConsumer, tp: TopicPartition, end: int) -> AsyncIterator[Letter]:
    """Letters of one partition from the consumer's position to `end`."""
    heard_at_s = time.monotonic()
    while await consumer.position(tp) < end:
        # Short waits: behind the last letter lies its transaction's marker, which is passed without a record.
        found = await consumer.getmany(tp, timeout_ms=POLL_MS, max_records=50)
        for record in found.get(tp, []):
            if record.offset < end:
                yield Letter(
                    record.partition, record.offset, record.key, record.value, tuple(record.headers)
                )
            heard_at_s = time.monotonic()
        if time.monotonic() - heard_at_s > READ_TIMEOUT_MS / 1000:
            return
