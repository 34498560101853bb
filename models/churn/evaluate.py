"""Measures a churn model on calls kept back: its answers in, figures with bootstrap intervals out, for the report.

The main figures are those at the end of each call; how early a model is right is told by the same calls after 1, 2, 4
and 8 fragments, a shorter call standing at its end. Calls are drawn again for the intervals, never fragments.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from models.churn.answers import ChurnAnswer
from models.churn.calibration import BoolArray
from models.churn.metrics import (
    CALIBRATION_BINS,
    Ranking,
    brier,
    calibration_error,
    log_losses,
    reliability,
    threshold_figures,
)
from models.evaluation.figures import ReliabilityBin
from models.evaluation.resampling import RESAMPLES, Interval, interval_of
from models.heads import Float64Array

EARLY = (0, 1, 2, 4, 8)
PRECISIONS = (0.5, 0.8, 0.9)
_AT_ONCE = 100  # samples in memory


class EarlyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How right the model is when so much was heard.

    Args:
        fragments: heard; None: the whole call.
        calls: at least so long.
        roc_auc, interval, log_loss: over all calls.
    """

    fragments: int | None
    calls: int
    roc_auc: float
    interval: Interval
    log_loss: float


class ChurnFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the model is worth.

    Args:
        calls, churned: measured on, and how many of them left.
        alarm_from: the probability from which on it says "leaves"; chosen on other calls.
        figures: at the end of each call; `accuracy`, `f1`, `precision` and `recall` from `alarm_from` on, and
            `…_at_half` from 0.5 on; `recall_at_precision_…` is read off these calls.
        intervals: 95 % bootstrap, for the same names but `calibration_error`.
        reliability: bins of probabilities, over all that were given, each call weighing 1.
        early: by what was heard; empty where no call is heard.
    """

    calls: int
    churned: int
    alarm_from: float
    figures: dict[str, float]
    intervals: dict[str, Interval]
    reliability: tuple[ReliabilityBin, ...]
    early: tuple[EarlyFigures, ...]

    def main(self) -> dict[str, float]:
        """The figures that a manifest keeps."""
        names = ("roc_auc", "pr_auc", "f1", "recall", "accuracy", "brier", "log_loss")
        return {name: round(self.figures[name], 4) for name in names}


def measure_churn(answers: Sequence[ChurnAnswer], alarm_from: float, seed: int = 0) -> ChurnFigures:
    """Figures of answers, of which some left and some stayed.

    Args:
        answers: a call each.
        alarm_from: as training chose it.
        seed: of the bootstrap.
    """
    churned = np.array([one.churned for one in answers], np.bool_)
    end = np.array([one.probabilities[-1] for one in answers])
    own, drawn = _with_samples(_figures_of(end, churned, alarm_from), len(answers), seed)
    return ChurnFigures(
        calls=len(answers),
        churned=int(churned.sum()),
        alarm_from=alarm_from,
        figures={
            **own,
            "calibration_error": calibration_error(end, churned, np.ones(len(end))),
        },
        intervals={name: interval_of(values) for name, values in drawn.items()},
        reliability=_reliability(answers),
        early=_early(answers, churned, seed),
    )


Figures = Callable[[Float64Array], dict[str, Float64Array]]


def _figures_of(chances: Float64Array, churned: BoolArray, alarm_from: float) -> Figures:
    ranking, losses = Ranking.of(chances, churned), log_losses(chances, churned)

    def figures(weights: Float64Array) -> dict[str, Float64Array]:
        found = {
            "roc_auc": ranking.roc_auc(weights),
            "pr_auc": ranking.pr_auc(weights),
            "brier": brier(chances, churned, weights),
            "log_loss": weights @ losses / weights.sum(axis=1),
        }
        found |= threshold_figures(chances, churned, weights, alarm_from)
        at_half = threshold_figures(chances, churned, weights, 0.5)
        found |= {f"{name}_at_half": values for name, values in at_half.items()}
        return found | {
            f"recall_at_precision_{least}": ranking.recall_at(least, weights)
            for least in PRECISIONS
        }

    return figures


def _with_samples(
    figures: Figures, calls: int, seed: int
) -> tuple[dict[str, float], dict[str, Float64Array]]:
    """The figures of the calls themselves, and of calls drawn with replacement; samples of one class are left out."""
    own = {name: float(values[0]) for name, values in figures(np.ones((1, calls))).items()}
    draw = np.random.default_rng(seed)
    shares = np.full(calls, 1 / calls)
    parts = [
        figures(draw.multinomial(calls, shares, _AT_ONCE).astype(np.float64))
        for _ in range(RESAMPLES // _AT_ONCE)
    ]
    drawn = {name: np.concatenate([part[name] for part in parts]) for name in own}
    return own, {name: values[np.isfinite(values)] for name, values in drawn.items()}


def _reliability(answers: Sequence[ChurnAnswer]) -> tuple[ReliabilityBin, ...]:
    chances = np.array([chance for one in answers for chance in one.probabilities])
    counts = np.array([len(one.probabilities) for one in answers])
    churned = np.repeat([one.churned for one in answers], counts)
    bins = reliability(chances, churned, np.repeat(1 / counts, counts))
    return tuple(
        ReliabilityBin(
            low=int(min(said, 1 - 1e-9) * CALIBRATION_BINS) / CALIBRATION_BINS,
            high=(int(min(said, 1 - 1e-9) * CALIBRATION_BINS) + 1) / CALIBRATION_BINS,
            answers=round(weight),
            confidence=said,
            accuracy=left,
        )
        for weight, said, left in bins
    )


def _early(
    answers: Sequence[ChurnAnswer], churned: BoolArray, seed: int
) -> tuple[EarlyFigures, ...]:
    longest = max(one.fragments[-1] for one in answers)
    if not any(len(one.fragments) > 1 for one in answers):
        return ()
    found: list[EarlyFigures] = []
    for fragments in (*(count for count in EARLY if count < longest), None):
        heard = longest if fragments is None else fragments
        chances = np.array([one.after(heard) for one in answers])
        ranking, losses = Ranking.of(chances, churned), log_losses(chances, churned)

        def figures(weights: Float64Array, ranking: Ranking = ranking) -> dict[str, Float64Array]:
            return {"roc_auc": ranking.roc_auc(weights)}

        own, drawn = _with_samples(figures, len(answers), seed)
        found.append(
            EarlyFigures(
                fragments=fragments,
                calls=sum(one.fragments[-1] >= (fragments or 0) for one in answers),
                roc_auc=own["roc_auc"],
                interval=interval_of(drawn["roc_auc"]),
                log_loss=float(losses.mean()),
            )
        )
    return tuple(found)
