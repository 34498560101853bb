"""What a call leaves behind after each window: sums, counters and times, never a word. In and out of `churn-state`.

Nothing in it depends on the order in which a call's fragments came: sums are whole numbers, times are the earliest and
the latest, and where two fragments disagree the smaller `seq` or the stronger end counts. Knows no Kafka client.
"""

from dataclasses import dataclass
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from stream.calls.intervals import are_edges
from stream.errors import FatalError

FORMAT = 1  # raise it when the meaning of a field changes; fields may be appended with a default

Ended = Literal["silent", "failed", "completed"]
_STRENGTH: dict[Ended | None, int] = {None: 0, "silent": 1, "failed": 2, "completed": 3}


class StateError(FatalError):
    """A record of `churn-state` that cannot be read: going on would begin its call anew in silence."""


class Life(Struct, array_like=True, frozen=True):
    """From when to when a call was heard, by the append times of its fragments in ms, and how it ended."""

    first_ms: int
    last_ms: int
    ended: Ended | None = None
    ended_ms: int = 0

    def heard(self, at_ms: int, ended: Ended | None = None) -> "Life":
        """With one more fragment, which may be the one that ends it. In any order the same."""
        ends = [ms for kind, ms in ((self.ended, self.ended_ms), (ended, at_ms)) if kind]
        strongest = max(self.ended, ended, key=_STRENGTH.__getitem__)
        first_ms, last_ms = min(self.first_ms, at_ms), max(self.last_ms, at_ms)
        return Life(first_ms, last_ms, strongest, min(ends, default=0))


@dataclass(frozen=True)
class Ages:
    """How long a silent call waits, and how long an ended one is remembered, ms."""

    silent_ms: int
    ended_keep_ms: int

    def at(self, life: Life, moment_ms: int) -> Life | None:
        """What became of a call by a moment without anybody saying so; None: it is forgotten.

        A function of times alone: it says the same when it is asked late, after a restart, or by another worker.
        """
        if not life.ended and moment_ms >= self.due_ms(life):
            life = Life(life.first_ms, life.last_ms, "silent", self.due_ms(life))
        return None if life.ended and moment_ms >= self.due_ms(life) else life

    def due_ms(self, life: Life) -> int:
        """When the next thing becomes of it."""
        if life.ended:
            return max(life.last_ms, life.ended_ms) + self.ended_keep_ms
        return life.last_ms + self.silent_ms


class Side(Struct, array_like=True, frozen=True):
    """What one side said: the sum of its embeddings as `models.churn.sums.pack` writes it, and how much it was.

    The sum is empty while nothing was said.
    """

    total: bytes = b""
    fragments: int = 0
    characters: int = 0


class CallState(Struct, array_like=True, frozen=True, kw_only=True):
    """One call in progress, or ended and remembered.

    Args:
        format: number of this form.
        customer_id: the one that the fragment with the smallest `seq` names; None: none does so far.
        customer_seq: that `seq`.
        model, version: the bundle it stays with.
        sums_key: encoder, precision and projection that the sums were made with.
        size: D, numbers of a sum.
        seen: `Intervals.edges` of the fragments that count.
        probability: after the last of them; None: the model gave no number.
    """

    format: int = FORMAT
    tenant: str
    call_id: str
    customer_id: str | None
    customer_seq: int
    model: str
    version: str
    sums_key: str
    size: int
    customer: Side
    agent: Side
    seen: tuple[int, ...]
    probability: float | None
    life: Life


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(CallState)
read_back = _decoder.decode  # of bytes that were checked, or written here


def encode_state(state: CallState) -> bytes:
    """The bytes of a record.

    A copy: the encoder's own bytes hold on to its spare room, 1.6 kB a call at D = 384 in a table.
    """
    return bytes(memoryview(_encoder.encode(state)))


def state_key(tenant: str, call_id: str) -> bytes:
    """`tenant/call_id`; a slash or percent sign in the tenant is escaped, so that no two calls share a key."""
    return f"{tenant.replace('%', '%25').replace('/', '%2F')}/{call_id}".encode()


def decode_state(key: bytes, value: bytes) -> CallState:
    """Read a state from the topic, and check it.

    Raises:
        StateError: it is damaged, of a later program, or lies under another call's key.
    """
    try:
        state = _decoder.decode(value)
        if state.format == FORMAT:
            _check(key, state)
            return state
        found: object = state.format
    except ValueError as error:  # msgspec's errors are such
        found = _format_of(value)
        if found == FORMAT or not isinstance(found, int):
            raise StateError(
                f"churn-state: the record of {_shown(key)} is damaged: {error}; produce a record with this key and no "
                "value to the same partition, then start again: this call begins anew, the others go on"
            ) from error
    raise StateError(
        f"churn-state: the record of {_shown(key)} has format {found}, this program reads {FORMAT}; a worker of "
        "another version wrote it: start that version, or wait until its calls have ended"
    )


def _check(key: bytes, state: CallState) -> None:
    for side in (state.customer, state.agent):
        if len(side.total) not in (0, 4 * state.size, 8 * state.size):
            raise ValueError(f"a sum of {state.size} numbers has {len(side.total)} bytes")
    if state_key(state.tenant, state.call_id) != key:
        raise ValueError("it holds another call")
    if not are_edges(state.seen):
        raise ValueError("what was seen is no row of intervals")


def _format_of(value: bytes) -> object:
    try:
        fields: Any = msgspec.msgpack.decode(value)
    except ValueError:
        return None
    return cast("list[object]", fields)[0] if isinstance(fields, list) and fields else None


def _shown(key: bytes) -> str:
    return repr(key.decode(errors="replace"))
