"""What a churn model foretold for calls whose end is known, without a word of them: `answers.jsonl` of a churn bundle.

Two bundles are compared on the calls that both kept back (`compare`). Knows no model.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from models.evaluation.answers import AnswersError


class ChurnAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One call, or one customer where no call is heard.

    Args:
        key: tells it from others without naming it.
        churned: what happened.
        fragments: after how many it was looked at, rising; the last is the end.
        probabilities: one for each.
    """

    key: str
    churned: bool
    fragments: tuple[int, ...]
    probabilities: tuple[float, ...]

    def after(self, fragments: int) -> float:
        """The probability that stood when so many fragments were heard; of a shorter call, its last."""
        heard = [place for place, count in enumerate(self.fragments) if count <= fragments]
        return self.probabilities[heard[-1] if heard else 0]


def churn_key(name: str) -> str:
    """16 hex digits of a call's or customer's name with its tenant, the same in every version of this program."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def write_churn_answers(answers: Sequence[ChurnAnswer]) -> bytes:
    """One JSON object per line, in the order given."""
    return msgspec.json.Encoder(order="deterministic").encode_lines(answers)


def read_churn_answers(path: Path) -> list[ChurnAnswer]:
    """Read `answers.jsonl` of a churn bundle.

    Raises:
        AnswersError: it is missing or damaged.
    """
    try:
        return msgspec.json.Decoder(ChurnAnswer).decode_lines(path.read_bytes())
    except OSError as error:
        raise AnswersError(
            f"{path} cannot be read ({error.strerror}): the bundle keeps no answers; train it again"
        ) from error
    except msgspec.DecodeError as error:
        raise AnswersError(f"{path} is damaged: {error}; copy the bundle again") from error
