"""A cluster in, what lies in its topics and where its groups stand out: the part of the verifier that knows aiokafka.

Three views: `records` as a read_committed consumer sees them, `ends` as the log has them (committed or not), and
`committed`: a group's offsets once no transaction on them is pending, read without joining the group.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (aiokafka types its records by their deserialisers, which we do not use)

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream.errors import FatalError
from stream.kafka.clients import Log, connection, reader, start_when_ready
from stream.kafka.kip447 import speak_kip447, stable_offsets
from stream.settings import Settings

POLL_MS = 200
# Of each partition at a time, packed: unpacked it may be thirty times as much, and there are many partitions.
FETCH_BYTES = 128 * 1024
REPORT_EVERY_S = 5.0
SILENCE_S = 60.0

Place = TopicPartition
Record = ConsumerRecord[bytes | None, bytes | None]


def named(place: Place) -> str:
    """`topic/partition`."""
    return f"{place.topic}/{place.partition}"


class Cluster:
    """Consumers that are members of no group and write nothing; made by `connected`.

    Args:
        settings: name the cluster.
        groups: ids of those whose offsets may be asked for, at least one.
        log: told what is waited for.
    """

    def __init__(self, settings: Settings, groups: Sequence[str], log: Log) -> None:
        speak_kip447()
        self._settings = settings
        self._log = log
        self._reader = reader(
            settings, auto_offset_reset="none", max_partition_fetch_bytes=FETCH_BYTES
        )
        self._members = [
            AIOKafkaConsumer(  # never subscribed, so never a member of the group
                group_id=group,
                enable_auto_commit=False,
                isolation_level="read_uncommitted",
                **connection(settings),
            )
            for group in groups
        ]
        self._marks = self._members[0]

    async def start(self) -> None:
        """Connect, waiting for a Kafka that is not up yet."""
        for consumer in (self._reader, *self._members):
            await start_when_ready(consumer, self._settings, self._log)

    async def stop(self) -> None:
        """Disconnect."""
        for consumer in (self._reader, *self._members):
            await consumer.stop()

    async def begins(self, places: Collection[Place]) -> dict[Place, int]:
        """Oldest offsets that retention has left."""
        return await self._marks.beginning_offsets(list(places))

    async def ends(self, places: Collection[Place]) -> dict[Place, int]:
        """High watermarks: behind the last record, committed or not."""
        return await self._marks.end_offsets(list(places))

    async def stable_ends(self, places: Collection[Place]) -> dict[Place, int]:
        """Last stable offsets: the first one that an open transaction hides, else as `ends`."""
        return await self._reader.end_offsets(list(places))

    async def first_since(
        self, places: Collection[Place], moment_ms: int
    ) -> dict[Place, tuple[int, int]]:
        """Offset and time of the first record not older than the moment; absent where there is none."""
        found = await self._marks.offsets_for_times(dict.fromkeys(places, moment_ms))
        return {place: (at.offset, at.timestamp) for place, at in found.items() if at is not None}

    async def committed(
        self, group: int, places: Collection[Place], within_s: float
    ) -> tuple[dict[Place, int], list[Place]]:
        """A group's offsets where it has some, and the partitions on which a transaction stays pending.

        Each partition is asked for by itself: under load some transaction is nearly always pending somewhere.

        Args:
            group: its place among the groups.
            places: what to ask for.
            within_s: how long a transaction may stay pending.
        """

        async def one(place: Place) -> dict[Place, OffsetAndMetadata] | None:
            try:
                async with asyncio.timeout(within_s):
                    return await stable_offsets(self._members[group], frozenset({place}))
            except TimeoutError:
                return None

        answers = dict(zip(places, await asyncio.gather(*map(one, places)), strict=True))
        offsets = {
            place: at.offset for found in answers.values() for place, at in (found or {}).items()
        }
        return offsets, [place for place, found in answers.items() if found is None]

    async def records(
        self,
        spans: Mapping[Place, range],
        on_record: Callable[[Place, Record], None],
        settled_at_s: float = float("inf"),
    ) -> dict[Place, int]:
        """Hand over every committed record of the spans, each partition's in order.

        Args:
            spans: offsets to read.
            on_record: called with each record.
            settled_at_s: on the monotonic clock; a transaction that is still open then is not waited for.

        Returns:
            Partitions that an open transaction cut off, with the last stable offset.
        """
        await self._begin(spans)
        hidden: dict[Place, int] = {}
        waits_for_ends = settled_at_s < float("inf")
        heard_at_s = said_at_s = time.monotonic()
        while left := await self._behind(spans, hidden):
            batches = await self._reader.getmany(timeout_ms=POLL_MS)
            for place, batch in batches.items():
                for record in batch:
                    if record.offset < spans[place].stop:
                        on_record(place, record)
            now_s = time.monotonic()
            if batches:
                heard_at_s = now_s
            elif now_s > settled_at_s:
                hidden |= await self._hidden(left, spans)
            # until it is settled an open transaction may be what keeps Kafka silent
            patient_until_s = max(heard_at_s, settled_at_s if waits_for_ends else 0.0) + SILENCE_S
            if now_s > patient_until_s and left.keys() - hidden.keys():
                raise FatalError(f"Kafka has given no record for {SILENCE_S:g} s; left: {left}")
            if now_s - said_at_s > REPORT_EVERY_S:
                said_at_s = now_s
                self._log("reading", records_left=sum(left.values()), partitions=len(left))
        return hidden

    async def _begin(self, spans: Mapping[Place, range]) -> None:
        self._reader.assign(list(spans))
        for place, span in spans.items():
            self._reader.seek(place, span.start)

    async def _behind(
        self, spans: Mapping[Place, range], hidden: Collection[Place]
    ) -> dict[Place, int]:
        """Offsets left to read; partitions that are through are paused, for live traffic goes on behind them."""
        left: dict[Place, int] = {}
        for place, span in spans.items():
            position = await self._reader.position(place)
            if position < span.stop and place not in hidden:
                left[place] = span.stop - position
            else:
                self._reader.pause(place)
        return left

    async def _hidden(
        self, left: Collection[Place], spans: Mapping[Place, range]
    ) -> dict[Place, int]:
        """Of the partitions that are left: those read up to a last stable offset that is below the span's end."""
        stable = await self.stable_ends(left)
        return {
            place: stable[place]
            for place in left
            if await self._reader.position(place) >= stable[place] < spans[place].stop
        }

    async def has_record(self, place: Place, begin: int, end: int) -> bool:
        """Whether a committed record lies in the offsets; markers of transactions and aborted records are none."""
        if begin >= end:
            return False
        await self._begin({place: range(begin, end)})
        while await self._reader.position(place) < end:
            found = await self._reader.getmany(timeout_ms=POLL_MS, max_records=1)
            if any(record.offset < end for batch in found.values() for record in batch):
                return True
        return False


@contextlib.asynccontextmanager
async def connected(settings: Settings, groups: Sequence[str], log: Log) -> AsyncIterator[Cluster]:
    """A cluster to read from; arguments as `Cluster`.

    Raises:
        BrokerUnavailableError: no Kafka.
        FatalError: Kafka refused, or deleted records while they were read.
    """
    cluster = Cluster(settings, groups, log)
    try:
        await cluster.start()
        yield cluster
    except OffsetOutOfRangeError as error:
        raise FatalError(
            f"retention deleted records while they were read: {error}; run again, with --since a later TIME"
        ) from error
    except KafkaError as error:
        raise FatalError(f"reading failed: {type(error).__name__}: {error}; run again") from error
    finally:
        await cluster.stop()
