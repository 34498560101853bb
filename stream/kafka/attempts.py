"""Recognises a record that kills the process: tries are counted in the metadata of the partition's committed offset.

Every assignment commits the same offset again with `attempt=n`, and every window carries it on until the partition
has passed all that can have been in the stages at a death; a worker that lets go of a partition alive takes its
attempt back. So n counts deaths near this place:

    no death    as always
    one         careful: few records of the partition at a time, one window in the stages
    two         solo: what such a window held runs record by record, all by itself, with `alone=k` committed first;
                a record that ended the process twice like that goes to dead letters unread

Marks are committed by the worker's own transactions, like everything else: a late plain commit could move an offset
back below outputs that are already visible.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiokafka.structs import OffsetAndMetadata, TopicPartition

CAREFUL = 1  # this many deaths before: the second attempt finds out near which record it happens
SUSPICIOUS = 2  # this many deaths before: the third attempt is made with one record
FATAL_ALONE = 2
CAREFUL_RECORDS = (
    32  # of one partition in a careful window: what the third attempt must run one by one
)
WINDOWS_IN_STAGES = 4

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
            found = cls(int(pairs["attempt"]), int(pairs["alone"]))
        except (ValueError, KeyError):
            return cls()
        return found if min(found.attempt, found.alone) >= 0 else cls()

    def once_more(self, *, alone: bool = False) -> "Attempts":
        """One more try, `alone` or in company."""
        return Attempts(self.attempt + 1, self.alone + alone)

    def __str__(self) -> str:
        return f"attempt={self.attempt};alone={self.alone}"


@dataclass(frozen=True)
class _Mark:
    """Up to where a partition is committed, what was known of its next record then, and until where that holds."""

    offset: int
    before: Attempts
    until: int

    def written(self, attempts: Attempts) -> OffsetAndMetadata:
        return OffsetAndMetadata(self.offset, str(attempts))


class Marks:
    """The marks of one worker's partitions. Every method gives offsets to commit, and commits nothing itself.

    Args:
        max_window_records: most records of a window, so that it is known how far a death can be from its cause.
    """

    def __init__(self, max_window_records: int = 512) -> None:
        self._reach = WINDOWS_IN_STAGES * max_window_records
        self._open: dict[TopicPartition, _Mark] = {}
        self._written: dict[TopicPartition, dict[OffsetAndMetadata, Attempts]] = {}
        self.careful: set[TopicPartition] = set()
        self.solo: set[TopicPartition] = set()

    def begin(self, committed: Offsets) -> Offsets:
        """Start an assignment at these offsets: the marks of one more attempt.

        A mark that this very process wrote is no death: it is alive.
        """
        self._open.clear()
        for tp, found in committed.items():
            before = self._written.get(tp, {}).get(found) or Attempts.parse(found.metadata)
            reach = CAREFUL_RECORDS if before.attempt >= SUSPICIOUS else self._reach
            self._open[tp] = _Mark(found.offset, before, found.offset + reach)
        for tp in committed:
            self._written.pop(tp, None)
        deaths = {tp: mark.before.attempt for tp, mark in self._open.items()}
        self.careful = {tp for tp, count in deaths.items() if CAREFUL <= count < SUSPICIOUS}
        self.solo = {tp for tp, count in deaths.items() if count >= SUSPICIOUS}
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

    def carried(self, offsets: Offsets) -> Offsets:
        """A window's offsets, with the attempt for the records that follow it."""
        carried = dict(offsets)
        for tp, at in offsets.items():
            mark = self._following(tp, at.offset)
            if mark is not None:
                attempts = mark.before if tp in self.solo else mark.before.once_more()
                carried[tp] = mark.written(attempts)
                self._written.setdefault(tp, {})[carried[tp]] = mark.before
        return carried

    def passed(self, offsets: Offsets) -> None:
        """These offsets, as `carried` gave them, are committed."""
        for tp, at in offsets.items():
            mark = self._following(tp, at.offset)
            if mark is None:
                self.clear([tp])
            else:
                self._open[tp] = mark
                self._written[tp] = {at: mark.before}

    def _following(self, tp: TopicPartition, offset: int) -> _Mark | None:
        """The mark behind a window; None when the partition is past what its deaths can come from."""
        mark = self._open.get(tp)
        if mark is None or offset >= mark.until:
            return None
        return _Mark(offset, Attempts(mark.before.attempt, 0), mark.until)

    def clear(self, partitions: Collection[TopicPartition]) -> None:
        """No record of these partitions is suspect any longer; what is committed next carries no mark."""
        for tp in partitions:
            self._open.pop(tp, None)
            self.careful.discard(tp)
            self.solo.discard(tp)

    def withdraw(self) -> Offsets:
        """Take the open attempts back: they end without the death of the process, so no record is suspect for it."""
        return {tp: mark.written(mark.before) for tp, mark in self._open.items()}

    def _write(self, attempts: Mapping[TopicPartition, Attempts]) -> Offsets:
        marks = {tp: self._open[tp].written(tried) for tp, tried in attempts.items()}
        for tp, mark in marks.items():
            self._written.setdefault(tp, {})[mark] = self._open[tp].before
        return marks
