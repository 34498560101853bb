"""The directory of one encoder: `encoder.json`, `tokenizer.json`, one ONNX file per precision; read and verified here.

Written by `build`, used by `models.runtime`. Knows no ONNX Runtime and no tokenizer.
"""

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from models.encoder.file_hashes import sha256_of, sha256_once

__all__ = [
    "EncoderConfig",
    "EncoderError",
    "EncoderFile",
    "Precision",
    "describe_file",
    "read_config",
    "sha256_of",
    "verify_file",
    "write_config",
]

Precision = Literal["int8", "fp16", "fp32"]

CONFIG_NAME = "encoder.json"
TOKENIZER_NAME = "tokenizer.json"
FORMAT_VERSION = 1


class EncoderError(ValueError):
    """An encoder directory that must not serve: missing, damaged, or not of this version."""


class EncoderFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the directory, by content."""

    path: str
    sha256: str
    size_bytes: int


class EncoderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What `encoder.json` says.

    Args:
        format_version: of this file's layout.
        architecture: the base model's kind, for people.
        pooling: how the graph makes one vector of the tokens' vectors; inside the graph already.
        hidden_size: length of an embedding.
        max_length_tokens: longest row, special tokens included.
        pad_id: fills short rows up; the mask says so too.
        vocabulary_rows: rows of the word table; every token id is below.
        tokenizer: `tokenizer.json`.
        files: the graph by precision.
    """

    format_version: int = FORMAT_VERSION
    architecture: str
    pooling: str
    hidden_size: int
    max_length_tokens: int
    pad_id: int
    vocabulary_rows: int
    tokenizer: EncoderFile
    files: dict[Precision, EncoderFile]

    def key(self, precision: Precision) -> str:
        """The content hash of graph, tokenizer and pooling: only rows of equal keys may share a batch.

        The token limit is part of it, because a shared encoder also truncates.
        """
        parts = (
            self.files[precision].sha256,
            self.tokenizer.sha256,
            self.pooling,
            str(self.max_length_tokens),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def describe_file(directory: Path, name: str) -> EncoderFile:
    """The entry for a file that was just written."""
    path = directory / name
    return EncoderFile(path=name, sha256=sha256_of(path), size_bytes=path.stat().st_size)


def write_config(directory: Path, config: EncoderConfig) -> None:
    """Write `encoder.json`; the same config gives the same bytes."""
    raw = msgspec.json.format(msgspec.json.encode(config, order="deterministic"), indent=2)
    (directory / CONFIG_NAME).write_bytes(raw + b"\n")


def read_config(directory: Path) -> EncoderConfig:
    """Read `encoder.json`.

    Raises:
        EncoderError: it is missing, damaged, or of another version.
    """
    path = directory / CONFIG_NAME
    try:
        config = msgspec.json.decode(path.read_bytes(), type=EncoderConfig)
    except (OSError, msgspec.DecodeError) as error:
        raise EncoderError(f"{path} cannot be read ({error}); build the encoder again") from error
    if config.format_version != FORMAT_VERSION:
        raise EncoderError(
            f"{path} has format_version={config.format_version}, this program reads "
            f"{FORMAT_VERSION}; build the encoder again or update the program"
        )
    return config


def verify_file(directory: Path, file: EncoderFile) -> Path:
    """Give the file's path after comparing its bytes with the hash.

    Raises:
        EncoderError: the file is missing, lies outside the directory, or is not the one that was written.
    """
    path = directory / file.path
    if Path(file.path).name != file.path:
        raise EncoderError(f"{directory}: {file.path!r} is no plain file name")
    try:
        found = sha256_once(path)
    except OSError as error:
        raise EncoderError(f"{path} cannot be read ({error}); copy the bundle again") from error
    if found != file.sha256:
        raise EncoderError(
            f"{path} is damaged: its sha256 is {found[:12]}…, {CONFIG_NAME} says "
            f"{file.sha256[:12]}…; copy the bundle again"
        )
    return path
