"""Reads a base model's weights and JSON files into float32 arrays, for `base_model`; knows no architecture."""

import re
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]


class BaseModelError(ValueError):
    """A base model that cannot be found, read, or written as a graph; the message says the way out."""


class Weights:
    """The safetensors of a directory, in one file or several, under names without the model's prefix."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._arrays: dict[str, Float32Array] = {}
        self._homes: dict[str, Path] = {}
        for file in self._files():
            arrays = _read_safetensors(file)
            self._arrays.update(arrays)
            self._homes.update(dict.fromkeys(arrays, file))
        stem = "embeddings.word_embeddings.weight"
        anchors = [name for name in self._arrays if re.fullmatch(rf"([a-z_]+\.)*{stem}", name)]
        if len(anchors) != 1:
            raise BaseModelError(f"{path}: the weights hold {len(anchors)} tables {stem}, need one")
        self._prefix = anchors[0].removesuffix(stem)

    def _files(self) -> list[Path]:
        index = self._path / "model.safetensors.index.json"
        if index.is_file():
            names = sorted(set(cast("dict[str, str]", read_json(index)["weight_map"]).values()))
            return [self._path / name for name in names]
        if not (self._path / "model.safetensors").is_file():
            raise BaseModelError(
                f"{self._path} has no model.safetensors; save it again with "
                "`model.save_pretrained(..., safe_serialization=True)`"
            )
        return [self._path / "model.safetensors"]

    def __getitem__(self, name: str) -> Float32Array:
        """An array by its name.

        Raises:
            BaseModelError: the files lack it.
        """
        # Checkpoints that began in TensorFlow call a LayerNorm's scale gamma and its shift beta.
        old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        )
        for candidate in (self._prefix + name, self._prefix + old):
            if candidate in self._arrays:
                array = self._arrays[candidate]
                if not np.isfinite(array).all():
                    raise BaseModelError(f"{self._path}: {candidate} is not finite; train it again")
                return array
        raise BaseModelError(f"{self._path}: the weights lack {self._prefix + name}")

    def find(self, name: str) -> tuple[str, Path]:
        """An array's whole name and the file that holds it.

        Raises:
            BaseModelError: the files lack it.
        """
        whole = self._prefix + name
        if whole not in self._homes:
            raise BaseModelError(f"{self._path}: the weights lack {whole}")
        return whole, self._homes[whole]

    def pair(self, name: str) -> tuple[Float32Array, Float32Array]:
        """The weight and the bias of one module."""
        return self[f"{name}.weight"], self[f"{name}.bias"]


def _read_safetensors(file: Path) -> dict[str, Float32Array]:
    import safetensors  # noqa: PLC0415 - only training reads base models

    try:
        parts = cast("list[tuple[str, dict[str, Any]]]", safetensors.deserialize(file.read_bytes()))
    except (OSError, safetensors.SafetensorError) as error:
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


def read_json(file: Path) -> Any:
    """Decode a JSON file of a model.

    Raises:
        BaseModelError: it is missing or damaged.
    """
    try:
        return msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise BaseModelError(f"{file} cannot be read ({error}); fetch the model again") from error
