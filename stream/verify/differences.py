"""A stored state and its call counted anew in; what differs out, in words that quote nothing that was said. Pure.

Sums may differ by `UNITS` a fragment: each embedding is rounded to a unit of 2**-20, and the company in which a worker
ran it moves it by 3e-8 (measured, fp32 and int8; 1.3e-7 at most, facts), so that now and then a number falls to its
neighbour: sums of 256 fragments were one unit apart.
"""

from collections.abc import Iterator

import numpy as np

from models.churn.sums import Int64Array, unpack
from models.churn.vectors import CallSums, Features
from stream.calls.choice import churn_of
from stream.calls.state import Ages, CallState, Life, Side
from stream.verify.recount import Bundles, Recounted, Words, meaning_of

UNITS = 1
PROBABILITY_TOLERANCE = 1e-6


class Differences:
    """Compares.

    Args:
        ages: the workers' rules of time.
        bundles: those at hand.
    """

    def __init__(self, ages: Ages, bundles: Bundles) -> None:
        self.ages = ages
        self._bundles = bundles

    def may_be_gone(self, call: Recounted, now_ms: int) -> bool:
        """By now it may have been forgotten."""
        return self.ages.at(call.life, now_ms) is None

    def of_state(self, state: CallState, call: Recounted, now_ms: int) -> Iterator[str]:
        """What a state, or a score, says wrongly beside words; nothing of what was said is quoted."""
        if call.miscounted:
            yield call.miscounted
        if state.seen != call.seen.edges():
            yield f"seen {_shown(state.seen)}, should be {_shown(call.seen.edges())}"
        seq, customer = call.customer or (state.customer_seq, None)
        if (state.customer_id, state.customer_seq) != (customer, seq):
            yield "another customer"
        if call.is_fresh and call.model is not None and _model(state) != call.model:
            yield f"model {'/'.join(_model(state))}, should be {'/'.join(call.model)}"
        bundle = self._bundles(*_model(state))
        if bundle is not None and state.size != (size := churn_of(bundle).space.size):
            yield f"sums of {state.size} numbers, its model has {size}"
        if state.life not in self._lives(call.life, now_ms):
            yield f"times {_times(state.life)}, should be {_times(call.life)}"
        if call.is_fresh and state.probability != call.probability:
            yield f"probability {state.probability}, the last score says {call.probability}"

    def _lives(self, life: Life, now_ms: int) -> Iterator[Life | None]:
        """What a call's times may be by now: as its fragments say, and ended where it was silent for long enough."""
        yield life
        due_ms = self.ages.due_ms(life)
        if not life.ended and due_ms <= now_ms:
            yield self.ages.at(life, due_ms)

    def are_words_known(self, state: CallState, call: Recounted) -> bool:
        """What was said can be compared: each bundle is at hand, and the last one runs here in the same precision."""
        bundle = self._bundles(*_model(state))
        if bundle is None or call.sides is None or _model(state) != call.model:
            return False
        return (state.sums_key, state.size) == meaning_of(bundle)

    def of_words(self, state: CallState, call: Recounted) -> Iterator[str]:
        """What a state's sums and counts say wrongly; `are_words_known`."""
        assert call.sides is not None, "the words are not known: this is a bug"
        for name, side in (("customer", state.customer), ("agent", state.agent)):
            words = call.sides.get(name) or Words(np.zeros(state.size, np.int64))
            if (side.fragments, side.characters) != (words.fragments, words.characters):
                yield (
                    f"{name}: {side.fragments} fragments of {side.characters} characters, should be "
                    f"{words.fragments} of {words.characters}"
                )
            elif (apart := np.abs(_total(side, state.size) - words.total).max(initial=0)) > (
                UNITS * words.fragments
            ):
                yield f"{name}: sums {apart} units apart, {UNITS * words.fragments} may be"

    def of_probability(self, state: CallState, features: Features | None) -> Iterator[str]:
        """What its model says of a state's own sums and this profile, where it is something else; `is_fresh`."""
        bundle = self._bundles(*_model(state))
        if bundle is None or state.probability is None or churn_of(bundle).space.size != state.size:
            return
        model = churn_of(bundle)
        sums = CallSums(
            _total(state.customer, state.size),
            _total(state.agent, state.size),
            state.customer.fragments,
            state.agent.fragments,
        )
        found = float(model.probabilities(model.space.vectors([(features, sums)]))[0])
        if abs(found - state.probability) > PROBABILITY_TOLERANCE:
            yield f"probability {state.probability}, its model says {found}"


def _model(state: CallState) -> tuple[str, str]:
    return state.model, state.version


def _total(side: Side, size: int) -> Int64Array:
    return unpack(side.total, size) if side.total else np.zeros(size, np.int64)


def _shown(edges: tuple[int, ...]) -> str:
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return ",".join(f"{first}-{behind - 1}" for first, behind in pairs) or "nothing"


def _times(life: Life) -> str:
    ended = f", {life.ended} {life.ended_ms}" if life.ended else ""
    return f"{life.first_ms}-{life.last_ms}{ended}"
