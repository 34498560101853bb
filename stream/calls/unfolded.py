"""One call while a window folds: its state unpacked, fragments taken in one by one, packed again at the end.

Nothing that it keeps depends on the order of the fragments. For `fold`; knows neither table nor model.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.churn.sums import Int64Array, pack, unpack
from models.churn.vectors import CallSums
from stream.calls.choice import Choice, churn_of, sums_key
from stream.calls.intervals import Intervals
from stream.calls.state import Ages, CallState, Life, Side
from stream.records import CallFragment

NOBODY_YET = 2**64 - 1  # above every seq


@dataclass(slots=True)
class Voice:
    """What one side said so far; `total` is replaced, never changed: earlier ones are in vectors of this window."""

    total: Int64Array
    fragments: int = 0
    characters: int = 0

    def add(self, row: Int64Array, characters: int) -> None:
        """One more fragment, int64 [D]."""
        self.total = self.total + row
        self.fragments += 1
        self.characters += characters


class Unfolded:
    """One call of a window, and the bundle that scores it.

    Args:
        key: of its state.
        state: what is known of it; None: it begins.
        choice: the bundle, and whether the state's sums go on in it.
    """

    def __init__(self, key: bytes, state: CallState | None, choice: Choice) -> None:
        self.key = key
        self.bundle = choice.bundle
        self.size = churn_of(choice.bundle).space.size
        self.sums_key = sums_key(choice.bundle)
        self._carried = state if choice.carries else None
        self.seen = Intervals() if state is None else Intervals.of_edges(state.seen)
        self.life: Life | None = None if state is None else state.life
        self.customer_id = None if state is None else state.customer_id
        self.probability = None if state is None else state.probability
        self._customer_seq = NOBODY_YET if state is None else state.customer_seq
        self.is_changed = False

    @cached_property
    def customer(self) -> Voice:
        """What the customer said; unpacked when a word is added, not when a call is only looked up."""
        return self._voice(self._carried and self._carried.customer)

    @cached_property
    def agent(self) -> Voice:
        """What the agent said."""
        return self._voice(self._carried and self._carried.agent)

    def _voice(self, side: Side | None) -> Voice:
        if side is None or not side.total:
            return Voice(np.zeros(self.size, np.int64))
        return Voice(unpack(side.total, self.size), side.fragments, side.characters)

    def is_remembered(self, moment_ms: int, ages: Ages) -> bool:
        """Let time pass; False: by now the call is forgotten, and a fragment begins another one."""
        life = self.life and ages.at(self.life, moment_ms)
        is_forgotten = self.life is not None and life is None
        self.life = life or self.life
        return not is_forgotten

    def customer_with(self, fragment: CallFragment) -> str | None:
        """Whose call it is once this fragment is known: who names a customer with the smallest `seq` is believed."""
        names_first = fragment.customer_id is not None and fragment.seq < self._customer_seq
        return fragment.customer_id if names_first else self.customer_id

    def note(self, fragment: CallFragment, at_ms: int) -> None:
        """Count a fragment that was not seen before; its words come with `hear`."""
        self.seen.add(fragment.seq)
        if fragment.customer_id is not None and fragment.seq < self._customer_seq:
            self.customer_id, self._customer_seq = fragment.customer_id, fragment.seq
        ended = fragment.event if fragment.event in ("completed", "failed") else None
        self.life = (self.life or Life(at_ms, at_ms)).heard(at_ms, ended)
        self.is_changed = True

    def hear(self, fragment: CallFragment, row: Int64Array) -> None:
        """Add a fragment's words. A speaker that is not named is the customer."""
        voice = self.agent if fragment.speaker == "agent" else self.customer
        voice.add(row, len(fragment.text or ""))

    def sums(self) -> CallSums:
        """What a vector is made of, as of now."""
        return CallSums(
            self.customer.total, self.agent.total, self.customer.fragments, self.agent.fragments
        )

    def sums_with(self, fragment: CallFragment, row: Int64Array) -> CallSums:
        """The same as if a fragment had been heard that comes again in its final form."""
        if fragment.speaker == "agent":
            heard = self.agent
            return CallSums(
                self.customer.total, heard.total + row, self.customer.fragments, heard.fragments + 1
            )
        heard = self.customer
        return CallSums(
            heard.total + row, self.agent.total, heard.fragments + 1, self.agent.fragments
        )

    def state(self, tenant: str, call_id: str) -> CallState:
        """What the call leaves behind."""
        assert self.life is not None, "a call that counted nothing leaves nothing: this is a bug"
        return CallState(
            tenant=tenant,
            call_id=call_id,
            customer_id=self.customer_id,
            customer_seq=self._customer_seq,
            model=self.bundle.name,
            version=self.bundle.version,
            sums_key=self.sums_key,
            size=self.size,
            customer=_side(self.customer),
            agent=_side(self.agent),
            seen=self.seen.edges(),
            probability=self.probability,
            life=self.life,
        )


def _side(voice: Voice) -> Side:
    if not voice.fragments:
        return Side()
    return Side(pack(voice.total), voice.fragments, voice.characters)
