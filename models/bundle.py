"""Loads a bundle from its directory, after finding nothing wrong with it: texts and embeddings in, answers out.

A text bundle answers mails by its heads; a churn bundle has a churn model in their place.

For `stream` and `models.evaluate`. Knows the layout of a bundle, not how one is made (`models.bundle_writer`) and
nothing of Kafka.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors import SafetensorError

from models.bundle_names import ENCODERS_NAME, check_name, resolve, versions
from models.bundle_parts import files_of, no_vocabulary, read_churn, read_heads
from models.churn.golden import ChurnGoldenCheck, read_golden_calls
from models.churn.model import ChurnModel
from models.encoder.files import CONFIG_NAME, EncoderError
from models.golden import GoldenCheck, read_golden
from models.heads import Float32Array, Head, HeadAnswer, answer_heads
from models.labels import input_text
from models.manifest import (
    ENCODER_NAME,
    GOLDEN_NAME,
    MANIFEST_NAME,
    BundleError,
    BundleKind,
    Manifest,
    read_manifest,
    verify_files,
)
from models.ngrams import NgramVocabulary
from models.runtime import Encoder, InferenceError
from models.schemas import SchemaMasks

__all__ = [
    "ENCODERS_NAME",
    "Bundle",
    "BundleError",
    "HeadAnswer",
    "check_name",
    "load_bundle",
    "resolve",
    "versions",
]


class Bundle:
    """A model that may serve. Thread-safe: nothing in it changes.

    Args:
        manifest: what the bundle says about itself.
        encoder: the session, maybe shared with other bundles.
        heads: in the manifest's order.
        vocabulary: of the heads that read n-grams; empty when none does.
        golden: the bundle's own check.
        churn: of a churn bundle, which has no heads.
    """

    def __init__(
        self,
        manifest: Manifest,
        encoder: Encoder,
        heads: Sequence[Head],
        vocabulary: NgramVocabulary,
        golden: GoldenCheck | ChurnGoldenCheck,
        churn: ChurnModel | None = None,
    ) -> None:
        self.manifest = manifest
        self.encoder = encoder
        self.heads: tuple[Head, ...] = tuple(heads)
        self.churn = churn
        self._vocabulary = vocabulary
        self._golden = golden
        self._masks = SchemaMasks(manifest.schemas, [head.spec for head in self.heads])

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """The version, a number from 1."""
        return self.manifest.version

    @property
    def kind(self) -> BundleKind:
        """`text` or `churn`."""
        return self.manifest.kind

    @property
    def tenant(self) -> str:
        """Whose mail it answers; `default` answers for tenants that have no model of their own."""
        return self.manifest.tenant

    @property
    def schemas(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """Tenant -> head -> the labels that its mail may get; `*`: that of tenants that are not named."""
        return self.manifest.schemas

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that it learned from, ISO 639-1; empty: not known, all are answered."""
        return self.manifest.languages

    def text(self, subject: str, body: str, attributes: Mapping[str, str]) -> str:
        """The text that the encoder reads, by the template the bundle was trained with."""
        return input_text(subject, body, attributes, self.manifest.input_template)

    def predict(
        self,
        embeddings: Float32Array,
        texts: Sequence[str],
        tenants: Sequence[str] | None = None,
    ) -> list[dict[str, HeadAnswer]]:
        """Answer every head for every row; a row's answers do not depend on the others.

        Args:
            embeddings: float32 [B, H], finite: the caller has sorted other rows out.
            texts: [B], the texts as `text` gave them; heads may read their n-grams.
            tenants: [B], whose mail each is: a label outside a tenant's schema is never given. None: of tenants
                that are not named.

        Returns:
            Per row, in order: head name -> answer; without the heads that a tenant's schema allows nothing.
        """
        masks = self._masks.of([""] * len(texts) if tenants is None else tenants)
        return answer_heads(self.heads, self._vocabulary, embeddings, texts, masks)

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

    Where `encoders` holds its encoder, the bundle's own copy is not read but for its size: the session was opened from
    files of these very hashes, and a hundred megabytes beside the traffic would cost a second. A copy that is damaged
    is found by the next process that opens it, which then refuses the bundle.

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
    asked = providers if isinstance(providers, str) else ",".join(providers)
    key = f"{manifest.encoder.sha256}@{asked}"
    sessions = encoders if encoders is not None else {}
    config = f"{ENCODER_NAME}/{CONFIG_NAME}"
    # The session was opened from files of these very hashes: those of this bundle are not read.
    unread = {name for name in manifest.files if name.startswith(f"{ENCODER_NAME}/")} - {config}
    verify_files(path, manifest, unread if key in sessions else ())
    for name in (*files_of(manifest), GOLDEN_NAME, config):
        if name not in manifest.files:
            raise BundleError(
                f"{path / MANIFEST_NAME} does not list {name}; train the bundle again"
            )
    if manifest.files[config].sha256 != manifest.encoder.sha256:
        raise BundleError(
            f"{path}: {config} is not the encoder that {MANIFEST_NAME} names; train the bundle again"
        )
    try:
        if key not in sessions:
            sessions[key] = Encoder(path / ENCODER_NAME, providers, threads)
        encoder = sessions[key]
        bundle = _assemble(path, manifest, encoder)
    except (EncoderError, SafetensorError, KeyError, ValueError) as error:
        raise BundleError(f"{path} cannot be loaded: {error}; train the bundle again") from error
    failure = bundle.golden_failure()
    if failure is not None:
        raise BundleError(
            f"{path} does not answer here as it did when it was made: {failure}; "
            "compare the versions of onnxruntime and the processors, or train it on this kind of machine"
        )
    return bundle


def _assemble(path: Path, manifest: Manifest, encoder: Encoder) -> Bundle:
    if manifest.kind == "churn":
        churn = read_churn(path, manifest, encoder.hidden_size)
        calls = ChurnGoldenCheck(read_golden_calls(path / GOLDEN_NAME), encoder, churn)
        return Bundle(manifest, encoder, (), no_vocabulary(), calls, churn)
    heads, vocabulary = read_heads(path, manifest, encoder.hidden_size)
    rows = read_golden(path / GOLDEN_NAME)
    masks = SchemaMasks(manifest.schemas, [head.spec for head in heads])
    golden = GoldenCheck(rows, manifest.input_template, encoder, heads, vocabulary, masks)
    return Bundle(manifest, encoder, heads, vocabulary, golden)
