"""Builds an encoder directory from a base model: graphs, tokenizer, `encoder.json`; the graphs are run and compared.

For `models.train`. Needs the extra `heads` (onnx); the BERT family needs no torch, other encoders the extra `train`.
"""

import importlib.util
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.encoder.base_kind import check_base_model, is_written_here
from models.encoder.base_model import BaseModel, BaseModelError, find_base_model, read_base_model
from models.encoder.files import (
    TOKENIZER_NAME,
    EncoderConfig,
    Precision,
    describe_file,
    write_config,
)
from models.runtime import Encoder

if TYPE_CHECKING:
    from onnx import ModelProto

    from models.encoder.export import ExportedModel

__all__ = ["BaseModelError", "BuiltEncoder", "build_encoder", "find_base_model"]

# protobuf's limit; larger graphs need external data files, which nothing here reads.
LARGEST_GRAPH_BYTES = 2_000_000_000
# Per-row int8 of all-MiniLM-L6-v2 keeps 0.994 on 160 public texts; a graph below this floor is broken, not rounded.
LEAST_INT8_COSINE = 0.98
# all-MiniLM-L6-v2 keeps 0.99999; a model whose activations do not fit into float16 loses everything.
LEAST_FP16_COSINE = 0.999

# How far a text's embedding may move with its batch-mates. The promise: within 1e-5, and fp16, whose matrix products
# round otherwise in other shapes, within 0.005 of a probability.
BATCH_MATES: dict[Precision, float] = {"int8": 1e-5, "fp32": 1e-5, "fp16": 1e-3}

# Synthetic, of many lengths and both languages; no customer's words.
_PROBES = (
    "Hello",
    "My card has not arrived yet.",
    "Guten Tag, meine Rechnung vom Mai stimmt nicht. Können Sie das bitte prüfen?",
    "I was charged twice for order 4711 and nobody answers the phone. " * 4,
    "The printer on the second floor shows error 0x80070005 after the update. " * 12,
    "!!! ??? ###",
)


@dataclass(frozen=True)
class BuiltEncoder:
    """What was built.

    Args:
        path: the directory.
        config: what its `encoder.json` says.
        least_int8_cosine: the worst probe text, int8 against fp32; None without both.
    """

    path: Path
    config: EncoderConfig
    least_int8_cosine: float | None


def build_encoder(
    base: Path,
    out_dir: Path,
    max_length_tokens: int,
    precisions: Sequence[Precision] = ("int8", "fp32"),
) -> BuiltEncoder:
    """Write an encoder directory; equal inputs give equal bytes.

    Args:
        base: directory of the base model (`find_base_model`).
        out_dir: created; files of the same names are replaced.
        max_length_tokens: longest row, special tokens included.
        precisions: graphs to write: fp32 raw for TensorRT, int8 for CPUs, fp16 fused for CUDA.

    Raises:
        BaseModelError: the base model cannot be written exactly, the limit is too high for it, or a graph
            that was written does not agree with the others.
    """
    check_base_model(base)
    model = _read_model(base)
    _check_limits(base, model, max_length_tokens)
    out_dir.mkdir(parents=True, exist_ok=True)
    for precision in precisions:
        graph = _write_graph(model, precision)
        (out_dir / f"{precision}.onnx").write_bytes(graph.SerializeToString(deterministic=True))
    shutil.copyfile(base / TOKENIZER_NAME, out_dir / TOKENIZER_NAME)
    config = EncoderConfig(
        architecture=model.architecture,
        pooling=model.pooling,
        hidden_size=model.hidden_size,
        max_length_tokens=max_length_tokens,
        pad_id=model.pad_id,
        vocabulary_rows=model.vocabulary_rows,
        tokenizer=describe_file(out_dir, TOKENIZER_NAME),
        files={name: describe_file(out_dir, f"{name}.onnx") for name in precisions},
    )
    write_config(out_dir, config)
    return BuiltEncoder(out_dir, config, _compare(out_dir, precisions))


def _read_model(base: Path) -> "BaseModel | ExportedModel":
    if importlib.util.find_spec("onnx") is None:
        raise BaseModelError(
            "writing an encoder needs onnx: pip install 'switchboard-classifier[heads]'"
        )
    if is_written_here(base):
        return read_base_model(base)
    from models.encoder.export import export_model  # noqa: PLC0415 - needs the extra

    return export_model(base)


def _check_limits(base: Path, model: "BaseModel | ExportedModel", max_length_tokens: int) -> None:
    if max_length_tokens > model.token_limit:
        raise BaseModelError(
            f"max_length_tokens={max_length_tokens} is above the {model.token_limit} that {base} reads; lower it"
        )
    if not (base / TOKENIZER_NAME).is_file():
        raise BaseModelError(f"{base} has no {TOKENIZER_NAME}; save it again with a fast tokenizer")
    size_bytes = model.size_bytes
    if size_bytes > LARGEST_GRAPH_BYTES:
        raise BaseModelError(
            f"{base} has {size_bytes / 1e9:.1f} GB of weights, above the 2 GB of one ONNX file; "
            "take a smaller base model"
        )


def _write_graph(model: "BaseModel | ExportedModel", precision: Precision) -> "ModelProto":
    from models.encoder.bert_graph import write_graph  # noqa: PLC0415 - needs the extra
    from models.encoder.fused_graph import write_fused  # noqa: PLC0415
    from models.encoder.quantize import quantize_graph  # noqa: PLC0415

    if isinstance(model, BaseModel):
        if precision == "fp16":
            return write_fused(model)
        graph = write_graph(model)
        return quantize_graph(graph) if precision == "int8" else graph
    if precision == "fp16":
        return model.fused()
    graph = model.graph()
    return quantize_graph(graph, is_flat=False) if precision == "int8" else graph


def _compare(out_dir: Path, precisions: Sequence[Precision]) -> float | None:
    """Run every graph on the probes: alone and together must agree, and int8 must stay near fp32."""
    results: dict[Precision, np.ndarray] = {}
    for precision in precisions:
        encoder = Encoder(out_dir, ["cpu"], precision=precision)
        rows = [text.ids for text in encoder.tokenize(_PROBES)]
        together = encoder.embed(rows)
        alone = np.concatenate([encoder.embed([row]) for row in rows])
        difference = float(np.abs(together - alone).max())
        if not difference <= BATCH_MATES[precision]:  # also true for NaN
            raise BaseModelError(
                f"{out_dir}: a text's {precision} embedding changes by {difference} with its batch-mates; "
                "this base model cannot be served"
            )
        results[precision] = alone
    _check_near(out_dir, results, "fp16", LEAST_FP16_COSINE)
    return _check_near(out_dir, results, "int8", LEAST_INT8_COSINE)


def _check_near(
    out_dir: Path, results: dict[Precision, np.ndarray], precision: Precision, wanted: float
) -> float | None:
    if not {precision, "fp32"} <= results.keys():
        return None
    least = float((results[precision] * results["fp32"]).sum(axis=1).min())
    if not least >= wanted:
        raise BaseModelError(
            f"{out_dir}: {precision} keeps a cosine of {least:.3f} to fp32, at least {wanted} is needed; "
            f"this base model does not stand {precision}: leave it out of the precisions"
        )
    return least
