"""Finds rows that belong together: by thread, customer, text or near-duplicate; for `split`.

Also the rows of a test file that resemble rows that are learned from, for `models.training.rows`. Knows no labels.
"""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import msgspec

from models.labels import TrainingRow
from models.rows.errors import file_name
from models.rows.folding import fold_words
from models.rows.near_duplicates import find_near, group_near

SHOWN_EXAMPLES = 5


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a test or validation file that known rows resemble; they stay, and flatter the figures.

    Args:
        rows: of the file.
        equal: with the text of a known row, but for case, digits and punctuation.
        near: not equal, but a near-duplicate of a known row.
        same_origin: neither, but of the thread or customer of a known row of the same tenant.
        examples: file names and lines of the first of them.
        known: what they were compared with, in words: `training`, or `training or validation`.
    """

    rows: int = 0
    equal: int = 0
    near: int = 0
    same_origin: int = 0
    examples: tuple[str, ...] = ()
    known: str = "training"

    @property
    def found(self) -> int:
        """All rows that resemble known ones."""
        return self.equal + self.near + self.same_origin

    def warning(self, use: str) -> str:
        """In words, for people; `use` is `test` or `validation`."""
        more = ", …" if self.found > len(self.examples) else ""
        return (
            f"{self.equal} of {self.rows} {use} rows have the text of a {self.known} row, {self.near} nearly have it, "
            f"and {self.same_origin} more are of its thread or customer ({', '.join(self.examples)}{more}); "
            "they stay, and flatter the figures: leave them out of one of the files"
        )


@dataclass(frozen=True)
class RowGroups:
    """Rows that belong together, directly or through others.

    Args:
        members: places of the rows by group, groups in the order of a hash.
        equal_texts, near_duplicates: as in `models.rows.split.SplitFacts`.
    """

    members: list[list[int]]
    equal_texts: int
    near_duplicates: int

    def numbers(self) -> list[int]:
        """The number of its group for every row."""
        of_row = [0] * sum(map(len, self.members))
        for number, members in enumerate(self.members):
            for place in members:
                of_row[place] = number
        return of_row


def group_rows(rows: Sequence[TrainingRow]) -> RowGroups:
    """Find the rows that share a thread, a customer, a text or a near-duplicate."""
    texts = [_text(row) for row in rows]
    near = group_near(texts).tolist()
    folded = [fold_words(text) for text in texts]
    links: list[list[Hashable]] = []
    for place, row in enumerate(rows):
        links.append([("near", near[place]), *_origins(row)])
    distinct: defaultdict[int, set[str]] = defaultdict(set)
    for group, text in zip(near, folded, strict=True):
        distinct[group].add(text)
    return RowGroups(
        _in_hash_order(_tie(links), folded),
        len(rows) - len(set(folded)),
        sum(len(texts) for texts in distinct.values() if len(texts) > 1),
    )


def _tie(links: Sequence[Sequence[Hashable]]) -> list[list[int]]:
    """Places with a link in common, directly or through others."""
    parents = list(range(len(links)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    first: dict[Hashable, int] = {}
    for place, own in enumerate(links):
        for link in own:
            parents[root(place)] = root(first.setdefault(link, place))
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for place in range(len(links)):
        groups[root(place)].append(place)
    return list(groups.values())


def regroup(rows: Sequence[TrainingRow], numbers: Sequence[int]) -> RowGroups:
    """Groups of rows that were grouped before, maybe with others: the number of each row's group."""
    members: defaultdict[int, list[int]] = defaultdict(list)
    for place, number in enumerate(numbers):
        members[number].append(place)
    folded = [fold_words(_text(row)) for row in rows]
    return RowGroups(_in_hash_order(list(members.values()), folded), 0, 0)


def _in_hash_order(groups: list[list[int]], folded: Sequence[str]) -> list[list[int]]:
    """By a fresh hash of a group's representative, the member with the smallest hash.

    Not by that smallest hash itself: of many hashes the smallest is small, and large groups would all come first.
    """
    hashes = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in folded]

    def rank(members: list[int]) -> bytes:
        return hashlib.sha256(min(hashes[place] for place in members)).digest()

    return sorted(groups, key=rank)


def measure_overlap(
    rows: Sequence[TrainingRow],
    learned: Sequence[TrainingRow],
    places: Sequence[str],
    known_as: str = "training",
) -> Overlap:
    """How many rows of a file resemble rows that are learned from or chosen by.

    Args:
        rows: of a test or validation file.
        learned: the rows to compare with.
        places: where each of `rows` stands, for people.
        known_as: what `learned` are, in words.
    """
    texts, known = [_text(row) for row in rows], [_text(row) for row in learned]
    origins = {origin for row in learned for origin in _origins(row)}
    folded = {fold_words(text) for text in known}
    is_equal = [fold_words(text) in folded for text in texts]
    is_like = find_near(texts, known).tolist()
    is_kin = [not origins.isdisjoint(_origins(row)) for row in rows]
    found = [
        file_name(place)
        for place, *reasons in zip(places, is_like, is_kin, strict=True)
        if any(reasons)
    ]
    return Overlap(
        rows=len(rows),
        equal=sum(is_equal),
        near=sum(is_like) - sum(is_equal),
        same_origin=len(found) - sum(is_like),
        examples=tuple(found[:SHOWN_EXAMPLES]),
        known=known_as,
    )


def _origins(row: TrainingRow) -> list[Hashable]:
    """The thread and the customer of a row, where it says them; names are one within a tenant."""
    origins: list[Hashable] = []
    if row.thread_id:
        origins.append(("thread", row.tenant, row.thread_id))
    if row.customer_id:
        origins.append(("customer", row.tenant, row.customer_id))
    return origins


def _text(row: TrainingRow) -> str:
    return f"{row.subject or ''}\n{row.body or ''}"
