"""Divides rows into parts that share no text, thread, customer or near-duplicate, for `models.training.rows`.

Also cuts the folds of `models.fitting`. Knows rows, not features. There is no random number: rows are kept back by
time, or by the order of a hash, so a later run with a few rows more keeps nearly all rows where they were.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from models.labels import TrainingRow
from models.rows.errors import DatasetError
from models.rows.folding import fold_words as normalise
from models.rows.groups import RowGroups, group_rows, regroup

__all__ = ["Split", "SplitFacts", "cut_folds", "facts_of", "hold_out", "normalise", "split_rows"]

HELD_OUT_SHARE = 0.2
# Fewer rows with a time say nothing about when the others came.
TIMED_SHARE = 0.9
SplitRule = Literal["time", "hash", "file"]


class SplitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How rows were divided, for the report.

    Args:
        rule: `time`: the newest groups were kept back; `hash`: groups in the order of a hash; `file`: the test rows
            came in a file of their own.
        groups: of rows that share a thread, a customer, a text or a near-duplicate; a row alone is one.
        largest_group: rows of it.
        equal_texts: rows whose text is that of an earlier row, but for case, digits and punctuation.
        near_duplicates: texts that were held together because they are nearly that of another.
        tested_from: time of the oldest row kept back; None unless by time.
        newer_learned: rows that are learned from and newer than that: their groups began before it.
        too_large: rows that are learned from though their whole group is newer than that: it had no room.
    """

    rule: SplitRule
    groups: int = 0
    largest_group: int = 0
    equal_texts: int = 0
    near_duplicates: int = 0
    tested_from: str | None = None
    newer_learned: int = 0
    too_large: int = 0

    def sentence(self) -> str:
        """The rule in words, for people."""
        if self.rule == "file":
            return "test rows from a file of their own"
        held = f"{self.groups} groups, {self.near_duplicates} near-duplicates held together"
        if self.rule == "hash":
            return f"test rows kept back by hash, for fewer than 9 in 10 rows have a time; {held}"
        late = f"; {self.newer_learned} newer rows of older groups are learned from" * bool(
            self.newer_learned
        )
        large = (
            f"; {self.too_large} rows of new groups too large to keep back are learned from"
            * bool(self.too_large)
        )
        return f"the newest rows kept back, from {self.tested_from} on; {held}{late}{large}"


@dataclass(frozen=True)
class Split:
    """Places of the rows to learn from and of those kept back, both rising; and how they were chosen."""

    learn: list[int]
    kept: list[int]
    facts: SplitFacts


def hold_out(
    rows: Sequence[TrainingRow],
    share: float = HELD_OUT_SHARE,
    groups: Sequence[int] | None = None,
) -> tuple[list[int], list[int]]:
    """Places of the rows to learn from, and of the rows kept back, both rising; as `split_rows`.

    Args:
        rows: to divide.
        share: of them to keep back.
        groups: number of each row's group, where these rows were grouped before (`RowGroups.numbers`); None: now.
    """
    split = split_rows(rows, share, groups)
    return split.learn, split.kept


def split_rows(
    rows: Sequence[TrainingRow],
    share: float = HELD_OUT_SHARE,
    groups: RowGroups | Sequence[int] | None = None,
) -> Split:
    """Divide rows so that the two parts share nothing.

    When nine tenths of the rows have a time, the newest groups are kept back. A group counts by its oldest row, so a
    group is kept back only when all of it is new, and no row is tested that is older than what is learned, but for
    the newer rows of groups that began earlier (a customer of years): they stay with the rows that they belong to, and
    are counted. Counting by the newest row would test on old mail instead. A new group that is larger than the room
    left is learned from and counted too, by itself. Groups without a time are learned from.

    Raises:
        DatasetError: nothing can be kept back, because all rows hang together.
    """
    if not isinstance(groups, RowGroups):
        groups = group_rows(rows) if groups is None else regroup(rows, groups)
    times = [row.received_s() for row in rows]
    is_timed = sum(time is not None for time in times) >= TIMED_SHARE * len(rows)
    order = _newest_first(groups.members, times) if is_timed else groups.members
    room = max(1, round(len(rows) * share))
    kept: set[int] = set()
    for members in order:
        # A group that is larger than the room left stays with the others: one big customer is no test.
        if len(kept) + len(members) <= room:
            kept.update(members)
    if not kept or len(kept) == len(rows):
        raise DatasetError(
            f"of {len(rows)} rows none can be kept back for testing: they share one customer_id, thread_id or "
            "text; add rows, or name a test file (--test)"
        )
    learn = [place for place in range(len(rows)) if place not in kept]
    facts = facts_of(groups, "time" if is_timed else "hash")
    if is_timed:
        facts = _tell_times(facts, rows, times, order, kept)
    return Split(learn, sorted(kept), facts)


def facts_of(groups: RowGroups, rule: SplitRule) -> SplitFacts:
    """The facts that the groups alone tell."""
    return SplitFacts(
        rule=rule,
        groups=len(groups.members),
        largest_group=max(map(len, groups.members), default=0),
        equal_texts=groups.equal_texts,
        near_duplicates=groups.near_duplicates,
    )


def cut_folds(
    rows: Sequence[TrainingRow], folds: int, groups: Sequence[int] | None = None
) -> list[list[int]]:
    """Places of the rows in `folds` parts of about equal size; what belongs together stays together.

    Fewer parts come back when there are fewer groups.

    Args:
        rows: to divide.
        folds: parts.
        groups: as in `hold_out`.
    """
    parts: list[list[int]] = [[] for _ in range(folds)]
    found = group_rows(rows) if groups is None else regroup(rows, groups)
    for members in found.members:
        min(parts, key=len).extend(members)
    return [sorted(part) for part in parts if part]


def _newest_first(groups: list[list[int]], times: Sequence[float | None]) -> list[list[int]]:
    """Groups that have a time, by their oldest row, newest first; of one time in the order of the hash."""
    timed = [(time, members) for members in groups if (time := _oldest(members, times)) is not None]
    return [members for _, members in sorted(timed, key=lambda pair: -pair[0])]


def _oldest(members: Sequence[int], times: Sequence[float | None]) -> float | None:
    return min((time for place in members if (time := times[place]) is not None), default=None)


def _tell_times(
    facts: SplitFacts,
    rows: Sequence[TrainingRow],
    times: Sequence[float | None],
    groups: Sequence[list[int]],
    kept: set[int],
) -> SplitFacts:
    """Count what is learned from and newer than what is tested: in groups that began before, and in new ones."""
    oldest, place = min((time, place) for place in kept if (time := times[place]) is not None)
    late = large = 0
    for members in groups:
        began = _oldest(members, times)
        if members[0] in kept or began is None:
            continue
        newer = sum((time := times[place]) is not None and time > oldest for place in members)
        if began > oldest:
            large += newer
        else:
            late += newer
    return msgspec.structs.replace(
        facts, tested_from=rows[place].received_at, newer_learned=late, too_large=large
    )
