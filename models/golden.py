"""Golden rows: synthetic mails with the answers a bundle gave when it was made, checked before it may serve.

No customer's word is in them: they are made of fixed phrases and the bundle's own label names. Knows heads and
encoders, no manifest.
"""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from models.encoder.files import Precision
from models.heads import Head
from models.labels import HeadSpec, input_text
from models.ngrams import NgramVocabulary
from models.runtime import Encoder
from models.schemas import EVERYONE, BoolArray, SchemaMasks, Schemas

COMPARED_LABELS = 5
# How far a probability may move before it is another model. The same graph on another CPU: below 0.001 seen in
# fp32; int8 rounds on the edge now and then, fp16 and TensorFloat-32 cut mantissas.
TOLERANCES: dict[Precision, float] = {"int8": 0.02, "fp32": 0.01, "fp16": 0.02}

_ATTRIBUTE = re.compile(r"\{attributes\.([^{}\n]+)\}")
_OPENINGS = (
    "Hello, I have a question about {}.",
    "Guten Tag, ich habe eine Frage zu {}.",
    "Please help me with {} as soon as you can, it was not solved last week.",
    "{}",
    "Why does {} not work since the update? I tried it three times.",
)


class GoldenRow(msgspec.Struct, frozen=True, kw_only=True):
    """One input and, by precision and head, the probabilities of its likeliest labels.

    Args:
        attributes: what the template asks for; placeholders, no customer's value.
        tenant: whose labels may be given; None: a tenant's that is not named.
    """

    subject: str
    body: str
    expected: dict[Precision, dict[str, dict[str, float]]]
    attributes: dict[str, str] = {}
    tenant: str | None = None

    def text(self, template: str) -> str:
        """What the encoder reads."""
        return input_text(self.subject, self.body, self.attributes, template)


def make_texts(heads: Iterable[HeadSpec], seed: int) -> list[tuple[str, str]]:
    """Subjects and bodies of many lengths, drawn from fixed phrases and label names; equal for equal input."""
    draw = random.Random(seed)  # noqa: S311 - variety, not secrecy
    labels = [label.replace("_", " ") for head in heads for label in head.labels]

    def sentence() -> str:
        return draw.choice(_OPENINGS).format(draw.choice(labels))

    bodies = [" ".join(sentence() for _ in range(count)) for count in (1, 1, 1, 2, 3, 8, 60)]
    subjects = [draw.choice(labels) if place % 2 else "" for place in range(len(bodies))]
    return list(zip(subjects, bodies, strict=True))


def make_rows(
    heads: Sequence[HeadSpec], template: str, schemas: Schemas, seed: int
) -> list[GoldenRow]:
    """Rows without answers, equal for equal input: `make_texts`, the template's attributes, and tenants with a schema.

    Every other row has the attributes, their values are labels; every third one is of a tenant, those with the fewest
    labels first.
    """
    draw = random.Random(seed + 1)  # noqa: S311 - variety, not secrecy
    labels = [label for head in heads for label in head.labels]
    names = sorted(set(_ATTRIBUTE.findall(template)))
    named = [tenant for tenant in schemas if tenant != EVERYONE]
    tenants = sorted(named, key=lambda tenant: (sum(map(len, schemas[tenant].values())), tenant))
    return [
        GoldenRow(
            subject=subject,
            body=body,
            expected={},
            attributes={} if place % 2 else {name: draw.choice(labels) for name in names},
            tenant=tenants[place // 3 % len(tenants)] if tenants and place % 3 == 1 else None,
        )
        for place, (subject, body) in enumerate(make_texts(heads, seed))
    ]


def answer_rows(
    texts: Sequence[str],
    encoder: Encoder,
    heads: Sequence[Head],
    vocabulary: NgramVocabulary,
    allowed: Sequence[BoolArray] | None = None,
) -> list[dict[str, dict[str, float]]]:
    """Each text's likeliest labels by head, from one run per text.

    Args:
        texts: [B].
        encoder: gives the embeddings.
        heads: in the order of the answers.
        vocabulary: of the heads that read n-grams.
        allowed: per head what each text may get, bool [B, L]; None: everything. A head that may give a text nothing is
            left out of its answers.
    """
    rows = [text.ids for text in encoder.tokenize(texts)]
    embeddings = np.concatenate([encoder.embed([row]) for row in rows])
    ngrams = [vocabulary.row(text) for text in texts]
    answers: list[dict[str, dict[str, float]]] = [{} for _ in texts]
    for place, head in enumerate(heads):
        scores = head.scores(embeddings, ngrams)
        own = np.ones(scores.shape, np.bool_) if allowed is None else allowed[place]
        chances = head.chances(scores, None if allowed is None else own)
        for answer, row, may in zip(answers, chances, own, strict=True):
            best: list[int] = np.argsort(np.where(may, -row, np.inf), kind="stable").tolist()
            best = best[: min(COMPARED_LABELS, int(may.sum()))]
            if best:
                answer[head.spec.name] = {
                    head.spec.labels[x]: round(float(row[x]), 6) for x in best
                }
    return answers


def with_answers(
    rows: Sequence[GoldenRow], expected: Mapping[Precision, Sequence[dict[str, dict[str, float]]]]
) -> list[GoldenRow]:
    """The rows with what each precision answered."""
    return [
        msgspec.structs.replace(row, expected={name: own[at] for name, own in expected.items()})
        for at, row in enumerate(rows)
    ]


class GoldenCheck:
    """The golden rows of one bundle, ready to be run on its session at any time.

    Args:
        rows: from `golden.jsonl`.
        template: the bundle's.
        encoder, heads, vocabulary: what serves.
        masks: tenants' labels.
    """

    def __init__(
        self,
        rows: Sequence[GoldenRow],
        template: str,
        encoder: Encoder,
        heads: Sequence[Head],
        vocabulary: NgramVocabulary,
        masks: SchemaMasks,
    ) -> None:
        self._rows = rows
        self._texts = [row.text(template) for row in rows]
        self._allowed = masks.of([row.tenant or "" for row in rows])
        self.masks = masks
        self._encoder = encoder
        self._heads = heads
        self._vocabulary = vocabulary

    def run(self) -> str | None:
        """Run all rows; the first mismatch in words, or None."""
        precision = self._encoder.precision
        tolerance = TOLERANCES[precision]
        answers = answer_rows(
            self._texts, self._encoder, self._heads, self._vocabulary, self._allowed
        )
        for number, (row, found) in enumerate(zip(self._rows, answers, strict=True), start=1):
            # An fp16 graph is made from the fp32 one; a bundle made on a CPU cannot run it beforehand.
            wanted = row.expected.get(precision) or row.expected.get("fp32")
            if wanted is None:
                return (
                    f"golden row {number} has no answers for {precision}, only {list(row.expected)}"
                )
            fault = self._compare(wanted, found, tolerance)
            if fault is not None:
                return f"golden row {number} on {self._encoder.provider} ({precision}): {fault}"
        return None

    def _compare(
        self,
        wanted: Mapping[str, Mapping[str, float]],
        found: Mapping[str, Mapping[str, float]],
        tolerance: float,
    ) -> str | None:
        if wanted.keys() != found.keys():
            return f"heads {sorted(found)} instead of {sorted(wanted)}"
        for head, chances in wanted.items():
            for label, chance in chances.items():
                # A label that fell out of the likeliest is at most as likely as the last of them.
                got = found[head].get(label, min(found[head].values()))
                if not abs(got - chance) <= tolerance:  # also true for NaN
                    return f"{head}.{label} has probability {got:.4f}, expected {chance:.4f} ± {tolerance}"
            # Of few labels all are listed: any other belongs to somebody else.
            most = min(chances.values()) if len(chances) >= COMPARED_LABELS else 0.0
            for label in found[head].keys() - chances.keys():
                if not found[head][label] <= most + tolerance:
                    return f"{head}.{label} has probability {found[head][label]:.4f}, expected none of it"
        return None


def write_golden(path: Path, rows: Sequence[GoldenRow]) -> None:
    """Write the rows as JSON lines."""
    path.write_bytes(msgspec.json.Encoder(order="deterministic").encode_lines(rows))


def read_golden(path: Path) -> list[GoldenRow]:
    """Read the rows. The file was compared with its hash before."""
    return msgspec.json.Decoder(GoldenRow).decode_lines(path.read_bytes())
