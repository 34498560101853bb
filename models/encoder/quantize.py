"""Rewrites a float32 graph of `bert_graph` into int8 for CPUs, such that no text depends on its batch-mates.

Dynamic quantisation as usual takes one activation scale per batch; here each row (token) has its own. Knows
no tokenizer and no files.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.encoder.bert_graph import GraphWriter, copy_with

MICROSOFT = "com.microsoft"
# A row of zeros would be divided by zero.
TINY_SCALE = 1e-10
# Gelu never gives less than -0.17: its rows need few levels below zero, and nobody has to look for their minimum.
GELU_LEVELS_BELOW = 32
GELU_LEAST = 0.17


def quantize_graph(source: onnx.ModelProto, *, is_flat: bool = True) -> onnx.ModelProto:
    """Give the int8 form of a graph: the word table and every product with a constant matrix.

    Weights are signed with one scale per output column, activations unsigned around 128 with one scale per
    row. Signed weights with unsigned activations are the one pairing with fast kernels on x86 (VNNI, AMX).
    An exact Gelu becomes the tanh form: 5e-4 apart at most, far below a step of int8, and a quarter faster.

    Args:
        source: a graph with `input_ids`.
        is_flat: every product has one row per token, [B*T, K], as `bert_graph` writes them; False: any shape, as
            torch exports them.

    Source: per-token activation scales as in Yao et al. 2022, "ZeroQuant", section 3.1.
    """
    weights = {tensor.name: tensor for tensor in source.graph.initializer}
    own = dict(weights)
    aliases = [node for node in source.graph.node if _is_alias(node, own)]
    for node in aliases:
        weights[node.output[0]] = own[node.input[0]]
    makers = {name: node.op_type for node in source.graph.node for name in node.output}
    writer = GraphWriter(prefix="int8")
    rows = _Rows(writer, is_flat=is_flat)
    for node in source.graph.node:
        table = node.input[0] if node.op_type == "Gather" else ""
        matrix = node.input[1] if node.op_type == "MatMul" else ""
        if table in weights and node.input[1] == "input_ids":
            _write_lookup(writer, node, numpy_helper.to_array(weights[table]))
        elif matrix in weights and len(weights[matrix].dims) == 2:
            grid = rows.after_gelu if makers.get(node.input[0]) == "Gelu" else rows.any
            _write_product(writer, rows, grid, node, weights[matrix])
        elif node.op_type == "Gelu":
            tanh = helper.make_node("Gelu", node.input, node.output, node.name, approximate="tanh")
            writer.nodes.append(tanh)
        elif not _is_alias(node, own):
            writer.nodes.append(node)
    used = {name for node in writer.nodes for name in node.input}
    writer.nodes[:0] = [node for node in aliases if node.output[0] in used]
    used = {name for node in writer.nodes for name in node.input}
    writer.initializers.extend(tensor for name, tensor in own.items() if name in used)
    return copy_with(source, writer, [helper.make_opsetid(MICROSOFT, 1)])


def _is_alias(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> bool:
    """A second name for a weight: torch exports one that layers share so."""
    return node.op_type == "Identity" and node.input[0] in weights


def quantize_rows(
    matrix: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Symmetric int8 per row: `matrix ≈ int8 [R, C] * scale [R, 1]`, error at most half a scale."""
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    scale = np.maximum(largest / 127, TINY_SCALE).astype(np.float32)
    return np.rint(matrix / scale).astype(np.int8), scale


@dataclass(frozen=True)
class _Grid:
    """How a row of activations is laid on the levels 0…255; each is the name of a weight or a node's output.

    Args:
        zero: the level of 0.0, uint8.
        zeros: the same for every row, [R].
        share: of a row's largest value that is one step.
        least: the smallest step.
        has_sign: values far below zero occur, so that the largest is looked for without sign.
    """

    zero: str
    zeros: str
    share: str
    least: str
    has_sign: bool


class _Rows:
    """The two grids, and what every product shares."""

    def __init__(self, writer: GraphWriter, *, is_flat: bool) -> None:
        self.is_flat = is_flat
        self.matrices: dict[str, tuple[str, str]] = {}
        count = writer.add("Reshape", [writer.add("Size", ["input_ids"]), writer.integers(-1)])

        def grid(zero: int, least: float, *, has_sign: bool) -> _Grid:
            level = writer.weight(f"int8.zero{zero}", np.array(zero, np.uint8))
            zeros = writer.add("Expand", [level, count])  # [] -> [R], R = B*T
            share = writer.floats(1 / (255 - zero))
            return _Grid(level, zeros, share, writer.floats(least), has_sign)

        self.any = grid(128, TINY_SCALE, has_sign=True)
        self.after_gelu = grid(GELU_LEVELS_BELOW, GELU_LEAST / GELU_LEVELS_BELOW, has_sign=False)

    def matrix(self, writer: GraphWriter, name: str, array: npt.NDArray[Any]) -> tuple[str, str]:
        """The names of a matrix in int8 and of its columns' scales; layers may share one."""
        if name not in self.matrices:
            columns, scale = quantize_rows(array.T)
            self.matrices[name] = (
                writer.weight(f"{name}.int8", columns.T),
                writer.weight(f"{name}.scale", scale[:, 0]),
            )
        return self.matrices[name]


def _write_lookup(writer: GraphWriter, node: onnx.NodeProto, table: npt.NDArray[Any]) -> None:
    quantized, scale = quantize_rows(table)
    name = node.input[0]
    rows = writer.add("Gather", [writer.weight(f"{name}.int8", quantized), node.input[1]])
    scales = writer.add("Gather", [writer.weight(f"{name}.scale", scale), node.input[1]])
    floats = writer.add("Cast", [rows], to=TensorProto.FLOAT)
    writer.nodes.append(helper.make_node("Mul", [floats, scales], node.output, name=f"{name}.int8"))


def _write_product(
    writer: GraphWriter, rows: _Rows, grid: _Grid, node: onnx.NodeProto, tensor: onnx.TensorProto
) -> None:
    """`x [..., K] @ matrix [K, N]`: rows are quantised, multiplied as integers and scaled back."""
    x, name = node.input[0], tensor.name
    matrix = numpy_helper.to_array(tensor)
    last, one = writer.integers(-1), writer.floats(1.0)
    source = x if rows.is_flat else writer.add("Reshape", [x, writer.integers(-1, len(matrix))])
    sizes = writer.add("Abs", [source]) if grid.has_sign else source
    largest = writer.add("ReduceMax", [sizes, last], keepdims=0)
    steps = writer.add("Max", [writer.add("Mul", [largest, grid.share]), grid.least])  # [R]
    zeros = grid.zeros
    if not rows.is_flat:  # not every product has a row per token
        zeros = writer.add("Expand", [grid.zero, writer.add("Shape", [steps])])
    levels = writer.add("QuantizeLinear", [source, steps, zeros], axis=0)
    # The kernel knows one activation scale only: it multiplies the columns' scales in, we the rows'.
    whole, scales = rows.matrix(writer, name, matrix)
    product = writer.add(
        "MatMulIntegerToFloat", [levels, whole, one, scales, grid.zero], domain=MICROSOFT
    )
    by_row = writer.add("Unsqueeze", [steps, last])  # [R] -> [R, 1]
    if rows.is_flat:
        final = helper.make_node("Mul", [product, by_row], node.output, name=f"{name}.int8")
    else:
        scaled = writer.add("Mul", [product, by_row])
        front = writer.add("Shape", [x], end=-1)
        shape = writer.add("Concat", [front, writer.integers(matrix.shape[1])], axis=0)
        final = helper.make_node("Reshape", [scaled, shape], node.output, name=f"{scaled}.shaped")
    writer.nodes.append(final)
