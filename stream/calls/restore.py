"""Partitions of `churn-state` in, the states of their calls out: what is committed, to the very end.

The end is the high watermark, read after the stable offsets: under read_committed Kafka names the last stable offset
instead, below which a dead predecessor's open transaction may hide committed records (it said 2 where the end was 5).
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (aiokafka types its records by their deserialisers, which we do not use)

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from stream.errors import FatalError
from stream.kafka.clients import Log, connection, lost_or_fatal, reader, start_when_ready
from stream.settings import MEBI, Settings
from stream.topics import CHURN_STATE

POLL_MS = 100
FETCH_BYTES = (
    4 * MEBI
)  # of a partition; with 16 a restore of 35 MB of states left 190 MB behind, with 4 it is as quick
PARTITIONS_HEADER = "source-partitions"  # how many there were when the state was written


async def read_states(
    settings: Settings, ours: Collection[int], partitions: int, log: Log
) -> dict[int, dict[bytes, bytes]]:
    """By partition the last committed state of every call, by key.

    Args:
        settings: how to reach Kafka.
        ours: partitions whose fragments are ours in this generation, their stable offsets already read.
        partitions: how many the topic has now.
        log: told while Kafka is waited for.

    Raises:
        LostTransactionError: Kafka went away meanwhile; wait for the next assignment.
        FatalError: the topic had another number of partitions when calls in progress began.
    """
    tps = [TopicPartition(settings.topic(CHURN_STATE), partition) for partition in sorted(ours)]
    found = {tp.partition: dict[bytes, _State]() for tp in tps}
    try:
        ends = await _ends(settings, tps, log)
        if any(begin < end for begin, end in ends.values()):
            await _read_to(settings, ends, found, log)
    except KafkaError as error:
        raise lost_or_fatal(error, f"reading {settings.topic(CHURN_STATE)}") from error
    for tp in tps:
        _refuse_other_count(tp, found[tp.partition], partitions)
    return {
        place: {key: state.value for key, state in states.items()}
        for place, states in found.items()
    }


async def _ends(
    settings: Settings, tps: Sequence[TopicPartition], log: Log
) -> dict[TopicPartition, tuple[int, int]]:
    """First offset and high watermark of each partition."""
    consumer = AIOKafkaConsumer(enable_auto_commit=False, **connection(settings))
    try:
        await start_when_ready(consumer, settings, log)
        begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        return {tp: (begins[tp], ends[tp]) for tp in tps}
    finally:
        await consumer.stop()


async def _read_to(
    settings: Settings,
    ends: Mapping[TopicPartition, tuple[int, int]],
    found: Mapping[int, dict[bytes, "_State"]],
    log: Log,
) -> None:
    sizes = {"max_partition_fetch_bytes": FETCH_BYTES, "fetch_max_bytes": FETCH_BYTES}
    consumer = reader(settings, auto_offset_reset="none", **sizes)
    try:
        await start_when_ready(consumer, settings, log)
        consumer.assign(list(ends))
        # seek_to_beginning is lazy and loses against other seeks: an empty state (facts: 6 of 6 runs)
        for tp, (begin, _) in ends.items():
            consumer.seek(tp, begin)
        for tp, (_, end) in ends.items():
            while await consumer.position(tp) < end:
                for place, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                    _fold(records, found[place.partition])
    finally:
        await consumer.stop()


class _State(NamedTuple):
    value: bytes
    headers: Sequence[tuple[str, bytes]]

    @property
    def partitions(self) -> int | None:
        """How many there were when it was written."""
        count = dict(self.headers).get(PARTITIONS_HEADER)
        return None if count is None else int(count)


def _fold(records: Sequence[ConsumerRecord[bytes, bytes]], states: dict[bytes, _State]) -> None:
    for record in records:
        key = record.key or b""
        if record.value is None:
            states.pop(key, None)
        else:
            states[key] = _State(record.value, record.headers)  # of many the last one is looked at


def _refuse_other_count(
    tp: TopicPartition, states: Mapping[bytes, _State], partitions: int
) -> None:
    """A call's fragments would come in another partition than its state lies in."""
    counts = [state.partitions for state in states.values()]
    others = [count for count in counts if count not in (None, partitions)]
    if others:
        raise FatalError(
            f"{tp.topic} has {partitions} partitions, and {len(others)} calls in {tp.topic}/{tp.partition} began when "
            f"it had {others[0]}: their fragments would find no state. Give both topics that number again, or wait "
            "until those calls have ended and left the topic"
        )
