"""Keeps a training that was killed: one file, written whole or not at all, read again by an equal request.

Knows bytes and torch's containers, not what is trained.
"""

import hashlib
import io
import os
import pickle
from pathlib import Path
from typing import Any, cast

from models.bundle_writer import sync
from models.tuning.device import torch

NAME = "checkpoint.pt"
_DIGEST_BYTES = 32


class CheckpointError(ValueError):
    """A checkpoint that cannot be gone on from; the message says why."""


def write_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Replace the folder's checkpoint; a kill at any moment leaves the old one or the new one.

    Args:
        folder: created when missing.
        state: tensors, numbers, strings, and containers of them.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    folder.mkdir(parents=True, exist_ok=True)
    work = folder / f"{NAME}.writing"
    with work.open("wb") as file:
        file.write(hashlib.sha256(content).digest())
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    work.replace(folder / NAME)
    sync(folder)


def read_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The folder's checkpoint, or None where there is none.

    Raises:
        CheckpointError: it is damaged.
    """
    path = folder / NAME
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or type(error).__name__  # without the path: notes travel
        raise CheckpointError(f"{NAME} cannot be read ({reason})") from error
    content = raw[_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != raw[:_DIGEST_BYTES]:
        raise CheckpointError(f"{NAME} is damaged: its content does not match its own hash")
    try:
        return cast("dict[str, Any]", torch.load(io.BytesIO(content), "cpu", weights_only=True))
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise CheckpointError(f"{NAME} was written by another version ({error})") from error
