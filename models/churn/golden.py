"""Golden calls: synthetic profiles and neutral sentences, with the probabilities that a churn bundle gave when made.

The whole way is run: tokenizer, encoder, projection, sums, vector, graph, calibration. No customer's word is in them:
the sentences are fixed, profiles are the feature space's own means and categories.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from models.churn.model import ChurnModel
from models.churn.sums import Int64Array
from models.churn.vectors import CallSums, FeatureSpace
from models.encoder.files import Precision
from models.runtime import Encoder

# How far a probability may move before it is another model. On another processor int8 rounds otherwise now and then,
# and a tree turns at an edge: a forest of 100 trees steps by 0.01 for each that does.
TOLERANCE = 0.05

_SENTENCES = (
    "Hello, thank you for taking my call.",
    "I have a question about my contract.",
    "Let me look that up for you, one moment please.",
    "It still does not work and I am disappointed.",
    "Thank you very much, that solved it.",
    "Ich möchte wissen, was eine Kündigung kostet.",
)


class GoldenCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call and, by precision, its probability.

    Args:
        profile: features; None: unknown.
        customer, agent: what each side said.
    """

    profile: dict[str, float | str | None] | None
    customer: tuple[str, ...]
    agent: tuple[str, ...]
    expected: dict[Precision, float] = {}


def make_calls(space: FeatureSpace, seed: int) -> list[GoldenCall]:
    """Calls without answers, equal for equal input: an unknown and an empty profile, six others, 0 to 5 fragments."""
    draw = random.Random(seed)  # noqa: S311  # variety, not secrecy
    calls: list[GoldenCall] = []
    for place in range(8):
        profile: dict[str, float | str | None] | None = None if place == 0 else {}
        if profile is not None and place > 1:
            profile |= {
                name: round(mean * draw.uniform(0.2, 2.0), 3)
                for name, mean in zip(space.numerical, space.means, strict=True)
            }
            profile |= {
                name: draw.choice(known) if known else None
                for name, known in sorted(space.categorical.items())
            }
        said = [draw.choice(_SENTENCES) for _ in range(place % 6)]
        calls.append(
            GoldenCall(profile=profile, customer=tuple(said[::2]), agent=tuple(said[1::2]))
        )
    return calls


def answer_calls(calls: Sequence[GoldenCall], encoder: Encoder, model: ChurnModel) -> list[float]:
    """The probability of each call, the way it is served; a sentence is embedded alone."""
    texts = sorted({text for call in calls for text in (*call.customer, *call.agent)})
    fixed: dict[str, Int64Array] = {}
    for text, row in zip(texts, encoder.tokenize(texts), strict=True):
        fixed[text] = model.project(encoder.embed([row.ids]))[0]
    rows = [(call.profile, _sums(call, fixed, model.space.size)) for call in calls]
    return model.probabilities(model.space.vectors(rows)).tolist()


def with_expected(
    calls: Sequence[GoldenCall], answers: Mapping[Precision, Sequence[float]]
) -> list[GoldenCall]:
    """The calls with what each precision answered."""
    return [
        msgspec.structs.replace(
            call, expected={name: round(own[at], 6) for name, own in answers.items()}
        )
        for at, call in enumerate(calls)
    ]


class ChurnGoldenCheck:
    """The golden calls of one bundle, ready to be run at any time."""

    def __init__(self, calls: Sequence[GoldenCall], encoder: Encoder, model: ChurnModel) -> None:
        self._calls = calls
        self._encoder = encoder
        self._model = model

    def run(self) -> str | None:
        """Run all calls; the first mismatch in words, or None."""
        precision = self._encoder.precision
        answers = answer_calls(self._calls, self._encoder, self._model)
        for number, (call, found) in enumerate(zip(self._calls, answers, strict=True), start=1):
            # An fp16 graph is made from the fp32 one; a bundle made on a CPU cannot run it beforehand.
            wanted = call.expected.get(precision, call.expected.get("fp32"))
            if wanted is None:
                return f"golden call {number} has no answer for {precision}, only {list(call.expected)}"
            if not abs(found - wanted) <= TOLERANCE:  # also true for NaN
                return (
                    f"golden call {number} on {self._encoder.provider} ({precision}): probability {found:.4f}, "
                    f"expected {wanted:.4f} ± {TOLERANCE}"
                )
        return None


def write_golden_calls(path: Path, calls: Sequence[GoldenCall]) -> None:
    """Write the calls as JSON lines."""
    path.write_bytes(msgspec.json.Encoder(order="deterministic").encode_lines(calls))


def read_golden_calls(path: Path) -> list[GoldenCall]:
    """Read the calls. The file was compared with its hash before."""
    return msgspec.json.Decoder(GoldenCall).decode_lines(path.read_bytes())


def _sums(call: GoldenCall, fixed: Mapping[str, Int64Array], size: int) -> CallSums:
    def total(texts: Sequence[str]) -> Int64Array:
        return sum((fixed[text] for text in texts), np.zeros(size, np.int64))

    return CallSums(total(call.customer), total(call.agent), len(call.customer), len(call.agent))
