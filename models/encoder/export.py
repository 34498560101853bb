"""Exports encoders that `bert_graph` does not know (MPNet, ELECTRA, DeBERTa and others) with optimum.

The same inputs and output as `bert_graph`, pooling and normalisation included. Also what torch itself computes, to
compare with. Needs the extra `train`, which is imported when a function is called. Knows no encoder directory.
"""

import contextlib
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.encoder.base_kind import Pooling, check_base_model, read_pooling
from models.encoder.base_weights import BaseModelError, Float32Array, read_json
from models.encoder.bert_graph import MASKED, TINY, GraphWriter
from models.encoder.quantize import MICROSOFT

os.environ.setdefault(
    "OMP_WAIT_POLICY", "PASSIVE"
)  # before torch: spinning threads starve their neighbours

OPSET = 18
# Below it a number is a mask and no weight.
_NO_WEIGHT = -1e30
_LOUD = ("onnxruntime.transformers", "optimum", "transformers", "onnx_model", "fusion_base")
_INSTALL = "pip install 'switchboard-classifier[train]'"


@dataclass(frozen=True)
class ExportedModel:
    """An encoder as optimum exported it; the fields are those of `BaseModel`.

    Args:
        hidden: float32 graph with the output `last_hidden_state` [B, T, H].
        heads: attention heads, which the fusion asks for.
        vocabulary_rows: rows of the word table.
        token_limit: the longest row, special tokens included.
    """

    architecture: str
    pooling: Pooling
    pad_id: int
    heads: int
    hidden_size: int
    vocabulary_rows: int
    token_limit: int
    hidden: onnx.ModelProto

    @property
    def size_bytes(self) -> int:
        """Of the graph, in float32."""
        return self.hidden.ByteSize()

    def graph(self) -> onnx.ModelProto:
        """The graph `input_ids, attention_mask: int64 [B, T] -> embedding: float32 [B, H]`."""
        return _with_pooling(self.hidden, self.pooling, self.hidden_size)

    def fused(self) -> onnx.ModelProto:
        """The same in float16 with the operators that ONNX Runtime's transformer optimiser finds; Gelu stays exact."""
        from onnxruntime.transformers import optimizer  # noqa: PLC0415 - seconds; only fp16 needs it
        from onnxruntime.transformers.fusion_options import FusionOptions  # noqa: PLC0415

        options: Any = FusionOptions("bert")
        options.enable_gelu_approximation = False
        copy = onnx.ModelProto()
        copy.CopyFrom(self.hidden)
        with _quiet():
            found: Any = cast("Any", optimizer).optimize_model(
                copy,
                "bert",
                num_heads=self.heads,
                hidden_size=self.hidden_size,
                optimization_options=options,
                opt_level=0,
            )
            found.model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
            found.convert_float_to_float16(keep_io_types=True, use_symbolic_shape_infer=False)
        return _with_pooling(found.model, self.pooling, self.hidden_size)


def export_model(base: Path) -> ExportedModel:
    """Export a base model; nothing of it but its configuration and weights is read, no code is executed.

    Raises:
        BaseModelError: it is no encoder, the extra `train` is missing, or optimum cannot export it.
    """
    check_base_model(base)
    config = cast("dict[str, Any]", read_json(base / "config.json"))
    kind = str(config["model_type"])
    pad_id = int(config.get("pad_token_id") or 0)
    limit = int(config.get("max_position_embeddings", 0))
    if kind == "mpnet":  # counts positions from the padding id on, like RoBERTa
        limit -= pad_id + 1
    hidden = _export_hidden(base, kind)
    width = hidden.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    return ExportedModel(
        architecture=kind,
        pooling=read_pooling(base),
        pad_id=pad_id,
        heads=int(config.get("num_attention_heads", 0)),
        hidden_size=width or int(config["hidden_size"]),
        vocabulary_rows=int(config["vocab_size"]),
        token_limit=limit,
        hidden=hidden,
    )


def torch_embeddings(base: Path, pooling: Pooling, rows: Sequence[Sequence[int]]) -> Float32Array:
    """What transformers computes, one row at a time: unit-length embeddings, float32 [B, H].

    Raises:
        BaseModelError: the extra `train` is missing.
    """
    try:
        import torch  # noqa: PLC0415 - comes with an extra
        from transformers import AutoModel  # noqa: PLC0415
    except ImportError as error:
        raise BaseModelError(f"comparing with torch needs it: {_INSTALL}") from error
    with (
        _quiet()
    ):  # a pooler that is missing, or there and not read, is no news: nothing here reads it
        model: Any = cast("Any", AutoModel).from_pretrained(base, local_files_only=True)
    model = model.float().eval()
    found: list[Float32Array] = []
    with torch.no_grad():
        for row in rows:
            ids = torch.tensor([list(row)])
            hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
            pooled = hidden.mean(0) if pooling == "mean" else hidden[0]
            found.append(torch.nn.functional.normalize(pooled, dim=-1).numpy())
    return np.stack(found)


def _export_hidden(base: Path, kind: str) -> onnx.ModelProto:
    try:
        import optimum.exporters.onnx as exporters  # noqa: PLC0415 - comes with an extra
    except ImportError as error:
        raise BaseModelError(
            f"{base}: model type {kind!r} is exported with optimum: {_INSTALL}"
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        try:
            with _quiet():
                cast("Any", exporters).main_export(
                    str(base),
                    output=folder,
                    task="feature-extraction",
                    opset=OPSET,
                    do_validation=False,  # we compare more, see `encoder_graph`
                    no_post_process=True,
                    local_files_only=True,
                )
            model = onnx.load(str(Path(folder) / "model.onnx"))
        except Exception as error:  # optimum, transformers and torch raise anything
            raise BaseModelError(
                f"{base}: optimum cannot export model type {kind!r} ({type(error).__name__}: {error}); "
                "take another base model"
            ) from error
    _soften_masks(model)
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' advice to their developers; what matters is compared afterwards."""
    loud = [logging.getLogger(name) for name in _LOUD]
    levels = [logger.level for logger in loud]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loud:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loud, levels, strict=True):
                logger.setLevel(level)


def _soften_masks(model: onnx.ModelProto) -> None:
    """The smallest float32, which masks padding, becomes `MASKED`: equal in effect, and float16 can hold it."""
    tensors = list(model.graph.initializer)
    tensors += [
        attribute.t
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.type == onnx.AttributeProto.TENSOR
    ]
    for tensor in tensors:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        array = numpy_helper.to_array(tensor)
        if array.size and array.min() < _NO_WEIGHT:
            softened = np.where(array < _NO_WEIGHT, np.float32(MASKED), array)
            tensor.CopyFrom(numpy_helper.from_array(softened.astype(np.float32), tensor.name))


def _with_pooling(hidden: onnx.ModelProto, pooling: Pooling, hidden_size: int) -> onnx.ModelProto:
    model = onnx.ModelProto()
    model.CopyFrom(hidden)
    g = GraphWriter("pool_")
    names = {one.name for one in model.graph.input}
    if unknown := names - {"input_ids", "attention_mask", "token_type_ids"}:
        raise BaseModelError(f"the exported graph wants {sorted(unknown)}; take another base model")
    first_nodes: list[onnx.NodeProto] = []
    if "token_type_ids" in names:  # one text, one type: zeros
        ids = "input_ids"
        first_nodes.append(helper.make_node("Sub", [ids, ids], ["token_type_ids"], "no_types"))
    vectors = model.graph.output[0].name
    if pooling == "cls":
        one = g.add("Gather", [vectors, g.integers(0)], axis=1)  # [B, T, H] -> [B, 1, H]
    else:
        mask = g.add("Cast", ["attention_mask"], to=TensorProto.FLOAT)
        row = g.add("Unsqueeze", [mask, g.integers(1)])  # [B, T] -> [B, 1, T]
        one = g.add("MatMul", [row, vectors])  # [B, 1, T] x [B, T, H] -> [B, 1, H]
    pooled = g.add("Squeeze", [one, g.integers(1)])  # [B, 1, H] -> [B, H]
    norm = g.add("ReduceL2", [pooled, g.integers(-1)], keepdims=1)
    unit = g.add("Div", [pooled, g.add("Max", [norm, g.floats(TINY)])])
    g.nodes.append(helper.make_node("Identity", [unit], ["embedding"], name="embedding"))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", hidden_size])
    graph = helper.make_graph(
        [*first_nodes, *model.graph.node, *g.nodes],
        "encoder",
        inputs,
        [output],
        [*model.graph.initializer, *g.initializers],
    )
    return helper.make_model(
        graph,
        opset_imports=list(model.opset_import),
        ir_version=model.ir_version,
        producer_name="switchboard",
    )
