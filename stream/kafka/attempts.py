"""Recognises a record that kills the process: tries are counted in the metadata of the partition's committed offset.

Every assignment commits the same offset again with `attempt=n`; a good transaction clears it, and a worker that lets
go of a partition alive takes its attempt back. So n counts deaths. From the third attempt on, the partition's next
record runs all by itself, with `alone=k` committed first; after two deaths like that it goes to dead letters unread.

Marks are committed by the worker's own transactions, like everything else: a late plain commit could move an offset
back below outputs that are already visible.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiokafka.structs import OffsetAndMetadata, TopicPartition

SUSPICIOUS = 2  # this many deaths before: the third attempt is made with one record
FATAL_ALONE = 2

Offsets = Mapping[TopicPartition, OffsetAndMetadata]


@dataclass(frozen=True)
class Attempts:
    """Tries of a partition's next record that ended with the death of the process."""

    attempt: int = 0
    alone: int = 0

    @classmethod
    def parse(cls, metadata: str) -> "Attempts":
        """Read `attempt=3;alone=1`; anything else (another tool's metadata) counts as no attempt."""
        try:
            pairs = dict(part.split("=", 1) for part in metadata.split(";"))
            return cls(int(pairs["attempt"]), int(pairs["alone"]))
        except (ValueError, KeyError):
            return cls()

    def once_more(self, *, alone: bool = False) -> "Attempts":
        """One more try, `alone` or in company."""
        return Attempts(self.attempt + 1, self.alone + alone)

    def __str__(self) -> str:
        return f"attempt={self.attempt};alone={self.alone}"


@dataclass(frozen=True)
class _Mark:
    """Where a partition began in this assignment, and what was known of its next record then."""

    offset: int
    before: Attempts

    def written(self, attempts: Attempts) -> OffsetAndMetadata:
        return OffsetAndMetadata(self.offset, str(attempts))


class Marks:
    """The marks of one worker's partitions. Every method gives offsets to commit, and commits nothing itself."""

    def __init__(self) -> None:
        self._open: dict[TopicPartition, _Mark] = {}
        self._written: dict[TopicPartition, tuple[OffsetAndMetadata, Attempts]] = {}
        self.solo: set[TopicPartition] = set()

    def begin(self, committed: Offsets) -> Offsets:
        """Start an assignment at these offsets: the marks of one more attempt.

        A mark that this very process wrote is no death: it is alive.
        """
        self._open.clear()
        for tp, found in committed.items():
            ours = self._written.get(tp)
            before = ours[1] if ours and ours[0] == found else Attempts.parse(found.metadata)
            self._open[tp] = _Mark(found.offset, before)
        self.solo = {tp for tp, mark in self._open.items() if mark.before.attempt >= SUSPICIOUS}
        return self._write({tp: mark.before.once_more() for tp, mark in self._open.items()})

    def alone(self, partitions: Collection[TopicPartition]) -> Offsets | None:
        """The marks of a suspicious record that is about to run all by itself.

        Returns:
            None when it already killed the process twice like that: it must not run again.
        """
        befores = {tp: self._open[tp].before for tp in partitions}
        if any(before.alone >= FATAL_ALONE for before in befores.values()):
            return None
        return self._write({tp: before.once_more(alone=True) for tp, before in befores.items()})

    def clear(self, partitions: Collection[TopicPartition]) -> None:
        """These partitions had a good transaction, which also cleared their marks on the broker."""
        for tp in partitions:
            self._open.pop(tp, None)
            self.solo.discard(tp)

    def withdraw(self) -> Offsets:
        """Take the open attempts back: they end without the death of the process, so no record is suspect for it."""
        return {tp: mark.written(mark.before) for tp, mark in self._open.items()}

    def _write(self, attempts: Mapping[TopicPartition, Attempts]) -> Offsets:
        marks = {tp: self._open[tp].written(tried) for tp, tried in attempts.items()}
        for tp, mark in marks.items():
            self._written[tp] = (mark, self._open[tp].before)
        return marks
