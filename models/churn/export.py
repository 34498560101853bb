"""Writes a fitted model as `churn.onnx` and proves that the graph answers like the model; for `fit`'s caller.

skl2onnx can leave columns out without a word (it does so with the indicators of SimpleImputer), so no graph leaves this
room before it was compared. Needs the extra `churn`.
"""

from typing import Any, cast

import numpy as np
import skl2onnx
from onnx import ModelProto, helper
from skl2onnx.common.data_types import FloatTensorType

from models.churn.boosting_graph import write_boosting
from models.churn.candidates import Candidate
from models.churn.model import INPUT_NAME, OUTPUT_NAME, open_graph
from models.churn.vectors import CallSums, Features, FeatureSpace
from models.heads import Float32Array, Float64Array
from models.rows.errors import DatasetError

LARGEST_DIFFERENCE = 1e-5
_OPSET = {"": 17, "ai.onnx.ml": 3}


def export_graph(candidate: Candidate, estimator: Any, probe: Float32Array) -> bytes:
    """The graph's bytes: vectors float32 [B, F] -> probability float32 [B], not calibrated.

    Args:
        candidate: what was fitted.
        estimator: fitted on float32.
        probe: float32 [N, F], rows on which both must agree within 1e-5; edge rows among them (`edge_rows`).

    Raises:
        DatasetError: names the candidate, the difference and the way out.
    """
    columns = probe.shape[1]
    try:
        model = (
            write_boosting(estimator, columns)
            if candidate.name == "boosting"
            else _converted(estimator, columns)
        )
        graph = model.SerializeToString(deterministic=True)
        found = run_graph(graph, probe)
    except (ValueError, RuntimeError) as error:
        raise DatasetError(
            f"candidate {candidate.name} cannot be written as ONNX: {error}; install the versions of scikit-learn and "
            "skl2onnx that pip install 'switchboard-classifier[churn]' brings"
        ) from error
    with np.errstate(
        all="ignore"
    ):  # scikit-learn adds the largest numbers up to see whether they are any
        wanted: Float64Array = estimator.predict_proba(probe)[:, 1]
    difference = float(np.abs(found - wanted).max())
    if not difference <= LARGEST_DIFFERENCE:  # also true for NaN
        row = int(np.argmax(np.abs(found - wanted)))
        raise DatasetError(
            f"candidate {candidate.name}: its ONNX graph says {found[row]:.6f} where scikit-learn says "
            f"{wanted[row]:.6f} (row {row} of {len(probe)}), more than {LARGEST_DIFFERENCE} apart; "
            "install the versions of scikit-learn and skl2onnx that the extra `churn` names"
        )
    return graph


def edge_rows(space: FeatureSpace) -> Float32Array:
    """Rows that no training row looks like: nothing known, unknown categories, numbers as large as they come."""
    silent = CallSums.empty(space.size)
    full = np.full(space.size, 2**20, np.int64)
    loud = CallSums(full * 1_000, -full * 1_000, 1_000, 1_000)
    numbers = (0.0, 1e9, -1e9, 3e38, -3e38)
    profiles: list[Features | None] = [None, {}]
    profiles += [dict.fromkeys(space.categorical, "never seen before")]
    profiles += [dict.fromkeys(space.numerical, number) for number in numbers]
    return space.vectors([(one, call) for one in profiles for call in (silent, loud)])


def run_graph(graph: bytes, vectors: Float32Array) -> Float32Array:
    """Raw probabilities float32 [B] of a graph."""
    return cast("Float32Array", open_graph(graph).run([OUTPUT_NAME], {INPUT_NAME: vectors})[0])


def _converted(estimator: Any, columns: int) -> ModelProto:
    """skl2onnx's graph, its output cut down to the probability of churn."""
    model: Any = cast("Any", skl2onnx).convert_sklearn(
        estimator,
        name="churn",  # else one by chance, and no two runs are equal
        initial_types=[(INPUT_NAME, FloatTensorType([None, columns]))],
        options={id(estimator): {"zipmap": False}},
        target_opset=_OPSET,
    )
    graph = model.graph
    both = next(one.name for one in graph.output if one.name != "label" and "label" not in one.name)
    place = helper.make_tensor("churned", 7, [], [1])  # 7: INT64
    graph.initializer.append(place)
    graph.node.append(
        helper.make_node("Gather", [both, "churned"], [OUTPUT_NAME], axis=1)
    )  # [B, 2] -> [B]
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(OUTPUT_NAME, 1, [None]))  # 1: FLOAT
    return model
