"""The calls of one worker: what the walk asks of them, in the order in which it asks.

    restore ─▶ read (decode; which words must be embedded) ─▶ fold (score, stage) ─▶ records ─▶ merge
       ▲                                                                                │
       └──────────────────────────── drop, at whatever went wrong ◀─────────────────────┘

Windows are read and embedded side by side, and folded one after the other: each when the transaction of the one before
has ended. Knows no device and no producer.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.calls.ageing import MOST_AT_ONCE, Ageing
from stream.calls.choice import ChurnModels
from stream.calls.fold import Profiles, fold_window
from stream.calls.restore import PARTITIONS_HEADER, read_states
from stream.calls.state import Ages
from stream.calls.table import CallTable, StateRecord
from stream.calls.words import want_words
from stream.classify import Item
from stream.errors import FatalError, PoisonRecordError
from stream.kafka.clients import Log
from stream.metrics import Metrics
from stream.outputs import OUTPUT_ID, Output
from stream.records import Source
from stream.settings import Settings
from stream.topics import CALL_TRANSCRIPTS, CHURN_STATE

# Brokers' clocks, and the way of a record to us: what was said just before a call fell silent must be here first.
MOST_SKEW_MS = 60_000


class Takes(Protocol):
    """Whose calls a worker takes."""

    def takes(self, tenant: str, appended_ms: int) -> bool:
        """These workers, and no others, answer the tenant's records of that moment."""
        ...


class CallDesk:
    """States of the calls in our partitions, and the profiles of all customers.

    Args:
        settings: topics and ages.
        profiles: what is known of customers.
        metrics: calls in progress, seconds of a restore.
        log: told of restores.
        clock_ms: wall clock.
    """

    def __init__(
        self,
        settings: Settings,
        profiles: Profiles,
        metrics: Metrics,
        log: Log,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._settings = settings
        self._profiles = profiles
        self._metrics = metrics
        self._log = log
        self._clock_ms = clock_ms
        self._topic = settings.topic(CALL_TRANSCRIPTS)
        self._state_topic = settings.topic(CHURN_STATE)
        ages = Ages(
            round(settings.churn_silent_s * 1000), round(settings.churn_ended_keep_s * 1000)
        )
        self.table = CallTable(ages)
        skew_ms = min(MOST_SKEW_MS, ages.silent_ms // 10)
        self._ageing = Ageing(self.table, lambda: clock_ms() - skew_ms)
        self._partitions = 0
        self._whose: Takes | None = None

    # -- an assignment begins ------------------------------------------------------------------

    async def restore(
        self, offsets: Mapping[TopicPartition, OffsetAndMetadata], partitions: int, whose: Takes
    ) -> None:
        """Hold the calls of our partitions as they stand at these offsets, and those of no other.

        Every transaction that writes a state carries the offset of its source, so what the table holds at this very
        offset is what the topic says; nothing is read then.

        Args:
            offsets: stable, of all our partitions.
            partitions: of the topic of calls.
            whose: calls of tenants that other workers answer are theirs to age.

        Raises:
            LostTransactionError: Kafka went away meanwhile.
            FatalError: a state cannot be read, or the topics had another number of partitions.
        """
        self.table.drop()
        self._partitions, self._whose = partitions, whose
        ours = {tp.partition: at.offset for tp, at in offsets.items() if tp.topic == self._topic}
        if any(partition >= partitions for partition in ours):  # nobody knows whether it has states
            raise FatalError(
                f"{self._topic} has more partitions than the {partitions} it had when this worker started; while no "
                f"call is in progress, give {self._state_topic} as many, then start the worker again"
            )
        for partition in range(partitions):
            if partition not in ours:
                self.table.forget(partition)
        began_s = time.monotonic()
        stale = [place for place, at in ours.items() if self.table.offset(place) != at]
        if stale:
            found = await read_states(self._settings, stale, partitions, self._log)
            now_ms = self._clock_ms()
            for partition, states in found.items():
                taken = {key: whose.takes(tenant_of(key), now_ms) for key in states}
                kept = [(key, value) for key, value in states.items() if taken[key]]
                self.table.load(partition, kept, ours[partition])
            took_s = time.monotonic() - began_s
            self._metrics.call_restore.observe(took_s)
            self._log(
                "calls_restored",
                partitions=len(stale),
                calls=self.table.calls_open,
                took_s=round(took_s, 2),
            )
        self._show()

    # -- a window ------------------------------------------------------------------------------

    def is_call(self, item: Item) -> bool:
        """It is a fragment, not a mail."""
        return item.inbound.source.topic == self._topic

    def wanted(self, items: Sequence[Item], models: ChurnModels) -> list[Item]:
        """The items whose words must be embedded (again), with the bundle that says how."""
        return want_words(items, self.table, models)

    def fold(
        self,
        items: Sequence[Item],
        models: ChurnModels,
        offsets: Mapping[TopicPartition, OffsetAndMetadata],
    ) -> list[Output]:
        """Score the fragments of a window, each into its item; stage what becomes of the calls.

        Args:
            items: of the window; those that are no fragment, or have an error, are left alone.
            models: the same for the whole window.
            offsets: that the window's transaction will commit.

        Returns:
            The records for `churn-state`.
        """
        now_ms = self._clock_ms()
        ready = [item for item in items if item.call is not None and item.error is None]
        calls = [item.call for item in ready if item.call is not None]
        scores = fold_window(calls, self.table, models, self._profiles, now_ms)
        for item, score in zip(ready, scores, strict=True):
            if isinstance(score, PoisonRecordError):
                item.error = score
            else:
                item.score = score
        self._age(items, offsets)
        return [self._output(record, offsets) for record in self.table.staged()]

    def _age(
        self, items: Sequence[Item], offsets: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> None:
        """Sweep the partitions of this window; while records wait, their last one says how late it is."""
        last_ms = {
            item.inbound.source.partition: item.appended_ms for item in items if self.is_call(item)
        }
        left = MOST_AT_ONCE
        for place in sorted(tp.partition for tp in offsets if tp.topic == self._topic):
            left -= self._ageing.sweep(place, last_ms.get(place), self._is_ours, left)

    def _is_ours(self, key: bytes) -> bool:
        """A dedicated worker's period may have begun, or ended, since the states were read."""
        return self._whose is None or self._whose.takes(tenant_of(key), self._clock_ms())

    def _output(
        self, record: StateRecord, offsets: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> Output:
        """Its output id is the last fragment that the state counts."""
        last = offsets[TopicPartition(self._topic, record.partition)].offset - 1
        source = Source(topic=self._topic, partition=record.partition, offset=max(0, last))
        headers = [
            (OUTPUT_ID, str(source).encode()),
            (PARTITIONS_HEADER, str(self._partitions).encode()),
        ]
        return Output(self._state_topic, record.key, record.value, headers, record.partition)

    def merge(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """The window's transaction has ended well."""
        self.table.merge(
            {tp.partition: at.offset for tp, at in offsets.items() if tp.topic == self._topic}
        )
        self._show()

    def due(self, read: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Of partitions that are read to their end, those with a call that time has ended, or made forgotten."""
        calls = {tp: at for tp, at in read.items() if tp.topic == self._topic}
        return {tp: at for tp, at in calls.items() if self._ageing.is_due(tp.partition)}

    def _show(self) -> None:
        self._metrics.calls_in_progress.set(self.table.calls_open)


def tenant_of(key: bytes) -> str:
    """The tenant in a state's key, as `stream.calls.state.state_key` wrote it."""
    tenant = key.decode(errors="replace").split("/", 1)[0]
    return tenant.replace("%2F", "/").replace("%25", "%")
