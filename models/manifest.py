"""What a bundle says about itself: `manifest.json`, sealed so that any changed byte is found.

Written by `models.bundle_writer`, read by `models.bundle`. Knows the layout of a bundle and no model.
"""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
import orjson

from models.churn.entry import ChurnEntry
from models.encoder.file_hashes import sha256_of, sha256_once
from models.encoder.files import Precision
from models.labels import HeadKind
from models.rows.dataset import DataFile

# 2: labels by tenant, a label that is never emitted; a reader of 1 would emit both. 3: a churn model in place of heads;
# a reader of 2 would take it for a text model that answers nothing. Text bundles are still of 2.
TEXT_FORMAT_VERSION = 2
FORMAT_VERSION = 3
MANIFEST_NAME = "manifest.json"
HEADS_NAME = "heads.safetensors"
REPORT_NAME = "report.json"
GOLDEN_NAME = "golden.jsonl"
PAGE_NAME = "report.html"
ANSWERS_NAME = "answers.jsonl"
ENCODER_NAME = "encoder"
BundleKind = Literal["text", "churn"]
DEFAULT_TENANT = "default"  # this model answers for tenants that have none of their own
_SEAL = "manifest_sha256"
_JSON = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class BundleError(ValueError):
    """A bundle that must not serve; the message names the thing, the value and the way out."""


class HeadEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One head; its weights are tensors `heads.<place>.*` of `heads.safetensors`."""

    name: str
    kind: HeadKind
    labels: tuple[str, ...]
    temperature: float
    thresholds: tuple[float, ...] | None
    abstain_below: float
    uses_ngrams: bool
    out_of_scope_label: str | None = None


class EncoderEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The encoder: what it was made from, and the hash of its `encoder.json`, which names all its files."""

    base_model: str
    sha256: str
    max_length_tokens: int


class TrainingEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the bundle learned from. File names have no folder: a bundle travels.

    Args:
        recipe: how.
        seed: of everything that draws.
        rows: learned from.
        test_rows: kept back for the figures.
        train, validation, test: the files; without a test file, rows of the training files were kept back.
    """

    recipe: str
    seed: int
    rows: int
    test_rows: int
    train: tuple[DataFile, ...]
    validation: tuple[DataFile, ...]
    test: tuple[DataFile, ...]


class ArtefactEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One graph of the encoder as it was when the bundle was made.

    Args:
        size_bytes: of the file.
        provider: what it was run on here.
        texts_per_second: one thread, median of three; None: not timed (fp16 on a CPU says nothing about a GPU).
        least_cosine: the worst of the probe texts against torch, or against fp32 where torch is not installed.
        compared_with: `torch` or `fp32`; None: not compared.
    """

    size_bytes: int
    provider: str | None = None
    texts_per_second: float | None = None
    least_cosine: float | None = None
    compared_with: str | None = None


class FileEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the bundle."""

    sha256: str
    size_bytes: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`manifest.json`.

    Args:
        metrics: the main figures by head, from rows kept back.
        schemas: tenant -> head -> the labels that its mail may get; `*`: what tenants that are not named may get
            (without that key: all). Filled where the training rows name two tenants, or one beside rows of none.
        languages: of the training rows, where they say; mail in another one abstains. Empty: all.
        artefacts: the encoder's graphs by precision.
        previous: NAME/VERSION that label sets were compared with, of the same tenant; None: this is the first.
        kind: `text`: heads answer mails; `churn`: there are none, and calls get a probability.
        churn: of a churn bundle.
    """

    format_version: int = TEXT_FORMAT_VERSION
    name: str
    version: str
    tenant: str
    created_at: str
    input_template: str
    heads: tuple[HeadEntry, ...]
    encoder: EncoderEntry
    training: TrainingEntry
    metrics: dict[str, dict[str, float]]
    files: dict[str, FileEntry]
    schemas: dict[str, dict[str, tuple[str, ...]]] = {}
    languages: tuple[str, ...] = ()
    artefacts: dict[Precision, ArtefactEntry] = {}
    previous: str | None = None
    kind: BundleKind = "text"
    churn: ChurnEntry | None = None


def describe_files(directory: Path) -> dict[str, FileEntry]:
    """Every file below a directory but the manifest, by its path there."""
    return {
        path.relative_to(directory).as_posix(): FileEntry(
            sha256=sha256_of(path), size_bytes=path.stat().st_size
        )
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != MANIFEST_NAME
    }


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write `manifest.json` with the hash of its own content."""
    content: dict[str, Any] = msgspec.to_builtins(manifest)
    (directory / MANIFEST_NAME).write_bytes(_sealed(content))


def read_manifest(directory: Path) -> Manifest:
    """Read `manifest.json` and verify its seal.

    Raises:
        BundleError: the bundle or its manifest is missing, damaged, or of a later program.
    """
    path = directory / MANIFEST_NAME
    if not directory.is_dir():
        raise BundleError(
            f"{directory}: no such bundle; see `switchboard models list`, or train it"
        )
    try:
        raw = path.read_bytes()
        content: Any = orjson.loads(raw)
    except FileNotFoundError as error:
        raise BundleError(
            f"{directory} has no {MANIFEST_NAME}: it was half-written or half-copied; "
            "copy it again, or remove it and serve another version"
        ) from error
    except (OSError, orjson.JSONDecodeError) as error:
        raise _damaged(path, f"it cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise _damaged(path, "it is no JSON object")
    fields = cast("dict[str, Any]", content)
    version = fields.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise BundleError(
            f"{path} has format_version={version}, this program reads up to {FORMAT_VERSION}; "
            "update switchboard-classifier"
        )
    if _sealed({key: value for key, value in fields.items() if key != _SEAL}) != raw:
        raise _damaged(path, "its content does not match its own hash")
    try:
        return msgspec.convert(fields, Manifest)
    except msgspec.ValidationError as error:
        raise _damaged(path, str(error)) from error


def verify_files(directory: Path, manifest: Manifest, unread: Collection[str] = ()) -> None:
    """Compare every file with its hash.

    Args:
        directory: the bundle's.
        manifest: its manifest.
        unread: names of files that will not be read: they must be there in their size.

    Raises:
        BundleError: names the first file that is missing or changed.
    """
    for name, entry in manifest.files.items():
        path = directory / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise _damaged(directory / MANIFEST_NAME, f"the file name {name!r} leaves the bundle")
        if not path.is_file():
            raise _damaged(path, "it is missing")
        if name in unread:
            if path.stat().st_size != entry.size_bytes:
                raise _damaged(path, f"it has {path.stat().st_size} bytes, not {entry.size_bytes}")
            continue
        is_large = name.startswith(f"{ENCODER_NAME}/")
        found = sha256_once(path) if is_large else sha256_of(path)
        if found != entry.sha256:
            raise _damaged(path, f"its sha256 is {found[:12]}…, not {entry.sha256[:12]}…")


def _damaged(path: Path, what: str) -> BundleError:
    return BundleError(f"{path} is damaged: {what}; copy the bundle again or serve another version")


def _sealed(content: Mapping[str, Any]) -> bytes:
    seal = hashlib.sha256(orjson.dumps(dict(content), option=_JSON)).hexdigest()
    return orjson.dumps({**content, _SEAL: seal}, option=_JSON)
