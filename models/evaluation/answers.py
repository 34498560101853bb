"""What a model answered to rows whose truth is known, row by row and without their texts: `answers.jsonl` of a bundle.

Written by `models.train` for the rows kept back, so that two bundles can be compared on the rows that neither learned
from. Knows no metric and no model.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from models.heads import HeadAnswer
from models.labels import HeadKind, TrainingRow
from models.rows.dataset import answer_of


class AnswersError(ValueError):
    """Kept answers that cannot be read; the message names file, line and way out."""


class GivenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One head's answer to one row.

    Args:
        kind: of the head.
        truth: the row's labels; one for a multi-class head.
        given: the labels that the head gave, as if it had not abstained; empty: none. The head's out-of-scope label
            where it is the truth and the head abstained.
        confidence: of the first label given; 0 where there is none.
        abstained: the answer was not to be acted on.
    """

    kind: HeadKind
    truth: tuple[str, ...]
    given: tuple[str, ...]
    confidence: float
    abstained: bool

    @property
    def is_right(self) -> bool:
        """The given labels are exactly the true ones; abstaining changes nothing."""
        return set(self.truth) == set(self.given)


class AnswerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row: the key of its text, its id, and the answers of the heads that its labels say something about."""

    key: str
    id: str
    heads: dict[str, GivenAnswer]


def answer_key(row: TrainingRow) -> str:
    """Tells equal texts from others without keeping them: 16 hex digits, the same in every version of this program.

    Case and white space make no difference; attributes do, because a head may read them.
    """
    parts = [row.subject or "", row.body or ""]
    parts += [f"{name}={value}" for name, value in sorted(row.attributes.items())]
    folded = "\n".join(" ".join(part.casefold().split()) for part in parts)
    return hashlib.sha256(folded.encode("utf-8", "replace")).hexdigest()[:16]


def answer_rows_of(
    rows: Sequence[TrainingRow],
    answers: Sequence[Mapping[str, HeadAnswer]],
    out_of_scope: Mapping[str, str] | None = None,
) -> list[AnswerRow]:
    """Join rows with the answers to them; a head counts where the row says its truth. Rows without a head are kept.

    Args:
        rows: with their truth.
        answers: one per row, as serving gives them. A head that is missing (no label of it is allowed for the tenant)
            is not counted for that row.
        out_of_scope: head -> its label of rows that belong to no class. A head never gives it: where it is the truth,
            an abstention is the right answer and is kept as that label.
    """
    outside = out_of_scope or {}
    found: list[AnswerRow] = []
    for row, answer in zip(rows, answers, strict=True):
        heads: dict[str, GivenAnswer] = {}
        for name, one in answer.items():
            truth = answer_of(row, name)
            if truth is not None:
                heads[name] = _given(truth, one, outside.get(name))
        found.append(AnswerRow(key=answer_key(row), id=row.id, heads=heads))
    return found


def write_answers(rows: Sequence[AnswerRow]) -> bytes:
    """One JSON object per line, in the rows' order."""
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def read_answers(path: Path) -> list[AnswerRow]:
    """Read `answers.jsonl` of a bundle.

    Raises:
        AnswersError: the file is missing (a bundle of an older program has none) or damaged.
    """
    decoder = msgspec.json.Decoder(AnswerRow)
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise AnswersError(
            f"{path} cannot be read ({reason}): the bundle keeps no answers of rows kept back; "
            "train it again, or name rows to compare on (--data FILE)"
        ) from error
    rows: list[AnswerRow] = []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            rows.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AnswersError(
                f"{path}:{number} is damaged: {error}; copy the bundle again"
            ) from error
    return rows


def _given(truth: tuple[str, ...], answer: HeadAnswer, outside: str | None) -> GivenAnswer:
    shown = answer.labels[:1] if answer.kind == "multiclass" else answer.labels
    if answer.abstained and outside is not None and outside in truth:
        shown = ((outside, 1.0),)
    return GivenAnswer(
        kind=answer.kind,
        truth=truth,
        given=tuple(label for label, _ in shown),
        confidence=shown[0][1] if shown else 0.0,
        abstained=answer.abstained,
    )
