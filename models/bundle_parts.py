"""Reads what a bundle answers with, heads or a churn model, from its directory; for `models.bundle`.

Knows which files a kind of bundle must hold. The files were compared with their hashes before.
"""

import hashlib
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
from safetensors.numpy import load

from models.churn.model import CHURN_NAME, TENSORS_NAME, ChurnModel
from models.heads import Float32Array, Head, LinearWeights
from models.labels import HeadSpec
from models.manifest import HEADS_NAME, MANIFEST_NAME, Manifest
from models.ngrams import HashArray, NgramVocabulary

_vocabularies: WeakValueDictionary[bytes, NgramVocabulary] = WeakValueDictionary()


def files_of(manifest: Manifest) -> tuple[str, ...]:
    """What a bundle of this kind must hold beside encoder and golden rows."""
    if manifest.kind == "text":
        return (HEADS_NAME,)
    projected = manifest.churn is not None and manifest.churn.projection is not None
    return (CHURN_NAME, TENSORS_NAME) if projected else (CHURN_NAME,)


def read_churn(path: Path, manifest: Manifest, hidden_size: int) -> ChurnModel:
    """The churn model of a bundle whose encoder gives embeddings of `hidden_size` numbers.

    Raises:
        ValueError: its parts do not belong together.
    """
    entry = manifest.churn
    if entry is None:
        raise ValueError(f"{MANIFEST_NAME} names no churn model")
    projection = None
    if entry.projection is not None:
        projection = load((path / TENSORS_NAME).read_bytes())[entry.projection]
    read = entry.space.size if projection is None else len(projection)
    if entry.space.textual and read != hidden_size:
        raise ValueError(
            f"the churn model reads embeddings of {read}, the encoder gives {hidden_size}"
        )
    return ChurnModel(entry, (path / CHURN_NAME).read_bytes(), projection)


def read_heads(
    path: Path, manifest: Manifest, hidden_size: int
) -> tuple[list[Head], NgramVocabulary]:
    """The heads of a text bundle, in the manifest's order, and the vocabulary that they share.

    Raises:
        ValueError: a head's weights do not fit its labels or the encoder.
    """
    tensors = load((path / HEADS_NAME).read_bytes())
    heads = [
        Head(
            HeadSpec(entry.name, entry.kind, entry.labels),
            LinearWeights(
                tensors[f"heads.{place}.dense"],
                tensors[f"heads.{place}.bias"],
                tensors[f"heads.{place}.ngrams"] if entry.uses_ngrams else None,
            ),
            entry.temperature,
            None if entry.thresholds is None else np.array(entry.thresholds, np.float64),
            entry.abstain_below,
            entry.out_of_scope_label,
        )
        for place, entry in enumerate(manifest.heads)
    ]
    for head in heads:
        if head.weights.dense.shape != (len(head.spec.labels), hidden_size):
            raise ValueError(
                f"head {head.spec.name!r} has weights {head.weights.dense.shape} for {len(head.spec.labels)} "
                f"labels and embeddings of {hidden_size}"
            )
    return heads, _shared(tensors["ngrams.hashes"], tensors["ngrams.rarity"])


def _shared(hashes: HashArray, rarity: Float32Array) -> NgramVocabulary:
    """The vocabulary; versions of a model that learned from the same texts hold one in memory."""
    key = hashlib.sha256(hashes.tobytes() + rarity.tobytes()).digest()
    return _vocabularies.setdefault(key, NgramVocabulary(hashes, rarity))


def no_vocabulary() -> NgramVocabulary:
    """Of a bundle without heads."""
    return _shared(np.zeros(0, np.uint32), np.zeros(0, np.float32))
