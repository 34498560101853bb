"""Turns texts into weighted hashed word n-grams, for the heads that use them; knows no labels and no encoder.

Only hashes are kept, so a bundle holds no word of a customer's mail in clear. NumPy alone, because serving needs it.
"""

import itertools
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_WORD = re.compile(r"\w\w+")
# Beyond this a text says nothing new, and a hostile megabyte must not cost a second (10,000 characters: about 1 ms).
MAX_CHARACTERS = 10_000
# An n-gram of one text alone cannot be told from chance, and would name its writer.
MIN_TEXTS = 2
# The most frequent are kept, for the bundle's size and the time of the fit; 10,000 rows of banking77 have 10,300.
MAX_NGRAMS = 20_000


def hash_ngrams(text: str) -> Counter[int]:
    """Count the words and pairs of neighbouring words of a text, each as the CRC-32 of its UTF-8.

    Lower case; words of one character are left out. CRC-32 is the same on every machine and version.
    """
    words = _WORD.findall(text[:MAX_CHARACTERS].lower())
    encoded = [word.encode("utf-8", "replace") for word in words]
    pairs = (b"%b %b" % pair for pair in itertools.pairwise(encoded))
    counts = Counter(map(zlib.crc32, encoded))
    counts.update(map(zlib.crc32, pairs))
    return counts


@dataclass(frozen=True)
class NgramRow:
    """One text: places in the vocabulary, int64 [K], rising, and their weights, float32 [K], of length 1."""

    places: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]


@dataclass(frozen=True)
class NgramVocabulary:
    """The n-grams that count: uint32 `hashes` [V], rising, and how rare each is, float32 `rarity` [V]."""

    hashes: npt.NDArray[np.uint32]
    rarity: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.hashes)

    def row(self, text: str) -> NgramRow:
        """Weigh a text's n-grams: (1 + ln count) x rarity, scaled to length 1; unknown ones do not count."""
        counts = hash_ngrams(text)
        found = np.fromiter(counts.keys(), np.uint32, len(counts))
        times = np.fromiter(counts.values(), np.float32, len(counts))
        if not len(found) or not len(self.hashes):
            return NgramRow(np.empty(0, np.int64), np.empty(0, np.float32))
        places = np.minimum(np.searchsorted(self.hashes, found), len(self.hashes) - 1)
        known = self.hashes[places] == found
        places, times = places[known], times[known]
        order = np.argsort(places)  # a fixed order of summation: the same text gives the same bits
        places, times = places[order], times[order]
        weights = (1 + np.log(times)) * self.rarity[places]
        length = math.sqrt(float(weights @ weights)) or 1.0
        return NgramRow(places, (weights / length).astype(np.float32))


def build_vocabulary(texts: Iterable[str]) -> NgramVocabulary:
    """Keep the n-grams of at least `MIN_TEXTS` texts, at most `MAX_NGRAMS`, the frequent ones first.

    Rarity is smoothed inverse document frequency, `ln((1 + N) / (1 + n)) + 1`.
    """
    texts_with: Counter[int] = Counter()
    total = 0
    for text in texts:
        total += 1
        texts_with.update(hash_ngrams(text).keys())
    kept = [(count, key) for key, count in texts_with.items() if count >= MIN_TEXTS]
    kept.sort(key=lambda pair: (-pair[0], pair[1]))  # ties by hash: the same texts, the same words
    kept = sorted((key, count) for count, key in kept[:MAX_NGRAMS])
    hashes = np.array([key for key, _ in kept], np.uint32)
    counts = np.array([count for _, count in kept], np.float64)
    rarity = (np.log((1 + total) / (1 + counts)) + 1).astype(np.float32)
    return NgramVocabulary(hashes, rarity)


def stack_rows(
    rows: Sequence[NgramRow],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows as the arrays of a CSR matrix: weights, places, and where each row starts."""
    starts = np.cumsum([0, *(len(row.places) for row in rows)])
    weights = np.concatenate([np.empty(0, np.float32), *(row.weights for row in rows)])
    places = np.concatenate([np.empty(0, np.int64), *(row.places for row in rows)])
    return weights, places, starts.astype(np.int64)
