"""The states of all calls of a worker's partitions: what is committed, and beside it what one window would change.

A window stages; its transaction writes what is staged; `merge` after Kafka has acknowledged its end, `drop` after
anything else. Memory so never holds what an aborted transaction would have written. Knows no Kafka client.

States are kept as the bytes of their records: half of what objects with their arrays take, and a restore decodes
nothing twice (benchmarks/README.md, calls_fold). One thread stages, merges and drops; others may look.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappush

from stream.calls.state import Ages, CallState, decode_state, encode_state, read_back

BundleName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StateRecord:
    """One record for `churn-state`, in the partition of its source; without value a tombstone."""

    partition: int
    key: bytes
    value: bytes | None


@dataclass(slots=True)
class _Held:
    """One partition. `open`: calls that have not ended, with the bundle they stay with."""

    offset: int
    states: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    agenda: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    open: dict[bytes, BundleName] = field(default_factory=dict[bytes, BundleName])


class CallTable:
    """States by partition and key.

    Args:
        ages: when silence ends a call, and when an ended one is forgotten.
    """

    def __init__(self, ages: Ages) -> None:
        self.ages = ages
        self._held: dict[int, _Held] = {}
        self._staged: dict[tuple[int, bytes], tuple[CallState | None, bytes | None]] = {}
        self._bundles: Counter[BundleName] = Counter()
        self._names: dict[BundleName, BundleName] = {}
        self._bytes = 0

    def load(
        self, partition: int, records: Iterable[tuple[bytes, bytes | None]], offset: int
    ) -> None:
        """Hold a partition, with what its state topic says, in place of what was held.

        Args:
            partition: number of the source's partition, and of the state's.
            records: key and value in the order of their offsets: the last one counts, a tombstone takes it away.
            offset: of the source, up to which these states tell everything.

        Raises:
            StateError: a state that counts is damaged or of a later program; the partition is not held.
        """
        self.forget(partition)
        held = _Held(offset)
        for key, value in records:
            if value is None:
                held.states.pop(key, None)
            else:
                held.states[key] = value
        for key, value in held.states.items():
            state = decode_state(key, value)
            held.agenda.append((self.ages.due_ms(state.life), key))
            if not state.life.ended:
                held.open[key] = self._name_of(state)
        heapify(held.agenda)
        self._held[partition] = held
        self._bundles.update(held.open.values())
        self._bytes += sum(map(len, held.states.values()))

    def forget(self, partition: int) -> None:
        """Let a partition go, with what is staged for it."""
        held = self._held.pop(partition, None)
        if held is not None:
            self._bundles.subtract(held.open.values())
            self._bytes -= sum(map(len, held.states.values()))
        for place in [place for place in self._staged if place[0] == partition]:
            del self._staged[place]

    def offset(self, partition: int) -> int | None:
        """The offset of the source that the partition's states stand at; None: it is not held."""
        held = self._held.get(partition)
        return None if held is None else held.offset

    def agenda(self, partition: int) -> list[tuple[int, bytes]]:
        """A heap of (moment in ms, key): when a call is next looked at, for `ageing`. Words do not move its entry."""
        held = self._held.get(partition)
        return [] if held is None else held.agenda

    def find(self, partition: int, key: bytes) -> CallState | None:
        """The state of a call with what is staged; None: nothing is known of it."""
        staged = self._staged.get((partition, key))
        if staged is not None:
            return staged[0]
        held = self._held.get(partition)
        value = None if held is None else held.states.get(key)
        return None if value is None else read_back(value)

    def stage(self, partition: int, key: bytes, state: CallState | None) -> None:
        """Note what the window's transaction makes of a call; None: a tombstone. The last one counts."""
        assert partition in self._held, f"partition {partition} is not restored: this is a bug"
        self._staged[partition, key] = state, None if state is None else encode_state(state)

    def is_staged(self, partition: int, key: bytes) -> bool:
        """The window in hand changes this call."""
        return (partition, key) in self._staged

    def staged(self) -> list[StateRecord]:
        """The records that the transaction must carry: one for each call that the window changed."""
        return [
            StateRecord(partition, key, value)
            for (partition, key), (_, value) in self._staged.items()
        ]

    def merge(self, offsets: Mapping[int, int]) -> None:
        """The transaction's end is acknowledged: what is staged is so.

        Args:
            offsets: of the source, by partition, as the transaction committed them.
        """
        for (partition, key), (state, value) in self._staged.items():
            held = self._held[partition]
            before = held.states.get(key)
            self._bytes += len(value or b"") - len(before or b"")
            if value is None or state is None:
                held.states.pop(key, None)
            else:
                held.states[key] = value
                if before is None:
                    heappush(held.agenda, (self.ages.due_ms(state.life), key))
            self._count(held, key, state)
        for partition, offset in offsets.items():
            if partition in self._held:
                self._held[partition].offset = offset
        self._staged.clear()

    def drop(self) -> None:
        """The transaction was refused, or its end is unknown: nothing of the window is so."""
        self._staged.clear()

    def _count(self, held: _Held, key: bytes, state: CallState | None) -> None:
        is_open = state is not None and not state.life.ended
        before = held.open.get(key)
        after = self._name_of(state) if state is not None and is_open else None
        if before == after:
            return
        if before is not None:
            self._bundles[before] -= 1
            del held.open[key]
        if after is not None:
            self._bundles[after] += 1
            held.open[key] = after

    def _name_of(self, state: CallState) -> BundleName:
        """One object for all calls of a bundle: 160 bytes a call less."""
        name = state.model, state.version
        return self._names.setdefault(name, name)

    # -- figures -------------------------------------------------------------------------------

    @property
    def calls_open(self) -> int:
        """Calls in progress."""
        return sum(len(held.open) for held in self._held.values())

    @property
    def calls_ended(self) -> int:
        """Calls that ended and are remembered."""
        return sum(len(held.states) for held in self._held.values()) - self.calls_open

    @property
    def state_bytes(self) -> int:
        """Of all states as they lie in the topic, without keys."""
        return self._bytes

    def bundles_in_use(self) -> set[BundleName]:
        """Name and version of the bundles that calls in progress stay with."""
        return {name for name, count in self._bundles.copy().items() if count > 0}
