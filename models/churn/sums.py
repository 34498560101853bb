"""Embeddings of fragments in, sums in fixed point out: what a call keeps of what was said.

Integers, because float32 sums depend on the order of their terms (4e-6 for 384 numbers), and fragments come late, twice
and out of order. Knows neither calls nor models.
"""

import numpy as np
import numpy.typing as npt

from models.heads import Float32Array

Int64Array = npt.NDArray[np.int64]

# Steps per unit: an embedding has length 1, so a rounding error is at most 4.8e-7 a number, and 32 bits hold the sum of
# 2,047 fragments even if each were the same unit vector.
SCALE = 2**20


def to_fixed(embeddings: Float32Array) -> Int64Array:
    """Embeddings, finite, [..., D] -> int64 of the same shape."""
    return np.rint(embeddings.astype(np.float64) * SCALE).astype(np.int64)


def mean_of(total: Int64Array, count: int) -> Float32Array:
    """The mean of `count` embeddings from their sum, [D] -> float32 [D]; zeros where there was none."""
    return (total / (SCALE * max(1, count))).astype(np.float32)


def pack(total: Int64Array) -> bytes:
    """A sum as bytes, little-endian: 4 a number where all fit, else 8."""
    fits = np.abs(total).max(initial=0) < 2**31
    return total.astype("<i4" if fits else "<i8").tobytes()


def unpack(data: bytes, size: int) -> Int64Array:
    """The sum of `size` numbers that `pack` wrote.

    Raises:
        ValueError: the bytes hold another number of numbers.
    """
    if len(data) not in (4 * size, 8 * size):
        raise ValueError(
            f"a sum of {size} numbers has {4 * size} or {8 * size} bytes, not {len(data)}"
        )
    return np.frombuffer(data, "<i4" if len(data) == 4 * size else "<i8").astype(np.int64)
