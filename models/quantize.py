"""Rewrites a float32 graph of `bert_graph` into int8 for CPUs, such that no text depends on its batch-mates.

Dynamic quantisation as usual takes one activation scale per batch; here each row (token) has its own. Knows
no tokenizer and no files.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.bert_graph import GraphWriter, copy_with

MICROSOFT = "com.microsoft"
# A row of zeros would be divided by zero.
TINY_SCALE = 1e-10


def quantize_graph(source: onnx.ModelProto) -> onnx.ModelProto:
    """Give the int8 form of a graph: the word table and every product with a constant matrix.

    Weights are signed with one scale per output column, activations unsigned around 128 with one scale per
    row. Signed weights with unsigned activations are the one pairing with fast kernels on x86 (VNNI, AMX).

    Source: per-token activation scales as in Yao et al. 2022, "ZeroQuant", section 3.1.
    """
    weights = {tensor.name: tensor for tensor in source.graph.initializer}
    writer = GraphWriter(prefix="int8")
    constants = _Constants(writer)
    replaced: set[str] = set()
    for node in source.graph.node:
        table = node.input[0] if node.op_type == "Gather" else ""
        matrix = node.input[1] if node.op_type == "MatMul" else ""
        if table in weights and len(weights[table].dims) == 2:
            _write_lookup(writer, node, numpy_helper.to_array(weights[table]))
            replaced.add(table)
        elif matrix in weights:
            _write_product(writer, constants, node, numpy_helper.to_array(weights[matrix]))
            replaced.add(matrix)
        else:
            writer.nodes.append(node)
    writer.initializers.extend(t for name, t in weights.items() if name not in replaced)
    return copy_with(source, writer, [helper.make_opsetid(MICROSOFT, 1)])


def quantize_rows(
    matrix: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Symmetric int8 per row: `matrix ≈ int8 [R, C] * scale [R, 1]`, error at most half a scale."""
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    scale = np.maximum(largest / 127, TINY_SCALE).astype(np.float32)
    return np.rint(matrix / scale).astype(np.int8), scale


class _Constants:
    """The scalars that every product shares."""

    def __init__(self, writer: GraphWriter) -> None:
        self.step = writer.floats(1 / 127)
        self.tiny = writer.floats(TINY_SCALE)
        self.one = writer.floats(1.0)
        self.middle = writer.weight("int8.middle", np.array(128, np.uint8))
        self.last = writer.integers(-1)
        tokens = writer.add("Reshape", [writer.add("Size", ["input_ids"]), self.last])  # -> [1]
        self.middles = writer.add("Expand", [self.middle, tokens])  # [R], R = B*T


def _write_lookup(writer: GraphWriter, node: onnx.NodeProto, table: npt.NDArray[Any]) -> None:
    quantized, scale = quantize_rows(table)
    name = node.input[0]
    rows = writer.add("Gather", [writer.weight(f"{name}.int8", quantized), node.input[1]])
    scales = writer.add("Gather", [writer.weight(f"{name}.scale", scale), node.input[1]])
    floats = writer.add("Cast", [rows], to=TensorProto.FLOAT)
    writer.nodes.append(helper.make_node("Mul", [floats, scales], node.output, name=f"{name}.int8"))


def _write_product(
    writer: GraphWriter, constants: _Constants, node: onnx.NodeProto, matrix: npt.NDArray[Any]
) -> None:
    """`x [R, K] @ matrix [K, N]`: rows are quantised, multiplied as integers and scaled back."""
    x, name = node.input
    columns, scale = quantize_rows(matrix.T)
    largest = writer.add("ReduceMax", [writer.add("Abs", [x]), constants.last], keepdims=0)
    steps = writer.add("Mul", [largest, constants.step])
    steps = writer.add("Max", [steps, constants.tiny])  # [R]
    rows = writer.add("QuantizeLinear", [x, steps, constants.middles], axis=0)
    # The kernel knows one activation scale only: it multiplies the columns' scales in, we the rows'.
    product = writer.add(
        "MatMulIntegerToFloat",
        [
            rows,
            writer.weight(f"{name}.int8", columns.T),
            constants.one,
            writer.weight(f"{name}.scale", scale[:, 0]),
            constants.middle,
        ],
        domain=MICROSOFT,
    )
    by_row = writer.add("Unsqueeze", [steps, constants.last])  # [R] -> [R, 1]
    writer.nodes.append(
        helper.make_node("Mul", [product, by_row], node.output, name=f"{name}.int8")
    )
