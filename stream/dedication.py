"""Whose mail is left to which workers: values, and what a changed tenants file may still say about it. Knows no file.

A record is answered by exactly one kind of worker, because all of them decide by the same times and by the moment at
which Kafka stored it. So a time that has come stands: some workers have decided by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from stream.tenants import Period, Tenants


@dataclass(frozen=True)
class Dedication:
    """What a dedicated worker answers.

    Args:
        name: what its consumer group is called after, `dedicated_to` of the tenants file.
        tenants: all whose mail is left to this name.
        is_alone: no other workers run here: all mail of these tenants, whatever their times say.
    """

    name: str
    tenants: frozenset[str]
    is_alone: bool = False

    def takes(self, tenant: str, period: Period | None, appended_ms: int) -> bool:
        """Whether a record is this worker's; `period` is its tenant's."""
        if tenant not in self.tenants:
            return False
        return self.is_alone or (period is not None and period.holds(appended_ms))


def group_of(group_id: str, name: str) -> str:
    """The consumer group of the dedicated workers of a name, quoted as in a URL, beside the others' group."""
    return f"{group_id}.{quote(name, safe='')}"


def left_to(tenants: Tenants, tenant: str, appended_ms: int) -> str | None:
    """The name of the dedicated workers whose `takes` says yes, by the file; None: the others answer the record."""
    period = tenants.of(tenant).dedicated
    if period is None or not period.holds(appended_ms):
        return None
    return tenants.team_of(tenant)


def too_late(before: Tenants, after: Tenants, now_ms: int) -> Iterator[str]:
    """What a changed file says too late about dedicated workers, a sentence each.

    A period that has begun stays, but for its end, while old and new end lie ahead; one that has not begun may change
    or go. At a restart nobody knows the file of before: then a change like that is not seen, and records come twice
    or never.

    Args:
        before: what holds.
        after: what shall hold.
        now_ms: the time of day, in ms since the epoch.
    """
    for tenant in sorted(before.by_name.keys() | after.by_name.keys()):
        old, new = before.of(tenant).dedicated, after.of(tenant).dedicated
        has_moved = before.team_of(tenant) != after.team_of(tenant)
        if old == new and not (has_moved and old is not None):
            continue
        if old is not None and old.begin_ms <= now_ms:
            if has_moved or not _moves_its_end(old, new, now_ms):
                yield (
                    f"[tenants.{tenant}] dedicated_…: this period has begun, workers have divided the mail by it; "
                    "take the change back, all that may be written now is a dedicated_until in the future"
                )
        elif new is not None and new.begin_ms <= now_ms:
            yield (
                f"[tenants.{tenant}] dedicated_from has passed, mail from then on is answered already; "
                "write a time in the future"
            )


def _moves_its_end(old: Period, new: Period | None, now_ms: int) -> bool:
    if new is None or new.begin_ms != old.begin_ms:
        return False
    return all(until is None or until > now_ms for until in (old.until_ms, new.until_ms))
