"""How sure a head must be to answer alone: confidences and right answers in, a threshold and what it costs out.

For `fit` (on rows that neither encoder nor head learned from) and `models.evaluation`. NumPy alone; knows no
model and no file.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

NEVER_ALONE = 2.0  # a threshold that no probability reaches
ONE_SIDED_95 = 1.6448536269514722  # standard normal quantile
FALSE_ALARM_SHARE = 0.05


@dataclass(frozen=True)
class Abstention:
    """A threshold: an answer whose confidence is below it is not acted on.

    Args:
        threshold: 0: every answer is given; above 1: none is.
        coverage: share of the rows that it was chosen on that are answered.
        precision: share of these answers that are right; 1 where none is given.
    """

    threshold: float
    coverage: float
    precision: float


def choose_threshold(
    confidences: npt.ArrayLike, is_right: npt.ArrayLike, target_precision: float
) -> Abstention:
    """The threshold that answers most rows while precision reaches the target, with 95 % certainty.

    What must reach the target is not the observed share of right answers but the lower end of its one-sided 95 %
    Wilson interval: 20 right answers of 20 do not prove 95 %, 52 of 52 do. So a target costs more coverage on few
    rows, and a head with too few to tell never answers alone. The choice among thresholds is not corrected for.

    Args:
        confidences: float64 [M], in [0, 1], of answers to rows that were not learned from.
        is_right: bool [M].
        target_precision: above 0 and below 1.

    Returns:
        The threshold is one of the confidences, 0 when all rows may be answered, `NEVER_ALONE` when no threshold
        reaches the target.

    Raises:
        ValueError: the target is no share.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927);
        selective answers with a bound on the error: Geifman and El-Yaniv, NeurIPS 2017, section 3.
    """
    if not 0 < target_precision < 1:
        raise ValueError(f"target_precision={target_precision} is no share; use e.g. 0.95")
    sure = np.asarray(confidences, np.float64)
    order = np.argsort(-sure, kind="stable")
    sure, right = sure[order], np.cumsum(np.asarray(is_right, np.float64)[order])
    answered = np.arange(1, len(sure) + 1)
    # Rows of equal confidence are answered together or not at all.
    is_end = np.append(sure[1:] < sure[:-1], True)[: len(sure)]
    fits = np.flatnonzero(is_end & (wilson_lower(right, answered) >= target_precision))
    if not len(fits):
        return Abstention(NEVER_ALONE, 0.0, 1.0)
    last = int(fits[-1])
    threshold = 0.0 if last == len(sure) - 1 else float(sure[last])
    return Abstention(threshold, (last + 1) / len(sure), float(right[last]) / (last + 1))


def false_alarm_threshold(
    in_scope: npt.ArrayLike, out_of_scope: npt.ArrayLike, share: float = FALSE_ALARM_SHARE
) -> tuple[float, float]:
    """The threshold below which at most a share of the in-scope rows fall, and the out-of-scope rows it catches.

    Args:
        in_scope: float64 [M], confidences of rows that the head should answer.
        out_of_scope: float64 [K], of rows that it should not.
        share: of in-scope rows that may be refused by mistake: false alarms.

    Returns:
        The threshold (0 without in-scope rows), and the share of `out_of_scope` below it (0 without such rows).
    """
    inside = np.sort(np.asarray(in_scope, np.float64))
    if not len(inside):
        return 0.0, 0.0
    # At most floor(share * M) values lie strictly below the one at that place. The sum is rounded against 0.05 * 100
    # coming out below 5.
    threshold = float(inside[min(int(share * len(inside) + 1e-9), len(inside) - 1)])
    outside = np.asarray(out_of_scope, np.float64)
    return threshold, float((outside < threshold).mean()) if len(outside) else 0.0


def wilson_lower(
    right: npt.NDArray[Any], answered: npt.NDArray[Any], z: float = ONE_SIDED_95
) -> npt.NDArray[np.float64]:
    """The lower end of Wilson's interval for `right` of `answered` (above 0), float64, in their shape."""
    share = right / answered
    squared = z * z / answered
    spread = z * np.sqrt(share * (1 - share) / answered + squared / (4 * answered))
    return (share + squared / 2 - spread) / (1 + squared)
