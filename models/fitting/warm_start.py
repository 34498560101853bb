"""Where the weights of a new version begin: a head of the previous one in, weights for new labels out, to `fit`.

Labels are carried over by name and by what became of them, n-grams by their hash. Knows no rows and no fit.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.bundle import BundleError, check_name, versions
from models.heads import Head, LinearWeights
from models.labels import HeadSpec
from models.manifest import read_manifest
from models.ngrams import NgramVocabulary
from models.rows.label_changes import heirs_of

_LEAST_SHARE = 1e-6


def find_previous(models_dir: Path, name: str, tenant: str) -> Path | None:
    """The latest complete version of a tenant's model; None: there is none, this is the first one.

    A half-written or damaged version is passed over: it says nothing. So is one of another tenant that shares the name:
    its labels and weights are nobody else's business.

    Raises:
        BundleError: the name is not allowed.
    """
    check_name(name)
    for version in reversed(versions(models_dir, name)):
        path = models_dir / name / str(version)
        try:
            manifest = read_manifest(path)
        except BundleError:
            continue
        if manifest.tenant == tenant:
            return path
    return None


def start_weights(
    previous: Head,
    previous_vocabulary: NgramVocabulary,
    spec: HeadSpec,
    vocabulary: NgramVocabulary | None,
    changes: Mapping[str, str | None],
    rows: Mapping[str, int] | None = None,
) -> LinearWeights:
    """Weights to begin a fit with.

    A label that stays or is renamed takes its old weights. A merged one takes the mean of them, weighted by the rows
    where they are known. A new one has zero weights, and the bias of its share of the rows. Removed ones vanish.

    Args:
        previous: the same head of the previous version, on the same encoder: other embeddings have other weights.
        previous_vocabulary: of its n-grams.
        spec: the head to be.
        vocabulary: of its n-grams; None: it reads none.
        changes: old label -> new label of this head; None: removed.
        rows: label -> how many rows have it, old names and new ones; None: unknown, all count alike.

    Returns:
        float32 dense [L, H], bias [L], n-grams [V, L] where there is a vocabulary.
    """
    heirs = heirs_of(previous.spec.labels, spec.labels, changes)
    mix = _mix(previous.spec, spec, heirs, rows or {})  # [L, P]
    old = previous.weights
    bias = (mix @ old.bias).astype(np.float32)  # [L, P] @ [P] -> [L]
    is_new = np.array([not heirs[label] for label in spec.labels])
    bias[is_new] = _fresh_bias(spec, bias, is_new, rows or {})[is_new]
    ngrams = None
    if vocabulary is not None:
        ngrams = np.zeros((len(vocabulary), len(spec.labels)), np.float32)
        if old.ngrams is not None:
            _, there, then = np.intersect1d(
                vocabulary.hashes,
                previous_vocabulary.hashes,
                assume_unique=True,
                return_indices=True,
            )
            ngrams[there] = old.ngrams[then].astype(np.float32) @ mix.T  # [K, P] @ [P, L] -> [K, L]
    return LinearWeights((mix @ old.dense).astype(np.float32), bias, ngrams)


def _mix(
    previous: HeadSpec,
    spec: HeadSpec,
    heirs: Mapping[str, tuple[str, ...]],
    rows: Mapping[str, int],
) -> npt.NDArray[np.float32]:
    """How much of each previous label a label takes, float32 [L, P]; a row sums to 1, or to 0 for a new label."""
    places = {label: place for place, label in enumerate(previous.labels)}
    mix = np.zeros((len(spec.labels), len(previous.labels)), np.float32)
    for label, olds in enumerate(heirs[name] for name in spec.labels):
        counts = [rows.get(old, 0) for old in olds]
        # rows that carry their new name already say nothing about the old ones' share
        weights = counts if all(counts) else [1] * len(olds)
        for old, weight in zip(olds, weights, strict=True):
            mix[label, places[old]] = weight / sum(weights)
    return mix


def _fresh_bias(
    spec: HeadSpec,
    bias: npt.NDArray[np.float32],
    is_new: npt.NDArray[np.bool_],
    rows: Mapping[str, int],
) -> npt.NDArray[np.float32]:
    """Biases by share alone, float32 [L].

    Softmax scores have a free common offset, so that a new label's bias is put where the known ones' biases are.
    """
    counts = np.array([rows.get(label, 0) for label in spec.labels], np.float64)
    total = max(1.0, float(counts.sum()))
    share = np.clip(counts / total, _LEAST_SHARE, 1 - _LEAST_SHARE) if counts.any() else None
    if share is None:
        share = np.full(len(counts), 1 / max(2, len(counts)))
    fresh = np.log(share) if spec.kind == "multiclass" else np.log(share / (1 - share))
    if spec.kind == "multiclass" and not is_new.all():
        fresh += float((bias - fresh)[~is_new].mean())
    return fresh.astype(np.float32)
