"""Recognises a record that kills the process: tries are counted in the metadata of the partition's committed offset.

Every assignment commits the same offset again with `attempt=n`; a good transaction clears it, and a worker that lets
go of a partition alive takes its attempt back. So n counts deaths. From the third attempt on, the partition's next
record runs all by itself, with `alone=k` committed first; after two deaths like that it goes to dead letters unread.
"""

from dataclasses import dataclass

SUSPICIOUS = 2  # this many deaths before: the third attempt is made with one record
FATAL_ALONE = 2


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
class Mark:
    """Where a partition began in this assignment, and what was known of its next record then."""

    offset: int
    before: Attempts
