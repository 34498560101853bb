"""One head's answers beside the truth, column by column, as the figures need them; from rows and answers of serving."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.heads import HeadAnswer
from models.labels import HeadKind, TrainingRow
from models.rows.dataset import answer_of

Labels = tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """N rows that say something about a head.

    Args:
        kind: of the head.
        rows: the rows themselves, for ids, languages and tenants.
        truth, given: their labels; a multi-class row has one of each, or an empty word.
        confidences: of the given labels.
        abstained: whether the answer was not to be acted on.
    """

    kind: HeadKind
    rows: Sequence[TrainingRow]
    truth: Sequence[Labels]
    given: Sequence[Labels]
    confidences: Sequence[tuple[float, ...]]
    abstained: Sequence[bool]

    def __len__(self) -> int:
        return len(self.rows)

    def is_right(self) -> npt.NDArray[np.bool_]:
        """Rows whose given labels are exactly the true ones, bool [N]."""
        pairs = zip(self.truth, self.given, strict=True)
        return np.array([set(wanted) == set(got) for wanted, got in pairs], np.bool_)

    def at(self, places: Sequence[int]) -> "Measured":
        """Some of the rows."""
        return Measured(
            self.kind,
            [self.rows[place] for place in places],
            [self.truth[place] for place in places],
            [self.given[place] for place in places],
            [self.confidences[place] for place in places],
            [self.abstained[place] for place in places],
        )

    def decisions(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], list[int]]:
        """What was said with a confidence: float64 [D], whether it is right, bool [D], and the row that it is of.

        Multi-class: the one answer of each row. Multi-label: each label given, because it is right or wrong by itself.
        """
        sure: list[float] = []
        right: list[bool] = []
        places: list[int] = []
        for place, (wanted, got, chances) in enumerate(
            zip(self.truth, self.given, self.confidences, strict=True)
        ):
            for label, chance in zip(got, chances, strict=True):
                sure.append(chance)
                right.append(label in wanted)
                places.append(place)
        # By confidence: sums of floats depend on their order, and the order of rows must not change a figure.
        order = np.lexsort((right, sure))
        return (
            np.array(sure, np.float64)[order],
            np.array(right, np.bool_)[order],
            [places[place] for place in order.tolist()],
        )


def measure(
    rows: Sequence[TrainingRow], answers: Sequence[Mapping[str, HeadAnswer]], head: str
) -> Measured | None:
    """The rows that say something about a head and that it answered; None: there is none."""
    kept: list[TrainingRow] = []
    truth: list[Labels] = []
    given: list[HeadAnswer] = []
    for row, answer in zip(rows, answers, strict=True):
        wanted = answer_of(row, head)
        if wanted is not None and head in answer:
            kept.append(row)
            truth.append(wanted)
            given.append(answer[head])
    if not kept:
        return None
    kind = given[0].kind
    shown = [answer.labels[:1] if kind == "multiclass" else answer.labels for answer in given]
    if kind == "multiclass":
        # A row may bring a list for a head of one label: the first, or nothing, is compared.
        truth = [wanted[:1] or ("",) for wanted in truth]
        shown = [labels or (("", 0.0),) for labels in shown]
    return Measured(
        kind,
        kept,
        truth,
        [tuple(label for label, _ in labels) for labels in shown],
        [tuple(chance for _, chance in labels) for labels in shown],
        [answer.abstained for answer in given],
    )
