"""How far confidences can be trusted: confidences and right answers in, reliability and the price of precision out."""

import numpy as np
import numpy.typing as npt

from models.evaluation.figures import CoveragePoint, ReliabilityBin, TargetCost
from models.evaluation.metrics import CALIBRATION_BINS
from models.fitting.abstention import choose_threshold

TARGETS = (0.9, 0.95, 0.99)
CURVE_POINTS = 100
Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def reliability(sure: Float64Array, right: BoolArray) -> tuple[ReliabilityBin, ...]:
    """Bins of equal width over confidences [D]; empty ones are left out (Niculescu-Mizil and Caruana 2005)."""
    bins = np.minimum((sure * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    confidences = np.bincount(bins, sure, CALIBRATION_BINS)
    hits = np.bincount(bins, right.astype(np.float64), CALIBRATION_BINS)
    return tuple(
        ReliabilityBin(
            low=place / CALIBRATION_BINS,
            high=(place + 1) / CALIBRATION_BINS,
            answers=int(counts[place]),
            confidence=float(confidences[place] / counts[place]),
            accuracy=float(hits[place] / counts[place]),
        )
        for place in np.flatnonzero(counts).tolist()
    )


def coverage_curve(sure: Float64Array, right: BoolArray) -> tuple[CoveragePoint, ...]:
    """Precision by coverage, surest first; answers of equal confidence enter together; at most 100 points."""
    if not len(sure):
        return ()
    order = np.argsort(-sure, kind="stable")
    ordered, hits = sure[order], np.cumsum(right[order].astype(np.float64))
    ends = np.flatnonzero(np.append(ordered[1:] < ordered[:-1], True))
    wanted = np.unique(np.linspace(0, len(ends) - 1, CURVE_POINTS).round().astype(np.int64))
    return tuple(
        CoveragePoint(
            threshold=float(ordered[end]),
            coverage=(end + 1) / len(ordered),
            precision=float(hits[end]) / (end + 1),
        )
        for end in ends[wanted].tolist()
    )


def target_costs(sure: Float64Array, right: BoolArray) -> tuple[TargetCost, ...]:
    """What 90, 95 and 99 % precision would cost in coverage on these rows."""
    costs: list[TargetCost] = []
    for target in TARGETS:
        found = choose_threshold(sure, right, target)
        costs.append(
            TargetCost(
                target=target,
                threshold=found.threshold,
                coverage=found.coverage,
                precision=found.precision,
            )
        )
    return tuple(costs)
