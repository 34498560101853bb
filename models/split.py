"""Divides rows into parts that share no text, thread or customer, for `models.train`; the same rows, the same parts.

Knows rows, not features. There is no random number: the order is that of a hash, so a later run with a few rows more
keeps nearly all rows where they were.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Hashable, Sequence

from models.dataset import DatasetError
from models.labels import TrainingRow

HELD_OUT_SHARE = 0.2
_NOT_WORDS = re.compile(r"[\W\d_]+")


def hold_out(
    rows: Sequence[TrainingRow], share: float = HELD_OUT_SHARE
) -> tuple[list[int], list[int]]:
    """Places of the rows to learn from, and of the rows kept back, both rising.

    Raises:
        DatasetError: nothing can be kept back, because all rows hang together.
    """
    groups = _group(rows)
    room = max(1, round(len(rows) * share))
    kept: set[int] = set()
    for members in groups:
        # A group that is larger than the room left stays with the others: one big customer is no test.
        if len(kept) + len(members) <= room:
            kept.update(members)
    if not kept or len(kept) == len(rows):
        raise DatasetError(
            f"of {len(rows)} rows none can be kept back for testing: they share one customer_id, thread_id or "
            "text; add rows, or name a test file (--test)"
        )
    return [place for place in range(len(rows)) if place not in kept], sorted(kept)


def cut_folds(rows: Sequence[TrainingRow], folds: int) -> list[list[int]]:
    """Places of the rows in `folds` parts of about equal size; what belongs together stays together.

    Fewer parts come back when there are fewer groups.
    """
    parts: list[list[int]] = [[] for _ in range(folds)]
    for members in _group(rows):
        min(parts, key=len).extend(members)
    return [sorted(part) for part in parts if part]


def normalise(text: str) -> str:
    """What two copies of a text share: no case, digits, punctuation or spacing."""
    return _NOT_WORDS.sub(" ", text.casefold()).strip()


def _group(rows: Sequence[TrainingRow]) -> list[list[int]]:
    """Places of the rows that belong together, directly or through others; groups in the order of a hash."""
    parents = list(range(len(rows)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    first: dict[Hashable, int] = {}
    hashes: list[bytes] = []
    for place, row in enumerate(rows):
        text = normalise(f"{row.subject or ''}\n{row.body or ''}")
        hashes.append(hashlib.sha256(text.encode("utf-8", "replace")).digest())
        links: list[Hashable] = [("text", hashes[-1])]
        if row.thread_id:
            links.append(("thread", row.tenant, row.thread_id))
        if row.customer_id:
            links.append(("customer", row.tenant, row.customer_id))
        for link in links:
            parents[root(place)] = root(first.setdefault(link, place))
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for place in range(len(rows)):
        groups[root(place)].append(place)
    return sorted(groups.values(), key=lambda members: min(hashes[place] for place in members))
