"""Kept answers of models that exist nowhere else: truth and answers in, what `compare_answer_rows` takes out."""

from collections.abc import Mapping, Sequence

from models.evaluation.answers import AnswerRow, GivenAnswer
from models.evaluation.compare import ModelAnswers

LABELS = ("a", "b", "c")


def answers(
    truth: Sequence[str | Sequence[str]], given_: Sequence[str | Sequence[str]], head: str = "queue"
) -> list[AnswerRow]:
    def one(wanted: str | Sequence[str], got: str | Sequence[str]) -> GivenAnswer:
        return GivenAnswer(
            kind="multiclass" if isinstance(wanted, str) else "multilabel",
            truth=(wanted,) if isinstance(wanted, str) else tuple(wanted),
            given=(got,) if isinstance(got, str) else tuple(got),
            confidence=0.9,
            abstained=False,
        )

    return [
        AnswerRow(key=f"{place:04}", id=f"r{place}", heads={head: one(wanted, got)})
        for place, (wanted, got) in enumerate(zip(truth, given_, strict=True))
    ]


def model(
    rows: list[AnswerRow], labels: Sequence[str] = LABELS, name: str = "support/1"
) -> ModelAnswers:
    return ModelAnswers(name, {"queue": frozenset(labels)}, rows)


def wrong_every(step: int, rows: int = 300) -> list[AnswerRow]:
    truth = [LABELS[place % 3] for place in range(rows)]
    given_ = [
        LABELS[(place + 1) % 3] if place % step == 0 else LABELS[place % 3] for place in range(rows)
    ]
    return answers(truth, given_)


def model_of_heads(given_: Mapping[str, Sequence[str]], truth: Sequence[str]) -> ModelAnswers:
    """A model of several heads with one truth; head -> its answers."""
    by_head = {name: answers(truth, own, name) for name, own in given_.items()}
    joined = [
        AnswerRow(
            key=rows[0].key,
            id=rows[0].id,
            heads={name: one for row in rows for name, one in row.heads.items()},
        )
        for rows in zip(*by_head.values(), strict=True)
    ]
    return ModelAnswers("support/1", dict.fromkeys(by_head, frozenset(truth)), joined)
