"""Finds texts that are nearly the same: texts in, groups or marks out, to `split`; knows no rows and no labels.

Two texts are near-duplicates when more than 0.6 of their 3-word shingles are common (Jaccard). The join is exact: what
is left out is left out because it cannot be one. Rare shingles come first in every text, so that of each only a prefix
need be compared (Chaudhuri et al. 2006; Xiao et al. 2008, "PPJoin") and a shingle of every text costs nothing; a bitmap
of a text's shingles bounds what two can have in common (Sandes et al. 2020, "Bitmap filter"); and pairs whose
answer is known already are passed over, so that a thousand copies of a form cost no million comparisons.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.rows.folding import fold_words
from models.rows.shingle_sets import (
    CHUNK_SETS,
    BoolArray,
    IntArray,
    ShingleSets,
    build_sets,
    count_common,
    needed_common,
)

_CHUNK_PAIRS = 1 << 20  # candidates looked at together: about 50 MB
_VERIFIED_PAIRS = 1 << 13  # of them compared in full before known answers are passed over again
_NEIGHBOURS = 2
_BITMAP_STAGES = ((0,), (1, 2, 3), (4, 5, 6, 7))  # most pairs fall at the first


@dataclass
class _Search:
    """What is being asked, and what is known by now.

    Args:
        labels: of each text, int64 [N]; the asker changes them in place as answers come.
        is_open: of the labels of pairs, whether such a pair must still be looked at. What is closed stays closed.
    """

    labels: IntArray
    is_open: Callable[[IntArray, IntArray], BoolArray]


def group_near(texts: Sequence[str]) -> IntArray:
    """Group texts that are near-duplicates, directly or through others; equal folded texts are in one group.

    Returns:
        int64 [N]: the place of the group's first text, so that a text that is like no other has its own place.
    """
    folded, owners = _distinct(texts)
    roots = np.arange(len(folded))
    for left, right in _near_pairs(folded, _Search(roots, np.not_equal)):
        _unite(roots, left, right)
    firsts = np.zeros(len(folded), np.int64)
    firsts[owners[::-1]] = np.arange(len(texts))[::-1]  # the first of equal texts is written last
    return firsts[roots[owners]]


_ASKED, _GIVEN, _FOUND = 0, 1, 2


def find_near(texts: Sequence[str], others: Sequence[str]) -> BoolArray:
    """Which of `texts` are equal to one of `others` after folding, or near-duplicates of one; bool [N]."""
    folded, owners = _distinct([*texts, *others])
    labels = np.full(len(folded), _GIVEN)
    labels[owners[: len(texts)]] = _ASKED
    given = owners[len(texts) :]
    labels[given[labels[given] == _ASKED]] = _FOUND
    # A text of both kinds is found, and is also one to compare with.
    is_given = np.zeros(len(folded), np.bool_)
    is_given[given] = True
    search = _Search(labels, lambda one, other: (one == _ASKED) != (other == _ASKED))
    for left, right in _near_pairs(folded, search):
        labels[right[is_given[left] & (labels[right] == _ASKED)]] = _FOUND
        labels[left[is_given[right] & (labels[left] == _ASKED)]] = _FOUND
    return labels[owners[: len(texts)]] == _FOUND


def _distinct(texts: Sequence[str]) -> tuple[list[str], IntArray]:
    """The distinct folded texts in order of their first place, and for each text which of them it is, int64 [N]."""
    places: dict[str, int] = {}
    owners = [places.setdefault(fold_words(text), len(places)) for text in texts]
    return list(places), np.array(owners, np.int64)


def _unite(roots: IntArray, left: IntArray, right: IntArray) -> None:
    """Give the groups of each pair one root, the smallest, in place."""
    parents: dict[int, int] = {}

    def root(place: int) -> int:
        while (parent := parents.get(place, place)) != place:
            parents[place] = parents.get(parent, parent)
            place = parent
        return place

    for one, other in zip(roots[left].tolist(), roots[right].tolist(), strict=True):
        low, high = sorted((root(one), root(other)))
        parents[high] = low
    moved = np.arange(len(roots))
    for place in parents:
        moved[place] = root(place)
    roots[:] = moved[roots]


@dataclass(frozen=True)
class _Index:
    """Entries by shingle, then by set: the set, and how many of its shingles come from this one on, int64 [E]."""

    sets: IntArray
    room: IntArray


@dataclass(frozen=True)
class _Ranges:
    """Sets to compare, and the entries [begin, end) of the index that each is compared with, int64 [P]."""

    sets: IntArray
    begin: IntArray
    end: IntArray


def _near_pairs(folded: Sequence[str], search: _Search) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs of places of near-duplicates, in batches; those that the search has closed by then are left out."""
    sets = build_sets(folded)
    for pairs in _candidates(sets, search):
        for begin in range(0, len(pairs), _VERIFIED_PAIRS):
            some = pairs[begin : begin + _VERIFIED_PAIRS]
            left, right = some // len(sets.sizes), some % len(sets.sizes)
            is_open = search.is_open(
                search.labels[sets.texts[left]], search.labels[sets.texts[right]]
            )
            left, right = left[is_open], right[is_open]
            is_near = count_common(sets, left, right) >= needed_common(
                sets.sizes[left] + sets.sizes[right]
            )
            yield sets.texts[left[is_near]], sets.texts[right[is_near]]


def _candidates(sets: ShingleSets, search: _Search) -> Iterator[IntArray]:
    """Pairs of sets that may be near and are open, as `smaller * sets + larger`; some more than once."""
    index, ranges = _ranges(sets)
    # First each set's nearest neighbours in size: forms with a thousand copies grow together before they are compared.
    near = np.maximum(ranges.begin, ranges.end - _NEIGHBOURS)
    for first, last in ((near, ranges.end), (ranges.begin, near)):
        for low in range(0, len(first), CHUNK_SETS):
            some = slice(low, low + CHUNK_SETS)
            labels = search.labels[sets.texts]
            part = _Ranges(ranges.sets[some], first[some], last[some])
            for part_open in _open_runs(index, part, labels, search):
                for probes, entries in _expand(part_open.begin, part_open.end):
                    yield _sift(sets, index, search, part_open.sets[probes], entries)


def _open_runs(
    index: _Index, ranges: _Ranges, labels: IntArray, search: _Search
) -> Iterator[_Ranges]:
    """The ranges without runs of entries whose label closes them: one look at a run, however long it is."""
    of_entries = labels[index.sets]
    changes = np.flatnonzero(np.diff(of_entries)) + 1
    if 2 * len(changes) > len(of_entries):  # runs of one or two entries save nothing
        yield ranges
        return
    bounds = np.concatenate([[0], changes, [len(of_entries)]])
    is_filled = ranges.begin < ranges.end
    owners, begin, end = ranges.sets[is_filled], ranges.begin[is_filled], ranges.end[is_filled]
    first = np.searchsorted(bounds, begin, side="right") - 1
    last = np.searchsorted(bounds, end, side="left")
    for all_probes, all_runs in _expand(first, last):
        is_open = search.is_open(labels[owners[all_probes]], of_entries[bounds[all_runs]])
        probes, runs = all_probes[is_open], all_runs[is_open]
        yield _Ranges(
            owners[probes],
            np.maximum(begin[probes], bounds[runs]),
            np.minimum(end[probes], bounds[runs + 1]),
        )


def _sift(
    sets: ShingleSets, index: _Index, search: _Search, right: IntArray, entries: IntArray
) -> IntArray:
    """The pairs that may be near, by what costs least first."""
    left = index.sets[entries]
    both = sets.sizes[left] + sets.sizes[right]
    is_open = index.room[entries] >= needed_common(both)
    is_open &= search.is_open(search.labels[sets.texts[left]], search.labels[sets.texts[right]])
    left, right, both = left[is_open], right[is_open], both[is_open]
    spare = both - 2 * needed_common(both)  # how many shingles may be of one text alone
    for columns in _BITMAP_STAGES:
        unlike = np.zeros(len(left), np.int64)
        for column in columns:
            bits = sets.bitmaps[column]
            unlike += np.bitwise_count(bits[left] ^ bits[right])
        spare -= unlike
        is_open = spare >= 0
        left, right, spare = left[is_open], right[is_open], spare[is_open]
    return np.unique(left * len(sets.sizes) + right)


def _ranges(sets: ShingleSets) -> tuple[_Index, _Ranges]:
    """The index of prefixes, and what in it each set's prefix meets: no larger sets, and none too small."""
    count = len(sets.sizes)
    owners = np.repeat(np.arange(count), np.diff(sets.starts))
    sizes = sets.sizes[owners]
    shared = np.diff(sets.starts)[owners]
    # how many shingles of the set come from this one on; those of one text alone come before all others
    room = shared - (np.arange(len(owners)) - sets.starts[owners])
    is_indexed = room >= needed_common(2 * sizes)
    order = np.argsort(sets.shingles[is_indexed], kind="stable")  # sets stay in rising order
    index = _Index(owners[is_indexed][order], room[is_indexed][order])
    keys = sets.shingles[is_indexed][order] * (count + 1) + index.sets
    # A smaller set of size a shares at most what is left here: 8 * room > 3 * (a + b).
    largest = np.minimum((8 * room - 1) // 3 - sizes, sizes)
    first = np.searchsorted(sets.sizes, 3 * sizes // 5 + 1)
    last = np.minimum(np.searchsorted(sets.sizes, largest, side="right"), owners)
    is_probed = first < last
    owners, base = owners[is_probed], sets.shingles[is_probed] * (count + 1)
    begin = np.searchsorted(keys, base + first[is_probed])
    end = np.searchsorted(keys, base + last[is_probed])
    return index, _Ranges(owners, begin, end)


def _expand(begin: IntArray, end: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Ranges as pairs (place of the range, element), in chunks of about a million."""
    totals = np.concatenate([[0], np.cumsum(end - begin)])
    for low in range(0, int(totals[-1]), _CHUNK_PAIRS):
        high = min(low + _CHUNK_PAIRS, int(totals[-1]))
        first = int(np.searchsorted(totals, low, side="right")) - 1
        last = int(np.searchsorted(totals, high, side="left"))
        counts = np.diff(np.clip(totals[first : last + 1], low, high))
        places = np.repeat(np.arange(first, last), counts)
        yield places, np.arange(low, high) + np.repeat((begin - totals[:-1])[first:last], counts)
