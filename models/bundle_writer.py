"""Writes a bundle: everything that serving needs in one directory, which appears whole or not at all.

For `models.train` and `models.train_churn`. Concurrent writers of one name get different versions. Knows no training.
"""

import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import orjson
from safetensors.numpy import save

from models.bundle_names import check_name, versions
from models.churn.golden import GoldenCall, write_golden_calls
from models.churn.model import CHURN_NAME, TENSORS_NAME
from models.encoder.files import CONFIG_NAME
from models.golden import GoldenRow, write_golden
from models.heads import Float32Array, Head
from models.manifest import (
    ANSWERS_NAME,
    ENCODER_NAME,
    GOLDEN_NAME,
    HEADS_NAME,
    PAGE_NAME,
    REPORT_NAME,
    HeadEntry,
    Manifest,
    describe_files,
    write_manifest,
)
from models.ngrams import NgramVocabulary

UNFINISHED = ".writing-"


@dataclass(frozen=True)
class BundleParts:
    """What goes into a bundle.

    Args:
        encoder_dir: a built encoder.
        heads, vocabulary: fitted on that encoder.
        golden: rows with their answers.
        report: content of `report.json`.
        page: `report.html`; None: there is none.
        answers: `answers.jsonl`, what it answered on the rows kept back, without texts; None: there is none.
    """

    encoder_dir: Path
    heads: Sequence[Head]
    vocabulary: NgramVocabulary
    golden: Sequence[GoldenRow]
    report: msgspec.Struct
    page: str | None = None
    answers: bytes | None = None

    def write_model(self, work: Path) -> None:
        """Heads and golden rows."""
        (work / HEADS_NAME).write_bytes(_tensors(self.heads, self.vocabulary))
        write_golden(work / GOLDEN_NAME, self.golden)


@dataclass(frozen=True)
class ChurnParts:
    """What goes into a churn bundle.

    Args:
        encoder_dir: a built encoder; also of a model that hears nobody: a worker embeds for all models alike.
        graph: content of `churn.onnx`.
        projection: name and matrix float32 [H, D]; None: embeddings are summed as they are.
        golden: calls with their answers.
        report, page, answers: as of a text bundle.
    """

    encoder_dir: Path
    graph: bytes
    projection: tuple[str, Float32Array] | None
    golden: Sequence[GoldenCall]
    report: msgspec.Struct
    page: str | None = None
    answers: bytes | None = None

    def write_model(self, work: Path) -> None:
        """Graph, matrix and golden calls."""
        (work / CHURN_NAME).write_bytes(self.graph)
        if self.projection is not None:
            (work / TENSORS_NAME).write_bytes(save(dict([self.projection])))
        write_golden_calls(work / GOLDEN_NAME, self.golden)


def head_entries(heads: Sequence[Head]) -> tuple[HeadEntry, ...]:
    """The heads as the manifest names them."""
    return tuple(
        HeadEntry(
            name=head.spec.name,
            kind=head.spec.kind,
            labels=head.spec.labels,
            temperature=head.temperature,
            thresholds=None if head.thresholds is None else tuple(head.thresholds.tolist()),
            abstain_below=head.abstain_below,
            uses_ngrams=head.weights.ngrams is not None,
            out_of_scope_label=head.out_of_scope_label,
        )
        for head in heads
    )


def write_bundle(models_dir: Path, manifest: Manifest, parts: BundleParts | ChurnParts) -> Path:
    """Write a new version and give its directory.

    Args:
        models_dir: created when missing.
        manifest: `version` and `files` are filled in here.
        parts: the content.

    Raises:
        BundleError: the name is not allowed.
        OSError: the disk is full or not writable; nothing is left behind under a version's name.
    """
    check_name(manifest.name)
    home = models_dir / manifest.name
    home.mkdir(parents=True, exist_ok=True)
    work = home / f"{UNFINISHED}{uuid.uuid4().hex}"
    try:
        work.mkdir()
        link_tree(parts.encoder_dir, work / ENCODER_NAME)
        parts.write_model(work)
        report: Any = msgspec.to_builtins(parts.report)
        (work / REPORT_NAME).write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
        if parts.page is not None:
            (work / PAGE_NAME).write_text(parts.page, encoding="utf-8")
        if parts.answers is not None:
            (work / ANSWERS_NAME).write_bytes(parts.answers)
        filled = msgspec.structs.replace(manifest, files=describe_files(work))
        return _publish(work, filled, max(versions(models_dir, manifest.name), default=0) + 1)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _publish(work: Path, manifest: Manifest, version: int) -> Path:
    """Give the finished directory the first free number from `version` on."""
    while True:
        target = work.parent / str(version)
        write_manifest(work, msgspec.structs.replace(manifest, version=str(version)))
        sync_tree(work)
        try:
            # A directory never replaces one that has files: of two writers the second takes the next number.
            work.rename(target)
        except OSError:
            if not target.exists():
                raise
            version += 1
            continue
        sync(target.parent)
        return target


def link_tree(source: Path, target: Path) -> None:
    """Share the files of one flat directory with another by hard links, or copy where there are none."""
    target.mkdir()
    names = [path.name for path in sorted(source.iterdir()) if path.is_file()]
    assert CONFIG_NAME in names, f"{source} is no encoder; this is a bug"
    for name in names:
        try:
            os.link(source / name, target / name)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source / name, target / name)


def sync_tree(directory: Path) -> None:
    """Bring every file and directory below to the disk, the directory last."""
    for path in sorted(directory.rglob("*"), reverse=True):
        sync(path)
    sync(directory)


def sync(path: Path) -> None:
    """Sync one file or directory (which some systems refuse to open)."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tensors(heads: Sequence[Head], vocabulary: NgramVocabulary) -> bytes:
    tensors = {"ngrams.hashes": vocabulary.hashes, "ngrams.rarity": vocabulary.rarity}
    for place, head in enumerate(heads):
        tensors[f"heads.{place}.dense"] = np.ascontiguousarray(head.weights.dense)
        tensors[f"heads.{place}.bias"] = np.ascontiguousarray(head.weights.bias)
        if head.weights.ngrams is not None:
            tensors[f"heads.{place}.ngrams"] = np.ascontiguousarray(head.weights.ngrams)
    return save(tensors)
