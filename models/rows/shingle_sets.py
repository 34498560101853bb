"""Texts as sets of hashed 3-word shingles, ready to be joined: texts in, arrays out, for `near_duplicates`.

NumPy alone; knows no rows. Shingles of one text alone are counted and not kept: they are common to no two.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
HashArray = npt.NDArray[np.uint64]

SHINGLE_WORDS = 3
# The encoder reads fewer; and the shingles of 45,000 texts of any length stay below 200 MB.
MAX_WORDS = 300
CHUNK_SETS = 1 << 13
_BITMAP_WORDS = 8
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)


@dataclass(frozen=True)
class ShingleSets:
    """The texts with shingles, by rising size, as sets of the shingles that more than one text has.

    Args:
        texts: place of each set's text, int64 [S].
        sizes: distinct shingles of it, those of it alone included, int64 [S].
        starts: where each set's shingles start in `shingles`, int64 [S + 1].
        shingles: numbers of shingles, rarest first, int64 [T].
        bitmaps: parity of its shingles' hashes, eight uint64 [S].
        keys: `set * shingles in all + shingle`, rising, int64 [T].
        kinds: shingles in all.
    """

    texts: IntArray
    sizes: IntArray
    starts: IntArray
    shingles: IntArray
    bitmaps: list[HashArray]
    keys: IntArray
    kinds: int


def needed_common(size_of_both: IntArray) -> IntArray:
    """The least number of common shingles: o / (a + b - o) > 3/5 in whole numbers."""
    return 3 * size_of_both // 8 + 1


def build_sets(folded: Sequence[str]) -> ShingleSets:
    """The distinct folded texts as sets; those below three words have none."""
    texts, sizes, flat = _join_by_size(_hash_texts(folded))
    shared = _repeated(flat)
    kinds = max(1, len(shared))
    owners: list[IntArray] = [np.empty(0, np.int64)]
    numbers: list[IntArray] = [np.empty(0, np.int64)]
    bitmaps: list[list[HashArray]] = []
    ends = np.cumsum(sizes)
    for low in range(0, len(sizes), CHUNK_SETS):
        some = slice(low, low + CHUNK_SETS)
        starts = ends[some] - sizes[some]
        part = flat[starts[0] : ends[some][-1]]
        bitmaps.append(_bitmaps(part, starts - starts[0]))
        found = np.minimum(np.searchsorted(shared, part), kinds - 1)
        is_shared = shared[found] == part if len(shared) else np.zeros(len(part), np.bool_)
        numbers.append(found[is_shared])
        owners.append(np.repeat(np.arange(len(sizes))[some], sizes[some])[is_shared])
    owner, number = np.concatenate(owners), np.concatenate(numbers)
    # by rising frequency; ties by hash, so that the order does not depend on the order of the texts
    ranks = np.empty(kinds, np.int64)
    ranks[np.argsort(np.bincount(number, minlength=kinds), kind="stable")] = np.arange(kinds)
    keys = np.sort(owner * kinds + ranks[number])
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(sizes)))])
    columns = [np.concatenate(column) for column in zip(*bitmaps, strict=True)]
    return ShingleSets(texts, sizes, starts, keys % kinds, columns, keys, kinds)


def _join_by_size(hashes: Sequence[HashArray]) -> tuple[IntArray, IntArray, HashArray]:
    """Places of the texts that have shingles, by rising number of them; the numbers; all shingles in that order."""
    sizes = np.array([len(one) for one in hashes], np.int64)
    texts = np.argsort(sizes, kind="stable")
    texts = texts[sizes[texts] > 0]  # texts below three words have equal copies only
    places: list[int] = texts.tolist()
    flat = np.concatenate([np.empty(0, np.uint64), *(hashes[place] for place in places)])
    return texts, sizes[texts], flat


def _repeated(flat: HashArray) -> HashArray:
    """The hashes that occur more than once, rising."""
    in_order = np.sort(flat)
    is_repeated = in_order[1:] == in_order[:-1]
    return np.unique(in_order[1:][is_repeated])


def _hash_texts(folded: Sequence[str]) -> list[HashArray]:
    """The distinct shingles of each text as 64-bit hashes of its words' numbers."""
    numbers: dict[str, int] = {}
    hashes: list[HashArray] = []
    for text in folded:
        words = text.split(" ", MAX_WORDS)[:MAX_WORDS]
        found = np.array([numbers.setdefault(word, len(numbers)) for word in words], np.uint64)
        count = max(0, len(words) - SHINGLE_WORDS + 1)
        mixed = np.zeros(count, np.uint64)
        for place, factor in enumerate(_FACTORS):
            mixed = (mixed ^ found[place : place + count]) * np.uint64(factor)
            mixed ^= mixed >> np.uint64(29)
        hashes.append(np.unique(mixed))
    return hashes


def _bitmaps(flat: HashArray, starts: IntArray) -> list[HashArray]:
    """Of each set the parity of how many shingles fall on each of 512 bits, eight uint64 [S]."""
    bits = np.uint64(1) << (flat >> np.uint64(58))
    word = (flat >> np.uint64(55)) & np.uint64(_BITMAP_WORDS - 1)
    return [
        np.bitwise_xor.reduceat(np.where(word == column, bits, np.uint64(0)), starts)
        for column in range(_BITMAP_WORDS)
    ]


def count_common(sets: ShingleSets, left: IntArray, right: IntArray) -> IntArray:
    """How many shingles two sets share, int64 [M]."""
    lengths = np.diff(sets.starts)[left]
    pairs = np.repeat(np.arange(len(left)), lengths)
    offsets = np.arange(len(pairs)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    wanted = right[pairs] * sets.kinds + sets.shingles[sets.starts[left][pairs] + offsets]
    found = np.minimum(np.searchsorted(sets.keys, wanted), max(0, len(sets.keys) - 1))
    iscount_common = sets.keys[found] == wanted if len(sets.keys) else np.zeros(0, np.bool_)
    return np.bincount(pairs[iscount_common], minlength=len(left))
