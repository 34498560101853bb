"""Loads a bundle from its directory, after finding nothing wrong with it: texts and embeddings in, answers out.

For `stream` and `models.evaluate`. Knows the layout of a bundle, not how one is made (`models.bundle_writer`) and
nothing of Kafka.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from models.encoder_files import CONFIG_NAME, EncoderError
from models.golden import GoldenCheck, read_golden
from models.heads import Float32Array, Head, HeadAnswer, LinearWeights, answer_heads
from models.labels import HeadSpec, input_text
from models.manifest import (
    ENCODER_NAME,
    GOLDEN_NAME,
    HEADS_NAME,
    MANIFEST_NAME,
    BundleError,
    Manifest,
    read_manifest,
    verify_files,
)
from models.ngrams import NgramVocabulary
from models.runtime import Encoder, InferenceError

__all__ = [
    "Bundle",
    "BundleError",
    "HeadAnswer",
    "check_name",
    "load_bundle",
    "resolve",
    "versions",
]

ENCODERS_NAME = "encoders"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Bundle:
    """A model that may serve. Thread-safe: nothing in it changes.

    Args:
        manifest: what the bundle says about itself.
        encoder: the session, maybe shared with other bundles.
        heads: in the manifest's order.
        vocabulary: of the heads that read n-grams; empty when none does.
        golden: the bundle's own check.
    """

    def __init__(
        self,
        manifest: Manifest,
        encoder: Encoder,
        heads: Sequence[Head],
        vocabulary: NgramVocabulary,
        golden: GoldenCheck,
    ) -> None:
        self.manifest = manifest
        self.encoder = encoder
        self.heads: tuple[Head, ...] = tuple(heads)
        self._vocabulary = vocabulary
        self._golden = golden

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """The version, a number from 1."""
        return self.manifest.version

    @property
    def tenant(self) -> str:
        """Whose mail it answers; `default` answers for tenants that have no model of their own."""
        return self.manifest.tenant

    def text(self, subject: str, body: str, attributes: Mapping[str, str]) -> str:
        """The text that the encoder reads, by the template the bundle was trained with."""
        return input_text(subject, body, attributes, self.manifest.input_template)

    def predict(
        self, embeddings: Float32Array, texts: Sequence[str]
    ) -> list[dict[str, HeadAnswer]]:
        """Answer every head for every row; a row's answers do not depend on the others.

        Args:
            embeddings: float32 [B, H], finite: the caller has sorted other rows out.
            texts: [B], the texts as `text` gave them; heads may read their n-grams.

        Returns:
            Per row, in order: head name -> answer.
        """
        return answer_heads(self.heads, self._vocabulary, embeddings, texts)

    def golden_failure(self) -> str | None:
        """Run the golden rows on the live session: None, or what is wrong. Tells a sick device from a bad mail."""
        try:
            return self._golden.run()
        except InferenceError as error:
            return str(error)


def load_bundle(
    path: Path,
    providers: Sequence[str] | str = "auto",
    threads: int = 1,
    encoders: dict[str, Encoder] | None = None,
) -> Bundle:
    """Load a bundle: manifest, hash of every file, session, golden run.

    Args:
        path: the bundle's directory (`resolve`).
        providers: as `models.runtime.Encoder` takes them.
        threads: how many threads will call the encoder.
        encoders: sessions by content and provider, read and added to: equal encoders are one session.

    Raises:
        BundleError: missing, half-written, damaged, of a later program, or its golden rows come out otherwise.
        RuntimeUnavailableError: a provider that was asked for cannot be had.
    """
    manifest = read_manifest(path)
    verify_files(path, manifest)
    for name in (HEADS_NAME, GOLDEN_NAME, f"{ENCODER_NAME}/{CONFIG_NAME}"):
        if name not in manifest.files:
            raise BundleError(
                f"{path / MANIFEST_NAME} does not list {name}; train the bundle again"
            )
    try:
        encoder = _open_encoder(path, manifest, providers, threads, encoders)
        heads, vocabulary = _read_heads(path, manifest, encoder.hidden_size)
        rows = read_golden(path / GOLDEN_NAME)
    except (EncoderError, SafetensorError, KeyError, ValueError) as error:
        raise BundleError(f"{path} cannot be loaded: {error}; train the bundle again") from error
    golden = GoldenCheck(rows, manifest.input_template, encoder, heads, vocabulary)
    bundle = Bundle(manifest, encoder, heads, vocabulary, golden)
    failure = bundle.golden_failure()
    if failure is not None:
        raise BundleError(
            f"{path} does not answer here as it did when it was made: {failure}; "
            "compare the versions of onnxruntime and the processors, or train it on this kind of machine"
        )
    return bundle


def resolve(models_dir: Path, name: str) -> Path:
    """Find the directory of `NAME/VERSION`, or of the latest version of `NAME`.

    A half-written latest version is given too: loading it says so, and no older one slips in silently.

    Raises:
        BundleError: there is none; says what there is.
    """
    model, _, version = name.partition("/")
    check_name(model)
    there = versions(models_dir, model)
    if not there:
        known = sorted(
            path.name
            for path in models_dir.glob("*/")
            if path.name != ENCODERS_NAME and versions(models_dir, path.name)
        )
        raise BundleError(
            f"{models_dir} has no model {model!r}, only {known}; train it: "
            f"switchboard train --name {model} --data FILE"
        )
    if version and version not in map(str, there):
        raise BundleError(
            f"model {model!r} has no version {version!r} in {models_dir}, only {there}; name one of these"
        )
    return models_dir / model / (version or str(there[-1]))


def versions(models_dir: Path, model: str) -> list[int]:
    """The versions of a model that were given a number, rising; finished or not."""
    return sorted(
        int(path.name)
        for path in (models_dir / model).glob("*/")
        if path.name.isascii() and path.name.isdigit() and not path.name.startswith("0")
    )


def check_name(model: str) -> None:
    """Refuse a model name that is no plain directory name.

    Raises:
        BundleError: says what a name may be.
    """
    if not _NAME.fullmatch(model) or model == ENCODERS_NAME:
        raise BundleError(
            f"model name {model!r} is not allowed; use letters, digits, '.', '_' and '-', "
            f"at most 64, and not {ENCODERS_NAME!r}"
        )


def _open_encoder(
    path: Path,
    manifest: Manifest,
    providers: Sequence[str] | str,
    threads: int,
    encoders: dict[str, Encoder] | None,
) -> Encoder:
    asked = providers if isinstance(providers, str) else ",".join(providers)
    cache = encoders if encoders is not None else {}
    key = f"{manifest.encoder.sha256}@{asked}"
    if key not in cache:
        cache[key] = Encoder(path / ENCODER_NAME, providers, threads)
    return cache[key]


def _read_heads(
    path: Path, manifest: Manifest, hidden_size: int
) -> tuple[list[Head], NgramVocabulary]:
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
        )
        for place, entry in enumerate(manifest.heads)
    ]
    for head in heads:
        if head.weights.dense.shape != (len(head.spec.labels), hidden_size):
            raise ValueError(
                f"head {head.spec.name!r} has weights {head.weights.dense.shape} for {len(head.spec.labels)} "
                f"labels and embeddings of {hidden_size}"
            )
    return heads, NgramVocabulary(tensors["ngrams.hashes"], tensors["ngrams.rarity"])
