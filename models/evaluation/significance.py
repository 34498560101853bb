"""Whether a difference may be chance: counts of rows in, probabilities out. Without SciPy: approving has none."""

import math
from collections.abc import Sequence

SIGNIFICANCE = 0.05


def mcnemar(only_before: int, only_after: int) -> float:
    """The two-sided mid-p McNemar test: how likely such a difference is if both models are equally often right.

    Args:
        only_before: rows that only the first model gets right.
        only_after: rows that only the second one does. Rows on which both agree say nothing.

    Returns:
        The exact binomial probability less half the probability of the observed counts: the exact test alone is too
        cautious with few rows; the mid-p stays near its level.

    Source: Q. McNemar, Psychometrika 12 (1947); mid-p: Fagerland, Lydersen and Laake, "The McNemar test for binary
        matched-pairs data", BMC Medical Research Methodology 13:91 (2013).
    """
    total, fewer = only_before + only_after, min(only_before, only_after)
    if only_before == only_after:
        return 1.0
    tail = math.fsum(_chance(total, count) for count in range(fewer + 1))
    return min(1.0, 2 * tail - _chance(total, fewer))


def holm(chances: Sequence[float]) -> list[float]:
    """Probabilities adjusted for how many questions were asked, in the order given (Holm 1979)."""
    adjusted = [1.0] * len(chances)
    least = 0.0
    for asked, place in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        least = max(least, min(1.0, (len(chances) - asked) * chances[place]))
        adjusted[place] = least
    return adjusted


def _chance(total: int, count: int) -> float:
    """Of `count` heads in `total` tosses of a fair coin; in logarithms, or a thousand tosses underflow."""
    ways = math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
    return math.exp(ways - total * math.log(2))
