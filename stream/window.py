"""Kafka's records in, a window out: the unit of a transaction, with the moments that its latency is split by."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition

from stream.classify import Item
from stream.outputs import Inbound, Output
from stream.records import Source


@dataclass(slots=True)
class Window:
    """One contiguous run of offsets per partition. Moments are monotonic seconds."""

    items: list[Item]
    offsets: dict[TopicPartition, OffsetAndMetadata]
    polled_at_s: float
    cleaned_at_s: float = 0.0
    tokenized_at_s: float = 0.0
    computed_at_s: float = 0.0
    outputs: list[Output] = field(default_factory=list[Output])


def window_of(
    records: Sequence[ConsumerRecord[bytes, bytes]], due: Mapping[TopicPartition, int]
) -> Window:
    """A window over polled records, in their order; its offsets are those behind the last record of each partition.

    Args:
        records: of any topic.
        due: next offsets of partitions in which time passes: the window carries them too, without a record.
    """
    items = [
        Item(
            Inbound(
                Source(topic=record.topic, partition=record.partition, offset=record.offset),
                record.key,
                record.value,
                record.headers,
            ),
            record.timestamp,
        )
        for record in records
    ]
    offsets = {tp: OffsetAndMetadata(offset, "") for tp, offset in due.items()} | {
        TopicPartition(record.topic, record.partition): OffsetAndMetadata(record.offset + 1, "")
        for record in records
    }
    return Window(items, offsets, time.monotonic())
