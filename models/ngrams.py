"""Turns texts into weighted hashed n-grams of words and characters, for the heads that use them; knows no labels.

Only hashes are kept, so a bundle holds no word of a customer's mail in clear. NumPy alone, because serving needs it.
"""

import itertools
import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

HashArray = npt.NDArray[np.uint32]

_WORD = re.compile(r"\w\w+")
_SPACE = ord(" ")
_BASE = np.uint32(0x01000193)  # FNV's prime: odd, with bits far apart
# Beyond this a text says nothing new, and a hostile megabyte must not cost a second (10,000 characters: about 1 ms).
MAX_CHARACTERS = 10_000
# An n-gram of one text alone cannot be told from chance, and would name its writer.
MIN_TEXTS = 2
# The most frequent are kept, for the bundle's size and the time of the fit: 20,000 give gnad_de 0.766, 40,000 0.771.
MAX_NGRAMS = 20_000
VOCABULARY_TEXTS = 50_000


def hash_ngrams(text: str) -> HashArray:
    """A text's words, pairs of neighbouring words and pieces of four characters, each as 32 bits, with repeats.

    Lower case; words of one character are left out. Words and pairs are the CRC-32 of their UTF-8. Pieces lie inside
    a word, its two ends included; they find inflected and compound German words that the encoder does not know.
    The same on every machine and version.
    """
    words = _WORD.findall(text[:MAX_CHARACTERS].lower())
    encoded = [word.encode("utf-8", "replace") for word in words]
    hashes = [*map(zlib.crc32, encoded)]
    hashes.extend(zlib.crc32(b"%b %b" % pair) for pair in itertools.pairwise(encoded))
    return np.concatenate([np.array(hashes, np.uint32), _hash_pieces(words)])


def _hash_pieces(words: Sequence[str]) -> HashArray:
    """The pieces of all words at once: a polynomial of four code points, modulo 2**32."""
    joined = f" {' '.join(words)} ".encode("utf-32-le", "replace")
    points = np.frombuffer(joined, np.dtype("<u4")).astype(np.uint32)
    if len(points) < 4:
        return np.empty(0, np.uint32)
    first, second, third, last = (points[place : len(points) - 3 + place] for place in range(4))
    hashes = ((first * _BASE + second) * _BASE + third) * _BASE + last
    return hashes[(second != _SPACE) & (third != _SPACE)]


@dataclass(frozen=True)
class NgramRow:
    """One text: places in the vocabulary, int64 [K], rising, and their weights, float32 [K], of length 1."""

    places: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]


@dataclass(frozen=True)
class NgramVocabulary:
    """The n-grams that count: uint32 `hashes` [V], rising, and how rare each is, float32 `rarity` [V]."""

    hashes: HashArray
    rarity: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.hashes)

    def row(self, text: str) -> NgramRow:
        """Weigh a text's n-grams: (1 + ln count) x rarity, scaled to length 1; unknown ones do not count."""
        found, counts = np.unique(hash_ngrams(text), return_counts=True)
        if not len(found) or not len(self.hashes):
            return NgramRow(np.empty(0, np.int64), np.empty(0, np.float32))
        places = np.minimum(np.searchsorted(self.hashes, found), len(self.hashes) - 1)
        known = self.hashes[places] == found
        places, times = places[known], counts[known].astype(np.float32)
        weights = (1 + np.log(times)) * self.rarity[places]
        length = math.sqrt(float(weights @ weights)) or 1.0
        return NgramRow(places, (weights / length).astype(np.float32))


def build_vocabulary(texts: Sequence[str]) -> NgramVocabulary:
    """Keep the n-grams of at least `MIN_TEXTS` texts, at most `MAX_NGRAMS`, the frequent ones first.

    Of very many texts a regular part is read, so that memory stays bounded. Rarity is smoothed inverse document
    frequency, `ln((1 + N) / (1 + n)) + 1`.
    """
    step = max(1, len(texts) // VOCABULARY_TEXTS)
    texts_with: Counter[int] = Counter()
    total = 0
    for text in texts[::step]:
        total += 1
        texts_with.update(np.unique(hash_ngrams(text)).tolist())
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
