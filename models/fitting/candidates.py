"""What a head is fitted on and chooses among, between `head_rows`, `fit` and recipes. Knows no fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from models.fitting.logistic import Features
from models.heads import Float32Array, LinearWeights
from models.labels import HeadSpec
from models.schemas import BoolArray

FeatureName = Literal["embedding", "embedding+ngrams"]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Candidate:
    """One way to fit a head.

    Args:
        features: what it reads.
        inverse_penalty: how much it trusts the rows (scikit-learn's C).
    """

    features: FeatureName
    inverse_penalty: float

    def __str__(self) -> str:
        """As reports and pages name it."""
        reads = self.features.replace("+ngrams", " and n-grams")
        return f"{reads}, penalty 1/{self.inverse_penalty:g}"


# Simplest first. C = 10 suits the embedding (facts of several data sets); n-grams bear more trust on long texts.
CANDIDATES = (
    Candidate("embedding", 10.0),
    Candidate("embedding+ngrams", 10.0),
    Candidate("embedding+ngrams", 30.0),
)


@dataclass(frozen=True)
class HeadRows:
    """The rows that answer one head.

    Args:
        spec: the head.
        features: of all rows, those for choosing included.
        targets: float32 [N, L] of 0 and 1.
        learn: places of the rows that the final weights are fitted on.
        trials: pairs of places: fit on the first, choose on the second.
        allowed: the labels that each row may get, bool [N, L], by its tenant's schema; None: all.
    """

    spec: HeadSpec
    features: Features
    targets: Float32Array
    learn: IntArray
    trials: Sequence[tuple[IntArray, IntArray]]
    allowed: BoolArray | None = None


Judge = Callable[[Candidate], float]
Search = Callable[[Judge], None]


@dataclass(frozen=True)
class HeadWishes:
    """What one head is asked for beside its rows.

    Args:
        start: weights to begin the last fit with, of the previous version.
        target_precision: the head answers alone only where it reaches this; None: always.
        out_of_scope_label: the head's label for what belongs to none.
        search: has more candidates judged, given the way to; None: there are no more.
    """

    start: LinearWeights | None = None
    target_precision: float | None = None
    out_of_scope_label: str | None = None
    search: Search | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """How a head was chosen: for the report. `scores` holds each candidate's figure on the rows for choosing.

    The figure is the mean of accuracy and macro F1 (multi-class) or micro F1 at its best threshold. `warm_started`: the
    weights that serve were fitted from those of the previous version on.
    """

    features: FeatureName
    inverse_penalty: float
    temperature: float
    chosen_on_rows: int
    scores: dict[str, float]
    warm_started: bool = False
