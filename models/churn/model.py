"""Runs a churn model: embeddings to what a call sums up, vectors of calls to calibrated probabilities.

For `models.bundle` and, through it, for the fold. Knows the feature space and one ONNX session; no calls, no Kafka.
"""

from typing import Any, cast

import numpy as np

from models.churn.entry import ChurnEntry
from models.churn.sums import Int64Array, to_fixed
from models.heads import Float32Array, Float64Array
from models.runtime import InferenceError, RuntimeUnavailableError

CHURN_NAME = "churn.onnx"
TENSORS_NAME = "churn.safetensors"
INPUT_NAME = "vectors"
OUTPUT_NAME = "probability"

# A hundred trees that agree say "0 of 100", not "never": nearer to 0 or 1 than this no raw score is believed.
LEAST_RAW = 0.001


class ChurnModel:
    """One churn model. Thread-safe: nothing in it changes.

    Args:
        entry: what the manifest says.
        graph: content of `churn.onnx`.
        projection: float32 [H, D]; None: embeddings are summed as they are.

    Raises:
        ValueError: graph, projection and feature space do not belong together.
        RuntimeUnavailableError: ONNX Runtime is not installed.
    """

    def __init__(
        self, entry: ChurnEntry, graph: bytes, projection: Float32Array | None = None
    ) -> None:
        self.entry = entry
        self.space = entry.space
        self.projection = projection
        if projection is not None and projection.shape[1:] != (self.space.size,):
            raise ValueError(
                f"the projection has shape {list(projection.shape)}, the feature space {self.space.size} numbers "
                "for an embedding"
            )
        self._session = open_graph(graph)
        (given,) = self._session.get_inputs()
        if given.shape[1] != len(self.space.columns):
            raise ValueError(
                f"{CHURN_NAME} reads {given.shape[1]} columns, the feature space has {len(self.space.columns)}"
            )

    def project(self, embeddings: Float32Array) -> Int64Array:
        """What a call adds up: embeddings float32 [B, H], finite, -> fixed point int64 [B, D].

        A model that hears nobody sums nothing: [B, 0].

        Raises:
            ValueError: the embeddings have another length than the model was trained on.
        """
        if not self.space.textual:
            return np.zeros((len(embeddings), self.space.size), np.int64)
        found = fixed_of(embeddings, self.projection)
        if found.shape[1] != self.space.size:
            raise ValueError(
                f"embeddings of {found.shape[1]} numbers, the model sums {self.space.size}; this is a bug"
            )
        return found

    def probabilities(self, vectors: Float32Array) -> Float64Array:
        """Calibrated probabilities float64 [B] of vectors float32 [B, F], as the feature space makes them.

        Raises:
            InferenceError: the run failed.
        """
        if not len(vectors):
            return np.zeros(0, np.float64)
        try:
            raw: Float32Array = self._session.run([OUTPUT_NAME], {INPUT_NAME: vectors})[0]
        except Exception as error:  # ONNX Runtime's errors share no base but this
            raise InferenceError(
                f"{type(error).__name__} of {CHURN_NAME} on {list(vectors.shape)}: {error}"
            ) from error
        return calibrated(raw, self.entry.slope, self.entry.intercept)


def fixed_of(embeddings: Float32Array, projection: Float32Array | None) -> Int64Array:
    """Embeddings float32 [B, H], shortened by a matrix [H, D] where there is one, in fixed point int64 [B, D]."""
    if projection is None:
        return to_fixed(embeddings)
    # In float64, so that batch-mates make no difference that would survive the rounding.
    return to_fixed((embeddings.astype(np.float64) @ projection).astype(np.float32))


def calibrated(raw: Float32Array | Float64Array, slope: float, intercept: float) -> Float64Array:
    """Raw probabilities -> calibrated ones, float64 of the same shape (Platt 1999, on the logit)."""
    return 1 / (1 + np.exp(-(slope * logit(raw) + intercept)))


def logit(raw: Float32Array | Float64Array) -> Float64Array:
    """The logit of raw probabilities, none nearer to 0 or 1 than `LEAST_RAW`."""
    kept = raw.astype(np.float64).clip(LEAST_RAW, 1 - LEAST_RAW)
    return np.log(kept / (1 - kept))


def open_graph(graph: bytes) -> Any:
    """A session on one thread of the CPU, for `ChurnModel` and the comparison after an export.

    Raises:
        ValueError: the bytes are no graph.
        RuntimeUnavailableError: ONNX Runtime is not installed.
    """
    try:
        import onnxruntime as ort  # noqa: PLC0415  # comes with an extra: the message must say which
    except ImportError as error:
        raise RuntimeUnavailableError(
            "ONNX Runtime is not installed: pip install 'switchboard-classifier[cpu]' (or [gpu], never both)"
        ) from error
    options = cast("Any", ort).SessionOptions()
    options.log_severity_level = 3  # what goes wrong is our error to tell
    # A batch is a few microseconds of work: threads would cost more than they bring, a GPU likewise.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        return cast("Any", ort).InferenceSession(graph, options, ["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no base but this
        raise ValueError(
            f"{CHURN_NAME} cannot be opened: {type(error).__name__}: {error}"
        ) from error
