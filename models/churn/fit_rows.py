"""Turns examples into rows to fit on: beginnings of calls as vectors, with outcome, weight and customer, for `fit`.

Knows neither encoder nor candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.churn.calibration import BoolArray
from models.churn.features_file import FeatureLists
from models.churn.joining import Example
from models.churn.model import fixed_of
from models.churn.prefixes import IntArray, Prefixes, make_prefixes
from models.churn.spoken import Spoken, as_numbers
from models.churn.vectors import FeatureSpace
from models.heads import Float32Array, Float64Array

_CHUNK_TEXTS = 1 << 14


@dataclass(frozen=True, eq=False)
class FitRows:
    """Rows to learn from or to judge on.

    Args:
        vectors: float32 [R, F].
        churned: bool [R], both kinds.
        weights: float64 [R], 1 over the rows of a call.
        customers: whose each row is, int64 [R].
    """

    vectors: Float32Array
    churned: BoolArray
    weights: Float64Array
    customers: IntArray

    def at(self, places: IntArray) -> "FitRows":
        """Some of the rows."""
        return FitRows(
            self.vectors[places],
            self.churned[places],
            self.weights[places],
            self.customers[places],
        )

    def and_(self, other: "FitRows") -> "FitRows":
        """These rows and others, whose customers are numbered alike."""
        return FitRows(
            np.concatenate([self.vectors, other.vectors]),
            np.concatenate([self.churned, other.churned]),
            np.concatenate([self.weights, other.weights]),
            np.concatenate([self.customers, other.customers]),
        )


class CallRows:
    """The rows of examples, in one feature space.

    Args:
        lists: what to look at.
        examples: all.
        spoken: what is said in them.
        matrix: that shortens embeddings, [H, D]; None: they stay whole.
        known: places of the examples that the space may learn its means and categories from.
    """

    def __init__(
        self,
        lists: FeatureLists,
        examples: Sequence[Example],
        spoken: Spoken,
        matrix: Float32Array | None,
        known: Sequence[int],
    ) -> None:
        self._examples, self._spoken = examples, spoken
        self._fixed = _as_int32(spoken.embeddings, matrix)  # [U, H] -> [U, D]
        size = self._fixed.shape[1] if lists.textual else 0
        self.space = FeatureSpace.fit(lists, [examples[place].features for place in known], size)
        names = sorted({one.customer for one in examples})
        self._numbers = {name: place for place, name in enumerate(names)}

    def prefixes(self, places: Sequence[int], masked_share: float = 0.0) -> Prefixes:
        """Beginnings of some calls; of a model that hears nobody one row each."""
        calls = [
            as_numbers(self._examples[place], self._spoken.texts[place], self._fixed)
            for place in places
        ]
        return make_prefixes(self.space, calls, masked_share)

    def fit_rows(self, places: Sequence[int], masked: Sequence[int] = ()) -> FitRows:
        """The rows of some examples, and once more without their profile those of `masked`."""
        own = self._rows(places, 0.0)
        return own.and_(self._rows(masked, 1.0)) if masked else own

    def _rows(self, places: Sequence[int], masked_share: float) -> FitRows:
        made = self.prefixes(places, masked_share)
        churned = np.array([self._examples[place].churned for place in places], np.bool_)
        customers = np.array(
            [self._numbers[self._examples[place].customer] for place in places], np.int64
        )
        return FitRows(made.vectors, churned[made.calls], made.weights, customers[made.calls])


def _as_int32(embeddings: Float32Array, matrix: Float32Array | None) -> npt.NDArray[np.int32]:
    """All texts in fixed point, 32 bits hold one; by parts, for the 64 bits on the way would fill gigabytes."""
    parts = [
        fixed_of(embeddings[begin : begin + _CHUNK_TEXTS], matrix).astype(np.int32)
        for begin in range(0, max(1, len(embeddings)), _CHUNK_TEXTS)
    ]
    return np.concatenate(parts)
