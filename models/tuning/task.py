"""What an encoder is tuned on: token ids, and per head the answers and the weights to start from. Knows no torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.heads import Float32Array, LinearWeights
from models.labels import HeadKind

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TuneHead:
    """One head over all N rows.

    Args:
        name, kind: of the head.
        targets: float32 [N, L] of 0 and 1; a row that does not answer has zeros.
        known: bool [N]: rows that answer the head; the others do not count in its loss.
        taught: float32 [N, L]: what heads of the untuned encoder say of a row that they did not learn from; `targets`
            where nothing is said.
        weight: of its loss.
        start: dense weights that were fitted on the untuned embeddings of `TuneTask.learn`.
    """

    name: str
    kind: HeadKind
    targets: Float32Array
    known: BoolArray
    taught: Float32Array
    weight: float
    start: LinearWeights


@dataclass(frozen=True)
class TuneTask:
    """Rows for tuning.

    Args:
        ids: token ids of N rows, special tokens included, as the encoder reads them.
        heads: at least one.
        learn: places of the rows that are learned from; each answers a head with a weight above 0.
        check: places of rows that neither encoder nor heads see; for the figures of each epoch.
    """

    ids: Sequence[Sequence[int]]
    heads: Sequence[TuneHead]
    learn: IntArray
    check: IntArray

    def rows(self, places: IntArray) -> list[Sequence[int]]:
        """The token ids of some rows, in the order of `places`."""
        return [self.ids[place] for place in places.tolist()]

    def known(self, places: IntArray) -> BoolArray:
        """Which of the rows answer which head, bool [len(places), heads]."""
        return np.stack([head.known[places] for head in self.heads], axis=1)
