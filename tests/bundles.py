"""Real bundles around a tiny random encoder, made in a moment: every label says which bundle gave it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from models.bundle_writer import BundleParts, head_entries, write_bundle
from models.encoder.build import build_encoder
from models.encoder.files import sha256_of
from models.evaluation.answers import AnswerRow, GivenAnswer, write_answers
from models.golden import GoldenRow, answer_rows, make_texts
from models.heads import Head, LinearWeights
from models.labels import HeadSpec
from models.manifest import DEFAULT_TENANT, EncoderEntry, Manifest, TrainingEntry
from models.ngrams import build_vocabulary
from models.runtime import Encoder
from models.schemas import SchemaMasks
from stream.cli.bundles import OnDisk, find
from stream.deployments.decisions import Bundled, Signed, approved, rolled_back
from stream.deployments.live import Live, decisions_of
from stream.deployments.publishing import publish
from stream.deployments.topic import read_topic
from stream.records import Deployment, ModelKind, from_kafka_ms
from stream.settings import Settings
from stream.topics import MODEL_DECISIONS, MODEL_DEPLOYMENTS
from tests.fakes import write_tiny_bert

LIMIT_TOKENS = 32
HEAD = "topic"
WORDS = ("card", "invoice", "hardware")


def write_encoder(folder: Path, hidden_size: int = 16, layers: int = 1) -> Path:
    """An encoder that bundles share."""
    base = write_tiny_bert(folder / "base", hidden_size, layers)
    return build_encoder(base, folder / "encoder", LIMIT_TOKENS, ("fp32",)).path


def labels_of(name: str, version: int, tenant: str) -> tuple[str, ...]:
    """The labels of a bundle; no other bundle has one of them."""
    return tuple(f"{tenant}:{name}/{version}:{word}" for word in WORDS)


def write_version(
    models_dir: Path,
    encoder: Path,
    name: str = "support",
    tenant: str = DEFAULT_TENANT,
    *,
    version: int = 1,
    labels: Sequence[str] | None = None,
    schemas: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None,
    rights: Sequence[bool] | None = None,
) -> OnDisk:
    """The next version of a model, which must be `version`.

    Args:
        rights: whether the rows kept back are answered rightly, for `answers.jsonl`; None: none are kept.
    """
    labels = labels or labels_of(name, version, tenant)
    draw = np.random.default_rng([version, len(name), len(tenant)])
    head = Head(
        HeadSpec(HEAD, "multiclass", tuple(labels)),
        LinearWeights(
            draw.normal(size=(len(labels), 16)).astype(np.float32),
            np.zeros(len(labels), np.float32),
            None,
        ),
        1.0,
        None,
    )
    vocabulary = build_vocabulary(["my card is lost"] * 2)
    mails = make_texts([head.spec], 0)
    texts = [f"{subject}\n{body}".strip() for subject, body in mails]
    masks = SchemaMasks(schemas or {}, [head.spec]).of([""] * len(texts))
    answers = answer_rows(texts, Encoder(encoder, ["cpu"]), [head], vocabulary, masks)
    golden = [
        GoldenRow(subject=subject, body=body, expected={"fp32": answer})
        for (subject, body), answer in zip(mails, answers, strict=True)
    ]
    entry = EncoderEntry(
        base_model="tiny",
        sha256=sha256_of(encoder / "encoder.json"),
        max_length_tokens=LIMIT_TOKENS,
    )
    manifest = Manifest(
        name=name,
        version="",
        tenant=tenant,
        created_at="2026-01-01T00:00:00Z",
        input_template="{subject}\n{body}",
        heads=head_entries([head]),
        encoder=entry,
        training=TrainingEntry(
            recipe="quick", seed=0, rows=100, test_rows=20, train=(), validation=(), test=()
        ),
        metrics={HEAD: {"accuracy": 0.5}},
        files={},
        schemas={who: dict(own) for who, own in (schemas or {}).items()},
    )
    kept = None if rights is None else write_answers(_answers(labels, rights))
    path = write_bundle(
        models_dir, manifest, BundleParts(encoder, [head], vocabulary, golden, entry, answers=kept)
    )
    assert path.name == str(version)
    return find(models_dir, f"{name}/{version}")


def _answers(labels: Sequence[str], rights: Sequence[bool]) -> list[AnswerRow]:
    return [
        AnswerRow(
            key=f"{place:016x}",
            id=str(place),
            heads={
                HEAD: GivenAnswer(
                    kind="multiclass",
                    truth=(labels[place % len(labels)],),
                    given=(labels[(place + (not is_right)) % len(labels)],),
                    confidence=0.9,
                    abstained=False,
                )
            },
        )
        for place, is_right in enumerate(rights)
    ]


SIGNED = Signed("A. Lead", "better on every head", from_kafka_ms(1_700_000_000_000))


async def live_now(settings: Settings, kind: ModelKind = "text") -> dict[str, Deployment]:
    """What the topic says."""
    live = Live()
    live.add(await read_topic(settings, settings.topic(MODEL_DEPLOYMENTS), _silent))
    return live.by_tenant(kind)


async def make_live(settings: Settings, found: OnDisk) -> None:
    """What `models approve` writes, without its questions."""
    await approve(settings, found.bundled)


async def approve(settings: Settings, bundle: Bundled) -> None:
    """The same of a bundle that may be on no disk."""
    seen = (await live_now(settings, bundle.kind)).get(bundle.tenant)
    await publish(settings, approved(bundle, seen, SIGNED, forced=False), _silent)


async def roll_back(
    settings: Settings, tenant: str = DEFAULT_TENANT, kind: ModelKind = "text"
) -> None:
    """What `models rollback` writes."""
    seen = (await live_now(settings, kind))[tenant]
    decided = await read_topic(settings, settings.topic(MODEL_DECISIONS), _silent)
    await publish(settings, rolled_back(seen, decisions_of(decided).made, SIGNED), _silent)


def _silent(event: str, **facts: object) -> None:
    """Nobody listens."""
