"""Measures the graphs of a built encoder for the manifest: size, speed, and how near each is to torch or to float32.

For training. The encoder's directory stays as it is: no time is in a file that has a content hash.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Literal, cast

import numpy as np

from models.encoder.base_kind import Pooling
from models.encoder.base_weights import Float32Array
from models.encoder.files import Precision, read_config
from models.manifest import ArtefactEntry
from models.runtime import Encoder, RuntimeUnavailableError

REPEATS = 3


def artefact_entries(
    encoder_dir: Path, base: Path, texts: Sequence[str], *, with_torch: bool | None = None
) -> dict[Precision, ArtefactEntry]:
    """Run every graph on the texts, one text a run, on one thread.

    Args:
        encoder_dir: a built encoder.
        base: the base model it was built from.
        texts: what to run, such as the golden rows' texts; at least one.
        with_torch: compare with torch, which needs the extra `train`; False: with the fp32 graph. None: with torch
            where it is loaded already: importing it takes longer than recipe `quick`.

    Returns:
        By precision. fp16 is timed on CUDA alone; without it, it runs on the CPU to be compared.

    Raises:
        BaseModelError: torch was asked for and is not installed.
    """
    assert texts, "nothing to run; this is a bug"
    config = read_config(encoder_dir)
    encoders: dict[Precision, Encoder] = {name: _open(encoder_dir, name) for name in config.files}
    first = next(iter(encoders.values()))
    rows = [text.ids for text in first.tokenize(texts)]
    wanted, compared_with = _reference(base, config.pooling, rows, encoders, with_torch)
    entries: dict[Precision, ArtefactEntry] = {}
    for name, encoder in encoders.items():
        embeddings = _embed(encoder, rows)
        is_timed = name != "fp16" or encoder.provider != "cpu"
        least = None
        if wanted is not None and compared_with != name:
            least = _least_cosine(embeddings, wanted)
        entries[name] = ArtefactEntry(
            size_bytes=config.files[name].size_bytes,
            provider=encoder.provider,
            texts_per_second=_speed(encoder, rows) if is_timed else None,
            least_cosine=least,
            compared_with=None if least is None else compared_with,
        )
    return entries


def _open(encoder_dir: Path, precision: Precision) -> Encoder:
    if precision == "fp16":
        try:
            return Encoder(encoder_dir, ["cuda"], 1, precision)
        except RuntimeUnavailableError:
            pass  # no such device here: ONNX Runtime runs what a CPU lacks in float32, between casts
    return Encoder(encoder_dir, ["cpu"], 1, precision)


def _reference(
    base: Path,
    pooling: str,
    rows: Sequence[Sequence[int]],
    encoders: dict[Precision, Encoder],
    with_torch: bool | None,
) -> "tuple[Float32Array, Literal['torch', 'fp32']] | tuple[None, None]":
    if with_torch is None:
        with_torch = "torch" in sys.modules
    if with_torch:
        from models.encoder.export import torch_embeddings  # noqa: PLC0415 - needs the extra

        return torch_embeddings(base, cast("Pooling", pooling), rows), "torch"
    if "fp32" in encoders:
        return _embed(encoders["fp32"], rows), "fp32"
    return None, None


def _embed(encoder: Encoder, rows: Sequence[Sequence[int]]) -> Float32Array:
    return np.concatenate([encoder.embed([row]) for row in rows])


def _least_cosine(found: Float32Array, wanted: Float32Array) -> float:
    """Of unit-length rows."""
    return round(float((found.astype(np.float64) * wanted).sum(axis=1).min()), 6)


def _speed(encoder: Encoder, rows: Sequence[Sequence[int]]) -> float:
    """Texts per second; `_embed` has warmed the session up."""
    seconds: list[float] = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        _embed(encoder, rows)
        seconds.append(time.perf_counter() - started)
    return round(len(rows) / median(seconds), 1)
