"""Membership in the workers' group: which partitions are ours, from which offset, and their records, lane by lane.

Rules (each broke something when it was missing): rebalance callbacks only note what happened; records are handed
out only for partitions whose stable offset was read in this generation; a group without offsets begins where
`start_from` says and that place is committed at once; records the broker deleted before they were read are counted.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportIncompatibleMethodOverride=false
# (aiokafka's offsets are untyped dicts, and its listener may be a coroutine though its base is not)

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import (
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.errors import ExpiredRecordsError, FatalError, LostTransactionError, SlotInUseError
from stream.kafka.attempts import Marks, Offsets
from stream.kafka.clients import Log, group_consumer, lost_or_fatal, start_when_ready
from stream.kafka.kip447 import GroupMetadata, coordinator_of, stable_offsets
from stream.kafka.lanes import InboundRecord, Lanes
from stream.kafka.slot import Slot
from stream.metrics import Metrics
from stream.settings import Settings

LOOK_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Assignment:
    """Partitions that are ours in one generation of the group, and the name under which they are committed."""

    partitions: frozenset[TopicPartition]
    group: GroupMetadata


class WorkerGroup(ConsumerRebalanceListener):
    """One worker's membership. Events in, assignments and records out."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        log: Log,
        on_revoked: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._log = log
        self._on_revoked = on_revoked
        self._consumer: AIOKafkaConsumer = group_consumer(settings)
        self._lanes = Lanes(self._consumer, settings)
        self._assignment: Assignment | None = None
        self._name: GroupMetadata | None = None
        self._changed = asyncio.Event()
        self.marks = Marks(settings.max_window_records)

    async def start(self) -> None:
        """Connect and ask to join; call it only when the model is loaded and warm."""
        await start_when_ready(self._consumer, self._settings, self._log)
        number = self._settings.worker_slot
        if number is not None:
            coordinator_of(self._consumer).slot = Slot(number, self._settings.group_id, self._log)
        self._consumer.subscribe(self._lanes.topics, listener=self)

    async def stop(self) -> None:
        """Leave the group (a slot keeps its place for a restart)."""
        await self._consumer.stop()

    # -- what the group tells us ---------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Aiokafka sends no heartbeats until this returns: wait for the open transaction only."""
        self._assignment = None
        self._changed.set()
        if revoked:
            self._log("partitions_revoked", count=len(revoked))
        await self._on_revoked()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Note what is ours and in whose name; offsets are read outside this callback."""
        self._name = GroupMetadata.of(self._consumer)
        self._assignment = Assignment(frozenset(assigned), self._name)
        self._metrics.rebalances.inc()
        self._metrics.assigned_partitions.set(len(assigned))
        self._changed.set()
        self._log(
            "partitions_assigned",
            count=len(assigned),
            generation=self._assignment.group.generation_id,
        )

    @property
    def name(self) -> GroupMetadata | None:
        """The generation that commits speak for; None before the first assignment."""
        return self._name

    @property
    def joined(self) -> bool:
        """The group has given this worker its share, which may be empty."""
        return self._assignment is not None

    async def assignment(self) -> Assignment:
        """Wait until some partition is ours.

        Raises:
            SlotInUseError: another worker has our slot.
        """
        while True:
            self._changed.clear()
            current = self._assignment
            if current is not None and current.partitions:
                return current
            self.check()
            try:
                async with asyncio.timeout(0.5):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def check(self) -> None:
        """Raise what went wrong in the group behind our back.

        Raises:
            SlotInUseError: another worker has our slot.
            FatalError: the coordinator refuses us for good (rights, protocol).
        """
        coordinator = coordinator_of(self._consumer)
        if coordinator.slot_refusal:
            raise SlotInUseError(coordinator.slot_refusal)
        try:
            coordinator.check_errors()
        except KafkaError as error:
            raise FatalError(f"group {self._settings.group_id}: {error}") from error

    async def look_for_rival(self) -> None:
        """After a lost transaction: see whether another worker has our slot; then the assignment is gone too."""
        coordinator = coordinator_of(self._consumer)
        with contextlib.suppress(KafkaError, TimeoutError):  # then the next heartbeat tells
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                await coordinator.look_for_rival()
        if not coordinator.member_id:
            self._assignment = None

    # -- where we begin ------------------------------------------------------------------------

    async def restore(self, assignment: Assignment) -> Offsets:
        """Begin every partition at its stable offset.

        Returns:
            The offsets with which this attempt is marked; commit them before the first window.

        Raises:
            LostTransactionError: the partitions moved on meanwhile; wait for the next assignment.
            ExpiredRecordsError: records were deleted before they were read, and the setting says stop.
        """
        try:
            committed = await stable_offsets(self._consumer, assignment.partitions)
            begin = await self._consumer.beginning_offsets(list(assignment.partitions))
            starts = await self._start_offsets(assignment.partitions - committed.keys())
        except KafkaError as error:
            raise lost_or_fatal(error, "reading the group's offsets") from error
        found = committed | {tp: OffsetAndMetadata(offset, "") for tp, offset in starts.items()}
        places = {
            tp: OffsetAndMetadata(self._pass_over_expired(tp, at.offset, begin[tp]), at.metadata)
            for tp, at in found.items()
        }
        marks = self.marks.begin(places)
        try:
            offsets = {tp: at.offset for tp, at in places.items()}
            self._lanes.begin(offsets, self.marks.solo, self.marks.careful)
        except IllegalStateError as error:
            raise LostTransactionError(
                f"the group moved on while offsets were read: {error}"
            ) from error
        return marks

    async def _start_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        if not partitions:
            return {}
        rule, moment = self._settings.start_from, self._settings.start_time()
        self._log("group_begins", start_from=rule, partitions=len(partitions))
        if rule == "earliest":
            return await self._consumer.beginning_offsets(list(partitions))
        ends = await self._consumer.end_offsets(list(partitions))
        if moment is None:
            return ends
        found = await self._consumer.offsets_for_times(
            {tp: int(moment.timestamp() * 1000) for tp in partitions}
        )
        return {tp: at.offset if (at := found.get(tp)) else ends[tp] for tp in partitions}

    def _pass_over_expired(self, tp: TopicPartition, offset: int, begin: int) -> int:
        lost = begin - offset
        if lost <= 0:
            return offset
        self._metrics.expired_records.inc(lost)
        message = (
            f"{tp.topic}/{tp.partition}: records {offset} to {begin - 1} were deleted by retention before they were "
            "read; raise the topic's retention, and set on_expired_records=continue to go on without them"
        )
        if self._settings.on_expired_records == "stop":
            raise ExpiredRecordsError(message)
        self._log("records_expired", topic=tp.topic, partition=tp.partition, count=lost)
        return begin

    # -- records -------------------------------------------------------------------------------

    async def poll(
        self, max_records: int, max_bulk_records: int | None = None
    ) -> list[InboundRecord]:
        """The next window's records, as `Lanes.poll`.

        Raises:
            LostTransactionError: an offset left the log's range, or the broker is away; read the offsets again.
            SlotInUseError, FatalError: as `check`.
        """
        self.check()
        try:
            return await self._lanes.poll(max_records, max_bulk_records)
        except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
            raise LostTransactionError(f"an offset is out of range: {error}") from error
        except KafkaError as error:
            self.check()
            raise lost_or_fatal(error, "polling") from error

    def lag(self) -> dict[TopicPartition, int]:
        """Records that wait per partition, as the last fetch saw it."""
        return self._lanes.lag()

    def live_waiting(self) -> int:
        """Records of the live lane that wait, as the last fetch saw it."""
        return self._lanes.live_waiting()

    def caught_up(self) -> dict[TopicPartition, int]:
        """The partitions that are handed out to their end, with their next offset; without suspected ones."""
        suspected = self.marks.solo | self.marks.careful
        return {tp: at for tp, at in self._lanes.caught_up().items() if tp not in suspected}
