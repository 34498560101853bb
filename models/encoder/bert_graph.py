"""Writes a `BaseModel` as a float32 ONNX graph, token ids in, one unit-length embedding per text out; no torch.

The graph holds standard operators only, so that CPU, CUDA and TensorRT can all read it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.encoder.base_model import BaseModel
from models.encoder.base_weights import Float32Array

OPSET = 20  # the first with Gelu
IR_VERSION = 10
# Added to the scores of padding. Its exponential is 0 in float32, and it fits a float16 graph, where -inf gives NaN.
MASKED = -1e4
# sentence-transformers' guard against a division by zero when it normalises.
TINY = 1e-12


class GraphWriter:
    """Collects nodes and weights; every method that adds a node returns the name of its output."""

    def __init__(self, prefix: str = "") -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._prefix = prefix
        self._count = 0

    def add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node with one output."""
        return self.add_many(kind, inputs, 1, **attributes)[0]

    def add_many(
        self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs."""
        self._count += 1
        name = f"{self._prefix}{kind}_{self._count}"
        names = [f"{name}_{place}" for place in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=name, **attributes))
        return names

    def weight(self, name: str, array: npt.NDArray[Any]) -> str:
        """Store an array under its name."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def floats(self, value: float) -> str:
        """A float32 scalar."""
        self._count += 1
        return self.weight(f"{self._prefix}float_{self._count}", np.array(value, np.float32))

    def integers(self, *values: int) -> str:
        """An int64 vector: shapes, axes, bounds."""
        self._count += 1
        return self.weight(f"{self._prefix}integers_{self._count}", np.array(values, np.int64))


def write_graph(model: BaseModel) -> onnx.ModelProto:
    """Write the graph `input_ids, attention_mask: int64 [B, T] -> embedding: float32 [B, H]`.

    T is at most `model.token_limit`. Rows are padded on the right with any id; the mask is 1 for
    tokens and 0 for padding. A row whose mask is all 0 has no meaning.
    """
    g = GraphWriter()
    mask = g.add("Cast", ["attention_mask"], to=TensorProto.FLOAT)
    spread = g.add("Unsqueeze", [mask, g.integers(1, 2)])  # [B, T] -> [B, 1, 1, T]
    absent = g.add("Sub", [spread, g.floats(1.0)])
    blocked = g.add("Mul", [absent, g.floats(-MASKED)])  # 0 for tokens, MASKED for padding
    # Tokens stay flat, [B*T, H], so that every product has one row per token; only attention sees texts.
    hidden = _embed_tokens(g, model)
    for index in range(len(model.layers)):
        hidden = _write_layer(g, model, index, hidden, blocked)
    grid = g.add("Shape", ["input_ids"])
    by_text = g.add("Concat", [grid, g.integers(model.hidden_size)], axis=0)
    hidden = g.add("Reshape", [hidden, by_text])  # [B*T, H] -> [B, T, H]
    if model.pooling == "cls":
        first = g.add("Gather", [hidden, g.integers(0)], axis=1)  # [B, T, H] -> [B, 1, H]
    else:
        # The mean's denominator is left out: only the direction survives the normalisation below.
        row = g.add("Unsqueeze", [mask, g.integers(1)])  # [B, T] -> [B, 1, T]
        first = g.add("MatMul", [row, hidden])  # [B, 1, T] x [B, T, H] -> [B, 1, H]
    pooled = g.add("Squeeze", [first, g.integers(1)])  # [B, 1, H] -> [B, H]
    norm = g.add("ReduceL2", [pooled, g.integers(-1)], keepdims=1)
    unit = g.add("Div", [pooled, g.add("Max", [norm, g.floats(TINY)])])
    g.nodes.append(helper.make_node("Identity", [unit], ["embedding"], name="embedding"))
    return finish(g, model.hidden_size, [helper.make_opsetid("", OPSET)])


def copy_with(
    source: onnx.ModelProto, g: GraphWriter, opsets: Sequence[onnx.OperatorSetIdProto]
) -> onnx.ModelProto:
    """A graph with the source's inputs and outputs around other nodes; `opsets` come on top."""
    graph = helper.make_graph(
        g.nodes, source.graph.name, source.graph.input, source.graph.output, g.initializers
    )
    return helper.make_model(
        graph,
        opset_imports=[*source.opset_import, *opsets],
        ir_version=source.ir_version,
        producer_name=source.producer_name,
    )


def finish(
    g: GraphWriter, hidden_size: int, opsets: Sequence[onnx.OperatorSetIdProto]
) -> onnx.ModelProto:
    """The encoder's inputs and its output around the nodes, which are of `opsets`."""
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", hidden_size])
    graph = helper.make_graph(g.nodes, "encoder", inputs, [output], g.initializers)
    return helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=IR_VERSION,
        producer_name="switchboard",
    )


def _embed_tokens(g: GraphWriter, model: BaseModel) -> str:
    words = g.add("Gather", [g.weight("words", model.words), "input_ids"])  # [B, T] -> [B, T, H]
    # Slice by a one-element Shape: ONNX Runtime rewrites Gather(..., Range) into a Slice that fails when run.
    length = g.add("Shape", ["input_ids"], start=1, end=2)
    table = g.weight("positions", model.positions)
    places = g.add("Slice", [table, g.integers(0), length, g.integers(0)])  # [P, H] -> [T, H]
    summed = g.add("Add", [words, places])
    flat = g.add("Reshape", [summed, g.integers(-1, model.hidden_size)])  # [B, T, H] -> [B*T, H]
    return _norm(g, flat, model, "embeddings", model.embedding_norm)


def _norm(
    g: GraphWriter, x: str, model: BaseModel, name: str, weights: tuple[Float32Array, Float32Array]
) -> str:
    scale, shift = g.weight(f"{name}.scale", weights[0]), g.weight(f"{name}.shift", weights[1])
    return g.add("LayerNormalization", [x, scale, shift], axis=-1, epsilon=model.layer_norm_eps)


def _linear(g: GraphWriter, x: str, name: str, matrix: Float32Array, bias: Float32Array) -> str:
    product = g.add("MatMul", [x, g.weight(f"{name}.matrix", matrix)])
    return g.add("Add", [product, g.weight(f"{name}.bias", bias)])


def _write_layer(g: GraphWriter, model: BaseModel, index: int, hidden: str, blocked: str) -> str:
    layer, name = model.layers[index], f"layer{index}"
    context = _attention(g, model, index, hidden, blocked)
    out = _linear(g, context, f"{name}.out", layer["attention_out"], layer["attention_out_bias"])
    norm = layer["attention_norm"], layer["attention_norm_bias"]
    attended = _norm(g, g.add("Add", [out, hidden]), model, f"{name}.attention_norm", norm)
    up = _linear(g, attended, f"{name}.up", layer["up"], layer["up_bias"])
    active = _activate(g, model.activation, up)
    down = _linear(g, active, f"{name}.down", layer["down"], layer["down_bias"])
    last = layer["norm"], layer["norm_bias"]
    return _norm(g, g.add("Add", [down, attended]), model, f"{name}.norm", last)


def _activate(g: GraphWriter, activation: str, x: str) -> str:
    if activation == "relu":
        return g.add("Relu", [x])
    return g.add("Gelu", [x], approximate="tanh" if activation == "gelu_tanh" else "none")


def _attention(g: GraphWriter, model: BaseModel, index: int, hidden: str, blocked: str) -> str:
    """Scaled dot-product attention, one product for query, key and value.

    Source: Vaswani et al. 2017, equation 1. The 1/sqrt(D) is multiplied into the query's weights.
    """
    layer, name = model.layers[index], f"layer{index}"
    depth = model.hidden_size // model.heads
    small = np.float32(depth**-0.5)
    parts = [layer["query"] * small, layer["key"], layer["value"]]
    biases = [layer["query_bias"] * small, layer["key_bias"], layer["value_bias"]]
    matrix, bias = np.concatenate(parts, axis=1), np.concatenate(biases)
    joined = _linear(g, hidden, f"{name}.qkv", matrix, bias)  # [B*T, H] -> [B*T, 3H]
    split = g.add_many("Split", [joined], 3, axis=-1, num_outputs=3)
    grid = g.add("Shape", ["input_ids"])
    shape = g.add("Concat", [grid, g.integers(model.heads, depth)], axis=0)
    query, key, value = (g.add("Reshape", [part, shape]) for part in split)  # -> [B, T, N, D]
    query = g.add("Transpose", [query], perm=[0, 2, 1, 3])  # -> [B, N, T, D]
    key = g.add("Transpose", [key], perm=[0, 2, 3, 1])  # -> [B, N, D, T]
    value = g.add("Transpose", [value], perm=[0, 2, 1, 3])  # -> [B, N, T, D]
    scores = g.add("Add", [g.add("MatMul", [query, key]), blocked])  # [B, N, T, T]
    context = g.add("MatMul", [g.add("Softmax", [scores], axis=-1), value])  # [B, N, T, D]
    rows = g.add("Transpose", [context], perm=[0, 2, 1, 3])  # -> [B, T, N, D]
    return g.add("Reshape", [rows, g.integers(-1, model.hidden_size)])  # -> [B*T, H]
