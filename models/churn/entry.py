"""What a manifest says about a churn model: `ChurnEntry`, for `models.manifest` and `models.churn.model`. Only data."""

from typing import Literal, get_args

import msgspec

from models.churn.vectors import FeatureSpace

CandidateName = Literal["forest", "boosting", "logistic"]
CANDIDATES: tuple[CandidateName, ...] = get_args(CandidateName)


class ChurnEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One churn model; its graph is `churn.onnx`.

    Args:
        space: what the columns of a vector are.
        candidate: what kind of model the graph holds.
        settings: it was fitted with.
        slope, intercept: of its calibration: probability = sigmoid(slope * logit(raw) + intercept).
        alarm_from: the probability from which on F1 was best, on rows that the weights did not see.
        projection: name of the matrix in `churn.safetensors` that shortens embeddings; None: they are summed whole.
        figures: the main ones, from calls kept back.
    """

    space: FeatureSpace
    candidate: CandidateName
    settings: dict[str, float]
    slope: float
    intercept: float
    alarm_from: float
    projection: str | None
    figures: dict[str, float]
