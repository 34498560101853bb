"""Golden rows: synthetic mails with the answers a bundle gave when it was made, checked before it may serve.

No customer's word is in them: they are made of fixed phrases and the bundle's own label names. Knows heads and
encoders, no manifest.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from models.encoder_files import Precision
from models.heads import Head, probabilities
from models.labels import HeadSpec, input_text
from models.ngrams import NgramVocabulary
from models.runtime import Encoder

COMPARED_LABELS = 5
# How far a probability may move before it is another model. The same graph on another CPU: below 0.001 seen in
# fp32; int8 rounds on the edge now and then, fp16 and TensorFloat-32 cut mantissas.
TOLERANCES: dict[Precision, float] = {"int8": 0.02, "fp32": 0.01, "fp16": 0.02}

_OPENINGS = (
    "Hello, I have a question about {}.",
    "Guten Tag, ich habe eine Frage zu {}.",
    "Please help me with {} as soon as you can, it was not solved last week.",
    "{}",
    "Why does {} not work since the update? I tried it three times.",
)


class GoldenRow(msgspec.Struct, frozen=True, kw_only=True):
    """One input and, by precision and head, the probabilities of its likeliest labels."""

    subject: str
    body: str
    expected: dict[Precision, dict[str, dict[str, float]]]


def make_texts(heads: Iterable[HeadSpec], seed: int) -> list[tuple[str, str]]:
    """Subjects and bodies of many lengths, drawn from fixed phrases and label names; equal for equal input."""
    draw = random.Random(seed)  # noqa: S311 - variety, not secrecy
    labels = [label.replace("_", " ") for head in heads for label in head.labels]

    def sentence() -> str:
        return draw.choice(_OPENINGS).format(draw.choice(labels))

    bodies = [" ".join(sentence() for _ in range(count)) for count in (1, 1, 1, 2, 3, 8, 60)]
    subjects = [draw.choice(labels) if place % 2 else "" for place in range(len(bodies))]
    return list(zip(subjects, bodies, strict=True))


def answer_rows(
    texts: Sequence[str], encoder: Encoder, heads: Sequence[Head], vocabulary: NgramVocabulary
) -> list[dict[str, dict[str, float]]]:
    """Each text's likeliest labels by head, from one run per text."""
    rows = [text.ids for text in encoder.tokenize(texts)]
    embeddings = np.concatenate([encoder.embed([row]) for row in rows])
    ngrams = [vocabulary.row(text) for text in texts]
    answers: list[dict[str, dict[str, float]]] = [{} for _ in texts]
    for head in heads:
        scores = head.scores(embeddings, ngrams)
        for answer, chances in zip(
            answers, probabilities(scores, head.temperature, head.spec.kind), strict=True
        ):
            best: list[int] = np.argsort(-chances, kind="stable")[:COMPARED_LABELS].tolist()
            answer[head.spec.name] = {
                head.spec.labels[x]: round(float(chances[x]), 6) for x in best
            }
    return answers


class GoldenCheck:
    """The golden rows of one bundle, ready to be run on its session at any time.

    Args:
        rows: from `golden.jsonl`.
        template: the bundle's.
        encoder, heads, vocabulary: what serves.
    """

    def __init__(
        self,
        rows: Sequence[GoldenRow],
        template: str,
        encoder: Encoder,
        heads: Sequence[Head],
        vocabulary: NgramVocabulary,
    ) -> None:
        self._rows = rows
        self._texts = [input_text(row.subject, row.body, {}, template) for row in rows]
        self._encoder = encoder
        self._heads = heads
        self._vocabulary = vocabulary

    def run(self) -> str | None:
        """Run all rows; the first mismatch in words, or None."""
        precision = self._encoder.precision
        tolerance = TOLERANCES[precision]
        answers = answer_rows(self._texts, self._encoder, self._heads, self._vocabulary)
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
        return None


def write_golden(path: Path, rows: Sequence[GoldenRow]) -> None:
    """Write the rows as JSON lines."""
    path.write_bytes(msgspec.json.Encoder(order="deterministic").encode_lines(rows))


def read_golden(path: Path) -> list[GoldenRow]:
    """Read the rows. The file was compared with its hash before."""
    return msgspec.json.Decoder(GoldenRow).decode_lines(path.read_bytes())
