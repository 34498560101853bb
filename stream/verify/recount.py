"""The fragments of one partition with what became of them in; their calls counted anew out: to `differences`.

Counted apart from the fold: a fragment counts once by its `seq`, its words are embedded alone and added up in fixed
point. What is not counted apart are the rules of time (`stream.calls.state`), which are functions of times. Knows
no Kafka; one call costs what its state costs in a worker.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, field

import numpy as np

from models.bundle import Bundle
from models.churn.sums import Int64Array
from stream.calls.choice import churn_of, sums_key
from stream.calls.intervals import Intervals
from stream.calls.state import Ages, Life
from stream.records import CallFragment
from stream.verify.outcomes import Model, Outcome

Bundles = Callable[[str, str], Bundle | None]
"""The churn bundle of a name and version; None: it is not at hand."""


def no_bundle(name: str, version: str) -> Bundle | None:
    """None is at hand: words are not compared."""
    return None


@dataclass(slots=True)
class Words:
    """What one side said since the sums began."""

    total: Int64Array
    fragments: int = 0
    characters: int = 0


@dataclass(slots=True)
class Recounted:
    """One call as its fragments say.

    Attributes:
        customer: customer id with the `seq` that named it; None: nobody does.
        model: who scored the last fragment that counts; None: nobody says.
        probability: in the last score of a fragment that counts.
        is_fresh: the last fragment that counts has a score, so that the state's sums are those of this probability.
        sides: customer and agent; None: a bundle is not at hand, nobody can say what was heard.
        is_unsure: a fragment has no output that could be seen.
        miscounted: a score that says another number of fragments, or duplicate where it is none; the first one.
    """

    life: Life
    seen: Intervals = field(default_factory=Intervals)
    customer: tuple[int, str] | None = None
    model: Model | None = None
    probability: float | None = None
    is_fresh: bool = False
    sides: dict[str, Words] | None = field(default_factory=dict[str, Words])
    is_unsure: bool = False
    miscounted: str | None = None


class Recount:
    """Calls of one partition; fragments are added in the order of their offsets.

    Args:
        ages: the workers' rules of time.
        bundles: those at hand.
    """

    def __init__(self, ages: Ages, bundles: Bundles) -> None:
        self._ages = ages
        self._bundles = bundles
        self.calls: dict[bytes, Recounted] = {}

    def add(
        self,
        key: bytes,
        fragment: CallFragment,
        appended_ms: int,
        outcome: Outcome | None,
        *,
        is_heard: bool,
    ) -> None:
        """Count a fragment, if it counts.

        Args:
            key: of its state.
            fragment: as the worker read it.
            appended_ms: its Kafka time.
            outcome: None: none was seen.
            is_heard: its call has a state, so that its words will be compared.
        """
        if outcome is not None and not outcome.counts:
            return
        call = self.calls.get(key)
        life = call and self._ages.at(call.life, appended_ms)
        if call is None or life is None:  # the first one, or the one before is forgotten
            life = Life(appended_ms, appended_ms)
            call = Recounted(life)
        is_duplicate = fragment.seq in call.seen
        if not (fragment.partial or is_duplicate):
            self.calls[key] = call
            call.is_unsure |= outcome is None
            call.seen.add(fragment.seq)
            ended = fragment.event if fragment.event in ("completed", "failed") else None
            call.life = life.heard(appended_ms, ended)
            self._note_customer(call, fragment)
            if outcome is not None:
                self._note_outcome(call, outcome)
            if is_heard:
                self._hear(call, fragment)
        if outcome is not None and outcome.model is not None:
            _check_count(call, fragment.seq, outcome, is_duplicate=is_duplicate)

    def forget(self, moment_ms: int, stored: Container[bytes]) -> None:
        """Let calls go that were forgotten by a moment and are not stored: nothing is left to compare."""
        gone = [
            key for key, call in self.calls.items() if self._ages.at(call.life, moment_ms) is None
        ]
        for key in gone:
            if key not in stored:
                del self.calls[key]

    def _note_customer(self, call: Recounted, fragment: CallFragment) -> None:
        named = fragment.customer_id
        if named is not None and (call.customer is None or fragment.seq < call.customer[0]):
            call.customer = fragment.seq, named

    def _note_outcome(self, call: Recounted, outcome: Outcome) -> None:
        was_fresh, call.is_fresh = call.is_fresh, outcome.probability is not None
        if outcome.probability is not None:
            call.probability = outcome.probability
        if outcome.model is None or outcome.model == call.model:
            return
        before, after = (
            None if model is None else self._bundles(*model)
            for model in (call.model, outcome.model)
        )
        if call.model is not None and call.sides is not None:
            if before is None or after is None:
                call.sides = None
            elif meaning_of(before) != meaning_of(after):
                # what was said does not mean the same there; behind a dead letter nobody says since when it is there
                call.sides = {} if was_fresh else None
        call.model = outcome.model

    def _hear(self, call: Recounted, fragment: CallFragment) -> None:
        bundle = None if call.model is None else self._bundles(*call.model)
        if bundle is None or call.sides is None:
            call.sides = None
            return
        model = churn_of(bundle)
        if not (fragment.text and model.space.textual):
            return
        [tokens] = bundle.encoder.tokenize([fragment.text])
        [row] = model.project(bundle.encoder.embed([tokens.ids]))
        side = "agent" if fragment.speaker == "agent" else "customer"
        words = call.sides.setdefault(side, Words(np.zeros_like(row)))
        words.total = words.total + row
        words.fragments += 1
        words.characters += len(fragment.text)


def _check_count(call: Recounted, seq: int, outcome: Outcome, *, is_duplicate: bool) -> None:
    if (outcome.fragments, outcome.duplicate) == (call.seen.count, is_duplicate):
        return
    said = f"{outcome.fragments}{', duplicate' if outcome.duplicate else ''}"
    should = f"{call.seen.count}{', duplicate' if is_duplicate else ''}"
    call.miscounted = call.miscounted or f"score of seq {seq}: fragments {said}, should be {should}"


def meaning_of(bundle: Bundle) -> tuple[str, int]:
    """What sums must share to go on from one model to the next."""
    return sums_key(bundle), churn_of(bundle).space.size
