"""A consumer's partitions in, the next window's records out: what is live first, bulk in its turn. Commits nothing.

Offsets are in order per partition, so a result is not visible before everything below it: priority inside a
partition buys nothing. The live lane holds two topics, calls and mail, whose partitions have equal shares of a window,
so that neither waits for the other; bulk mail is a lane of its own.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# (aiokafka types its records by their deserialisers, which we do not use)

from collections.abc import Mapping, Set

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from stream.kafka.attempts import CAREFUL_RECORDS
from stream.settings import Settings
from stream.topics import CALL_TRANSCRIPTS, INBOUND_EMAILS, INBOUND_EMAILS_BULK

IDLE_POLL_MS = 200
InboundRecord = ConsumerRecord[bytes, bytes]


class Lanes:
    """The lanes of one consumer. Records that did not fit a window wait here for the next one."""

    def __init__(self, consumer: AIOKafkaConsumer, settings: Settings) -> None:
        self._consumer = consumer
        self._settings = settings
        self._live = (settings.topic(CALL_TRANSCRIPTS), settings.topic(INBOUND_EMAILS))
        self._bulk = settings.topic(INBOUND_EMAILS_BULK)
        self._windows_since_bulk = 0
        self._turns = {False: 0, True: 0}  # by "is bulk"
        self._waiting: dict[TopicPartition, list[InboundRecord]] = {}
        self._next_offsets: dict[TopicPartition, int] = {}
        self._nothing_below: dict[TopicPartition, int] = {}
        self._read_to: dict[TopicPartition, int] = {}
        self._solo: Set[TopicPartition] = frozenset()
        self._careful: Set[TopicPartition] = frozenset()

    @property
    def topics(self) -> list[str]:
        """What the group subscribes to."""
        return [*self._live, self._bulk]

    def begin(
        self,
        offsets: Mapping[TopicPartition, int],
        solo: Set[TopicPartition],
        careful: Set[TopicPartition] = frozenset(),
    ) -> None:
        """Hand out records from these offsets on; what was read ahead is dropped.

        Args:
            offsets: of every partition that is ours.
            solo: partitions whose next record must be a window of its own; watched while others shrink it.
            careful: partitions that give few records to a window; watched too.
        """
        self._waiting.clear()
        self._nothing_below.clear()
        self._read_to.clear()
        self._windows_since_bulk = 0
        self._next_offsets = dict(offsets)
        self._solo, self._careful = solo, careful
        for tp, offset in offsets.items():
            self._consumer.seek(tp, offset)

    async def poll(
        self, max_records: int, max_bulk_records: int | None = None
    ) -> list[InboundRecord]:
        """The next window's records: what is live first, bulk one window in `bulk_turn` while live records wait.

        Args:
            max_records: of one window.
            max_bulk_records: of one window of bulk mail, for which live records may have to wait; None: as many.

        Returns:
            Records in (topic, partition, offset) order, a contiguous run per partition, at most `max_window_bytes`
            unless one record alone is larger; empty when nothing came within 200 ms. A record of a `solo` partition
            comes alone.
        """
        for tp in sorted(self._solo):
            records = await self._take([tp], 1)
            if records:
                return records
        live = sorted(tp for tp in self._next_offsets.keys() - self._solo if tp.topic in self._live)
        bulk = sorted(tp for tp in self._next_offsets.keys() - self._solo if tp.topic == self._bulk)
        bulk_first = self._windows_since_bulk >= self._settings.bulk_turn - 1
        most_bulk = max_records if max_bulk_records is None else max_bulk_records
        for lane in (bulk, live) if bulk_first else (live, bulk):
            records = await self._take(lane, most_bulk if lane is bulk else max_records)
            if not records and lane is live and self._are_waiting(live):
                # on their way from the broker: without this bulk got a second window in twenty at every fetch
                await self._wait_for(live)
                records = await self._take(live, max_records)
            if records:
                return self._counted(records)
        await self._wait_for([*self._next_offsets])
        records = await self._take(live, max_records) or await self._take(bulk, most_bulk)
        return self._counted(records)

    async def _wait_for(self, partitions: list[TopicPartition]) -> None:
        arrived = await self._consumer.getmany(*partitions, timeout_ms=IDLE_POLL_MS, max_records=1)
        for tp, records in arrived.items():
            self._waiting[tp] = [*self._waiting.get(tp, []), *records]
        if (
            not arrived
        ):  # what lies there are a transaction's marker, or records that are not committed yet
            ends = {tp: self._consumer.highwater(tp) for tp in partitions}
            self._nothing_below |= {tp: end for tp, end in ends.items() if end is not None}
            # a fetch may only be slow: nobody is silent before his records were read
            self._read_to = {tp: await self._consumer.position(tp) for tp in partitions}

    def _counted(self, records: list[InboundRecord]) -> list[InboundRecord]:
        if records:
            is_bulk = records[0].topic == self._bulk
            self._windows_since_bulk = 0 if is_bulk else self._windows_since_bulk + 1
        return records

    async def _take(self, lane: list[TopicPartition], max_records: int) -> list[InboundRecord]:
        """An equal share from each partition; what one leaves of its share goes to those that have more.

        Each time another partition is asked first: else the last ones would starve whenever a window holds fewer
        records than there are partitions.
        """
        taken: list[InboundRecord] = []
        room_bytes = self._settings.max_window_bytes
        is_bulk = bool(lane) and lane[0].topic == self._bulk
        first = self._turns[is_bulk] % len(lane) if lane else 0
        asked = [*lane[first:], *lane[:first]]
        while asked:
            have_more: list[TopicPartition] = []
            for place, tp in enumerate(asked):
                if len(taken) >= max_records or room_bytes <= 0:
                    break
                share = max(1, (max_records - len(taken)) // (len(asked) - place))
                if tp in self._careful:
                    share = min(share, CAREFUL_RECORDS)
                found = await self._hand_out(tp, share, room_bytes, is_first=not taken)
                taken += found
                room_bytes -= sum(len(record.value or b"") for record in found)
                if len(found) < share and tp in self._waiting:
                    room_bytes = 0  # its next record does not fit: it opens the next window
                elif len(found) == share and tp not in self._careful:
                    have_more.append(tp)
            asked = have_more
        if taken:
            self._turns[is_bulk] += 1
        return sorted(taken, key=lambda record: (record.topic, record.partition, record.offset))

    async def _hand_out(
        self, tp: TopicPartition, share: int, room_bytes: int, *, is_first: bool
    ) -> list[InboundRecord]:
        """Its next records, as many as fit; the first one of a window always does. The others wait here."""
        records = self._waiting.pop(tp, [])
        if len(records) < share:
            more = await self._consumer.getmany(tp, timeout_ms=0, max_records=share - len(records))
            records = [*records, *more.get(tp, [])]
        fitting = 0
        for record in records[:share]:
            room_bytes -= len(record.value or b"")
            if room_bytes < 0 and (fitting or not is_first):
                break
            fitting += 1
        if fitting:
            self._next_offsets[tp] = records[fitting - 1].offset + 1
        if records[fitting:]:
            self._waiting[tp] = records[fitting:]
        return records[:fitting]

    def _are_waiting(self, lane: list[TopicPartition]) -> bool:
        lag = self.lag()
        return any(
            self._next_offsets[tp] + lag.get(tp, 0)
            > max(self._next_offsets[tp], self._nothing_below.get(tp, 0))
            for tp in lane
        )

    def caught_up(self) -> dict[TopicPartition, int]:
        """The partitions from which all was handed out, as the last fetch saw it, with their next offset."""
        ends = {tp: self._consumer.highwater(tp) for tp in self._next_offsets}
        return {
            tp: offset
            for tp, offset in self._next_offsets.items()
            if (end := ends[tp]) is not None and end <= max(offset, self._read_to.get(tp, 0))
        }

    def lag(self) -> dict[TopicPartition, int]:
        """Records that wait per partition: the end as the last fetch saw it, less what was handed out."""
        ends = {tp: self._consumer.highwater(tp) for tp in self._next_offsets}
        return {
            tp: max(0, end - self._next_offsets[tp]) for tp, end in ends.items() if end is not None
        }

    def live_waiting(self) -> int:
        """The live lane's part of the lag."""
        return sum(waiting for tp, waiting in self.lag().items() if tp.topic in self._live)
