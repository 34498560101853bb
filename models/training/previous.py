"""The previous version of a model, as training sees it: its label sets, and where heads on the same encoder may begin.

For `models.train`. Opens no session: an old version that no longer runs here can still be compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load

from models.fitting.warm_start import find_previous, start_weights
from models.heads import Head, LinearWeights
from models.labels import HeadSpec
from models.manifest import (
    HEADS_NAME,
    BundleError,
    HeadEntry,
    Manifest,
    read_manifest,
    verify_files,
)
from models.ngrams import NgramVocabulary
from models.rows.errors import DatasetError
from models.rows.label_changes import HeadChange, LabelChanges, describe_changes


@dataclass(frozen=True)
class Previous:
    """The latest whole version of a tenant's model.

    Args:
        manifest: of it.
        heads, vocabulary: its weights; no head when its files are damaged.
        changes: what became of its labels.
    """

    manifest: Manifest
    heads: Mapping[str, Head]
    vocabulary: NgramVocabulary | None
    changes: LabelChanges

    @property
    def label(self) -> str:
        """NAME/VERSION."""
        return f"{self.manifest.name}/{self.manifest.version}"

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """Head -> its labels."""
        return {entry.name: entry.labels for entry in self.manifest.heads}

    def start(
        self, spec: HeadSpec, vocabulary: NgramVocabulary | None, encoder_sha256: str
    ) -> LinearWeights | None:
        """Weights to begin a fit with; None: there is no such head, or it reads another encoder's embeddings."""
        head = self.heads.get(spec.name)
        if head is None or self.vocabulary is None or head.spec.kind != spec.kind:
            return None
        if self.manifest.encoder.sha256 != encoder_sha256:
            return None
        return start_weights(head, self.vocabulary, spec, vocabulary, self.changes.of(spec.name))

    def describe(self, specs: Mapping[str, HeadSpec]) -> dict[str, HeadChange]:
        """Head -> how its labels differ, for heads that differ; a head that is gone has all its labels removed."""
        before = self.labels
        found = {
            name: describe_changes(
                before.get(name, ()),
                specs[name].labels if name in specs else (),
                self.changes.of(name),
            )
            for name in sorted({*before, *specs})
        }
        return {name: change for name, change in found.items() if not change.is_empty}


def read_previous(
    models_dir: Path, name: str, tenant: str, changes: LabelChanges
) -> Previous | None:
    """The latest whole version of a tenant's model, or None.

    Raises:
        DatasetError: there is none, and label changes were named.
        BundleError: the name is not allowed.
    """
    path = find_previous(models_dir, name, tenant)
    if path is None:
        if changes.by_head:
            raise DatasetError(
                f"{changes.source} says what became of labels since the last version, and {models_dir} has no version "
                f"of {name!r} for tenant {tenant!r}; leave --label-changes out (labels are learned as the rows have "
                "them), or name the model that was trained before (--name, --tenant, --models-dir)"
            )
        return None
    manifest = read_manifest(path)
    try:
        verify_files(path, manifest)
        tensors = load((path / HEADS_NAME).read_bytes())
        heads = {
            entry.name: _read_head(tensors, place, entry)
            for place, entry in enumerate(manifest.heads)
        }
        vocabulary = NgramVocabulary(tensors["ngrams.hashes"], tensors["ngrams.rarity"])
    except (BundleError, SafetensorError, KeyError, OSError):
        return Previous(manifest, {}, None, changes)  # its label sets are still known
    return Previous(manifest, heads, vocabulary, changes)


def _read_head(tensors: Mapping[str, Any], place: int, entry: HeadEntry) -> Head:
    weights = LinearWeights(
        tensors[f"heads.{place}.dense"],
        tensors[f"heads.{place}.bias"],
        tensors[f"heads.{place}.ngrams"] if entry.uses_ngrams else None,
    )
    return Head(HeadSpec(entry.name, entry.kind, entry.labels), weights, 1.0, None)
