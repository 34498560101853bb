"""Embeddings of whole calls in, vectors of their beginnings out: what a model learns from is what it is served.

A call gives a row after 0, 1, 2, 4, 8, … fragments and at its end. Each comes from the sums that the live fold would
hold then, by `FeatureSpace.vectors` itself. Knows no encoder and no outcome.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.churn.vectors import CallSums, Features, FeatureSpace
from models.heads import Float32Array, Float64Array
from models.schemas import BoolArray

IntArray = npt.NDArray[np.int64]
_CHUNK_ROWS = 1 << 12


@dataclass(frozen=True, eq=False)
class SpokenCall:
    """A call as numbers, fragments by rising `seq`.

    Args:
        fixed: embeddings in fixed point, any integers [N, D]; int32 holds one. N is 0 where nobody spoke.
        is_customer: whose each fragment is, bool [N].
        features: the profile; None: unknown.
    """

    fixed: npt.NDArray[np.integer]
    is_customer: BoolArray
    features: Features | None


@dataclass(frozen=True, eq=False)
class Prefixes:
    """Rows of beginnings of calls, in the order of the calls and growing in each.

    Args:
        vectors: float32 [R, F].
        calls: place of each row's call, int64 [R].
        fragments: how many were heard, int64 [R].
        is_end: the whole call was heard, bool [R].
        is_masked: its profile was taken away, bool [R].
        weights: 1 over the rows of the call, float64 [R]: a call counts once, however long it is.
    """

    vectors: Float32Array
    calls: IntArray
    fragments: IntArray
    is_end: BoolArray
    is_masked: BoolArray
    weights: Float64Array


def prefix_lengths(fragments: int) -> list[int]:
    """After how many fragments of a call it is looked at: 0, the powers of 2 below its length, and its length."""
    powers = (1 << power for power in range(fragments.bit_length()))
    return [0, *(power for power in powers if power < fragments), *[fragments] * (fragments > 0)]


def make_prefixes(
    space: FeatureSpace, calls: Sequence[SpokenCall], masked_share: float = 0.0, seed: int = 0
) -> Prefixes:
    """The rows of all calls; of a model that hears nobody one row each, its end.

    Args:
        space: what the columns are.
        calls: to learn from or to measure on.
        masked_share: of the rows whose profile is taken away, so that an unknown profile is a known case.
        seed: of the choice of those rows.
    """
    lengths = [
        prefix_lengths(len(one.fixed)) if space.textual else [len(one.fixed)] for one in calls
    ]
    counts = np.array([len(own) for own in lengths], np.int64)
    of_call = np.repeat(np.arange(len(calls)), counts)
    fragments = np.array([length for own in lengths for length in own], np.int64)
    is_masked = np.random.default_rng(seed).random(len(of_call)) < masked_share
    vectors = np.zeros((len(of_call), len(space.columns)), np.float32)
    rows: list[tuple[Features | None, CallSums]] = []
    begin = 0
    for one, own in zip(calls, lengths, strict=True):
        for sums in sums_after(one, own, space.size):
            place = begin + len(rows)
            rows.append((None if is_masked[place] else one.features, sums))
        if len(rows) >= _CHUNK_ROWS:
            vectors[begin : begin + len(rows)] = space.vectors(rows)
            begin, rows = begin + len(rows), []
    vectors[begin:] = space.vectors(rows)
    whole = np.array([len(one.fixed) for one in calls], np.int64)
    return Prefixes(
        vectors, of_call, fragments, fragments == whole[of_call], is_masked, 1 / counts[of_call]
    )


def sums_after(call: SpokenCall, lengths: Sequence[int], size: int) -> Iterator[CallSums]:
    """What the call has summed up after its first fragments, for each of `lengths`, rising."""
    totals = {side: np.zeros(size, np.int64) for side in (True, False)}
    counts = {True: 0, False: 0}
    begin = 0
    for end in lengths:
        new, said = call.fixed[begin:end], call.is_customer[begin:end]
        for side in (True, False):
            picked = new[said == side]  # [N, D] -> [M, D]
            totals[side] = totals[side] + picked.sum(axis=0, dtype=np.int64)
            counts[side] += len(picked)
        yield CallSums(totals[True], totals[False], counts[True], counts[False])
        begin = end
