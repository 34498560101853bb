"""Writes a fitted HistGradientBoostingClassifier as an ONNX graph, for `export`.

By hand, because skl2onnx 1.20 refuses the nodes of scikit-learn 1.9 ("Expected an int, got a boolean"). Thresholds
become the largest float32 that is not above them: then `x <= t` is the same for every float32 x. Needs the extra
`churn`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper

from models.churn.model import INPUT_NAME, OUTPUT_NAME
from models.heads import Float32Array, Float64Array

_OPSETS = (("", 17), ("ai.onnx.ml", 3))
_IR_VERSION = 8


def write_boosting(estimator: Any, columns: int) -> ModelProto:
    """The graph: vectors float32 [B, F] -> probability float32 [B]."""
    ensemble = _ensemble(estimator)
    flat = helper.make_tensor("flat", TensorProto.INT64, [1], [-1])
    rest = [
        helper.make_node("Reshape", ["score", "flat"], ["logit"]),  # [B, 1] -> [B]
        helper.make_node("Sigmoid", ["logit"], [OUTPUT_NAME]),
    ]
    graph = helper.make_graph(
        [ensemble, *rest],
        "churn",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, [None, columns])],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, [None])],
        [flat],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)


def _ensemble(estimator: Any) -> NodeProto:
    """All trees as one node: vectors -> score [B, 1]."""
    trees = [predictor[0].nodes for predictor in estimator._predictors]  # noqa: SLF001  # nothing public tells the trees
    nodes = np.concatenate(trees)
    sizes = [len(tree) for tree in trees]
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    is_leaf: npt.NDArray[np.bool_] = nodes["is_leaf"].astype(np.bool_)
    if nodes["is_categorical"].any():
        raise ValueError("a tree splits by category, which the graph cannot say; this is a bug")

    def ints(values: Any) -> list[int]:
        return [int(value) for value in values]

    return helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT_NAME],
        ["score"],
        domain="ai.onnx.ml",
        n_targets=1,
        base_values=[float(estimator._baseline_prediction.item())],  # noqa: SLF001  # the same
        nodes_treeids=ints(tree_ids),
        nodes_nodeids=ints(node_ids),
        nodes_featureids=ints(np.where(is_leaf, 0, nodes["feature_idx"])),
        nodes_values=_not_above(np.where(is_leaf, 0.0, nodes["num_threshold"])).tolist(),
        nodes_modes=["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf],
        nodes_truenodeids=ints(np.where(is_leaf, 0, nodes["left"])),
        nodes_falsenodeids=ints(np.where(is_leaf, 0, nodes["right"])),
        target_treeids=ints(tree_ids[is_leaf]),
        target_nodeids=ints(node_ids[is_leaf]),
        target_ids=[0] * int(is_leaf.sum()),
        target_weights=nodes["value"][is_leaf].astype(np.float32).tolist(),
    )


def _not_above(thresholds: Float64Array) -> Float32Array:
    """The largest float32 that is not above each float64."""
    near = thresholds.astype(np.float32)
    below = np.nextafter(near, np.float32(-np.inf))
    return np.where(near.astype(np.float64) > thresholds, below, near)
