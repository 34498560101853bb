"""Writes a `BaseModel` as the fused float16 graph that suits CUDA best: the same inputs and output as `bert_graph`.

One operator each for the embeddings, for attention, for a residual sum with its norm, and for a bias with its Gelu:
what ONNX Runtime's transformer optimiser finds in an export of torch, written outright, for every architecture that
`base_model` reads. The operators are ONNX Runtime's own (domain com.microsoft); TensorRT does not know them.
"""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from models.encoder.base_model import BaseModel, BaseModelError
from models.encoder.bert_graph import MASKED, TINY, GraphWriter, finish
from models.encoder.quantize import MICROSOFT

OPSET = 17
LARGEST_FLOAT16 = float(np.finfo(np.float16).max)


def write_fused(model: BaseModel, *, half: bool = True) -> onnx.ModelProto:
    """Write the graph `input_ids, attention_mask: int64 [B, T] -> embedding: float32 [B, H]`.

    Padding must be on the right: attention is told each row's length, which is what its fast kernels need. The Gelu
    stays exact. The vectors of a text's tokens are added up in float32.

    Args:
        model: from `read_base_model`.
        half: float16 inside; False: float32, the twin that shows whether the operators are the right ones.

    Raises:
        BaseModelError: a weight does not fit into float16.
    """
    g = _FusedWriter(half=half)
    ids = g.add("Cast", ["input_ids"], to=TensorProto.INT32)
    mask = g.add("Cast", ["attention_mask"], to=TensorProto.INT32)
    scale, shift = model.embedding_norm
    hidden, lengths = g.add_many(
        "EmbedLayerNormalization",
        [
            ids, "", g.numbers("words", model.words), g.numbers("positions", model.positions), "",
            g.numbers("embeddings.scale", scale), g.numbers("embeddings.shift", shift), mask,
        ],
        2,
        domain=MICROSOFT,
        epsilon=model.layer_norm_eps,
    )  # fmt: skip
    for index in range(len(model.layers)):
        hidden = _write_layer(g, model, index, hidden, lengths)
    hidden = g.add("Cast", [hidden], to=TensorProto.FLOAT)  # [B, T, H]
    if model.pooling == "cls":
        first = g.add("Gather", [hidden, g.integers(0)], axis=1)  # [B, T, H] -> [B, 1, H]
    else:
        real = g.add("Cast", ["attention_mask"], to=TensorProto.FLOAT)
        row = g.add("Unsqueeze", [real, g.integers(1)])  # [B, T] -> [B, 1, T]
        first = g.add("MatMul", [row, hidden])  # [B, 1, T] x [B, T, H] -> [B, 1, H]
    pooled = g.add("Squeeze", [first, g.integers(1)])  # [B, 1, H] -> [B, H]
    norm = g.add("ReduceL2", [pooled], axes=[-1], keepdims=1)
    unit = g.add("Div", [pooled, g.add("Max", [norm, g.floats(TINY)])])
    g.nodes.append(helper.make_node("Identity", [unit], ["embedding"], name="embedding"))
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    return finish(g, model.hidden_size, opsets)


class _FusedWriter(GraphWriter):
    """A writer whose weights are float16 or float32 throughout."""

    def __init__(self, *, half: bool) -> None:
        super().__init__("fused_")
        self._half = half

    def numbers(self, name: str, array: npt.NDArray[np.float32]) -> str:
        """Store a weight in the graph's precision."""
        if not self._half:
            return self.weight(name, array)
        largest = float(np.abs(array).max(initial=0.0))
        if largest > LARGEST_FLOAT16:
            raise BaseModelError(
                f"weight {name} holds {largest:.3g}, above float16's {LARGEST_FLOAT16:.0f}; "
                "leave fp16 out of the precisions"
            )
        return self.weight(name, array.astype(np.float16))


def _write_layer(g: _FusedWriter, model: BaseModel, index: int, hidden: str, lengths: str) -> str:
    layer, name = model.layers[index], f"layer{index}"
    parts = ("query", "key", "value")
    context = g.add(
        "Attention",
        [
            hidden,
            g.numbers(f"{name}.qkv.matrix", np.concatenate([layer[part] for part in parts], 1)),
            g.numbers(
                f"{name}.qkv.bias", np.concatenate([layer[f"{part}_bias"] for part in parts])
            ),
            lengths,
        ],
        domain=MICROSOFT,
        num_heads=model.heads,
        mask_filter_value=MASKED,
    )
    attended = _add_and_norm(g, model, (index, "attention_out", "attention_norm"), context, hidden)
    up = g.add("MatMul", [attended, g.numbers(f"{name}.up.matrix", layer["up"])])
    active = _activate(g, model.activation, up, g.numbers(f"{name}.up.bias", layer["up_bias"]))
    return _add_and_norm(g, model, (index, "down", "norm"), active, attended)


def _add_and_norm(
    g: _FusedWriter, model: BaseModel, names: tuple[int, str, str], x: str, skip: str
) -> str:
    """`norm(x @ matrix + bias + skip)`, the sum and the norm in one operator."""
    index, matrix, norm = names
    layer, name = model.layers[index], f"layer{index}"
    product = g.add("MatMul", [x, g.numbers(f"{name}.{matrix}.matrix", layer[matrix])])
    return g.add(
        "SkipLayerNormalization",
        [
            product,
            skip,
            g.numbers(f"{name}.{norm}.scale", layer[norm]),
            g.numbers(f"{name}.{norm}.shift", layer[f"{norm}_bias"]),
            g.numbers(f"{name}.{matrix}.bias", layer[f"{matrix}_bias"]),
        ],
        domain=MICROSOFT,
        epsilon=model.layer_norm_eps,
    )


def _activate(g: GraphWriter, activation: str, x: str, bias: str) -> str:
    if activation == "relu":
        return g.add("Relu", [g.add("Add", [x, bias])])
    # FastGelu is the tanh form itself; for the exact one it would be an approximation.
    kind = "FastGelu" if activation == "gelu_tanh" else "BiasGelu"
    return g.add(kind, [x, bias], domain=MICROSOFT)
