"""Stored states and calls counted anew in; how many were compared and which differ out. Pure.

*Unjudged* is a call with a fragment whose output could not be seen, one older than the inputs that are left (or than
`since`), and one that moved on while it was read. A probability is computed again where the customer's profile is
older than the call's last fragment, by more than clocks differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stream.calls.state import CallState, StateError, decode_state
from stream.records import CustomerProfile
from stream.verify.differences import Differences
from stream.verify.recount import Recounted
from stream.verify.verdict import Found, Names

# Brokers' clocks differ a little, and each partition is stamped by its own leader's.
CLOCK_SKEW_MS = 10_000


@dataclass(frozen=True)
class CallsFound:
    """What the states of calls say.

    Attributes:
        states: how many were compared with their fragments.
        states_unheard: of those, the ones whose words were not: a bundle is not at hand, or runs in another precision.
        states_unjudged: calls that could not be compared.
        wrong_states: those that differ from what their fragments say, or are missing.
    """

    states: int
    states_unheard: int
    states_unjudged: int
    wrong_states: Found


@dataclass(frozen=True)
class Profile:
    """What is known of a customer; `since_ms` None: nobody can say what workers know."""

    value: CustomerProfile | None = None
    since_ms: int | None = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """Last record of a call. `stands_at`: offset of the source up to which it tells everything; None: it says none."""

    value: bytes | None
    stands_at: int | None


@dataclass(slots=True)
class Partition:
    """What was read of one partition.

    Attributes:
        name: of states.
        source: of fragments.
        stored: by key.
        moved: keys with a record behind the end that counts.
        oldest_ms: time of the first fragment that is judged; None: there is none.
        is_trimmed: fragments before it are not judged.
        is_hidden: an open transaction hides states.
        committed: offset of the source that some group has committed after the states were read; None: nobody says.
    """

    name: str
    source: str
    stored: dict[bytes, Stored] = field(default_factory=dict[bytes, Stored])
    moved: set[bytes] = field(default_factory=set[bytes])
    oldest_ms: int | None = None
    is_trimmed: bool = False
    is_hidden: bool = False
    committed: int | None = None

    def is_older(self, moment_ms: int) -> bool:
        """What happened then may lie before the fragments that are judged; a batch of records has one time."""
        return self.is_trimmed and (self.oldest_ms is None or moment_ms <= self.oldest_ms)

    def is_ahead(self, stored: Stored) -> bool:
        """It tells of fragments that nobody has committed."""
        at, committed = stored.stands_at, self.committed
        return at is not None and committed is not None and at >= committed


class States:
    """Compares, and counts; `profiles` by key of their topic, filled before."""

    def __init__(self, differences: Differences) -> None:
        self._differences = differences
        self.profiles: dict[str, Profile] = {}
        self._compared = self._unheard = self._unjudged = 0
        self._wrong = Names()

    def compare(self, partition: Partition, calls: Mapping[bytes, Recounted], now_ms: int) -> None:
        """Compare the stored states of one partition with its calls counted anew."""
        by_now_ms = now_ms + CLOCK_SKEW_MS
        for key in dict.fromkeys((*partition.stored, *calls)):
            stored, call = partition.stored.get(key), calls.get(key)
            if partition.is_hidden or (stored is None and key in partition.moved):
                faults = None
            elif stored is not None and partition.is_ahead(stored):
                faults = [f"stands at {stored.stands_at}, committed is {partition.committed}"]
            elif stored is None or stored.value is None:
                faults = self._missing(partition, call, by_now_ms)
            elif stored.stands_at is None:
                faults = ["no output-id"]
            else:
                state = decoded(key, stored.value)
                judged = _is_judged(partition, state, call)
                faults = self._stored(state, call, by_now_ms) if judged else None
            if faults is None:
                self._unjudged += 1
            elif faults:
                name = f"{partition.name} {key.decode(errors='replace')!r}"
                self._wrong.add(f"{name}: {'; '.join(faults)}")

    def found(self) -> CallsFound:
        """What was found so far."""
        return CallsFound(self._compared, self._unheard, self._unjudged, self._wrong.found())

    def _stored(self, state: CallState | str, call: Recounted | None, by_now_ms: int) -> list[str]:
        self._compared += 1
        if isinstance(state, str):
            return [state]
        if call is None:
            return ["no fragment counts in it"]
        differences = self._differences
        faults = [*differences.of_state(state, call, by_now_ms)]
        if differences.are_words_known(state, call):
            faults += differences.of_words(state, call)
        else:
            self._unheard += 1
        key = f"{state.tenant}/{state.customer_id}"
        profile = Profile() if state.customer_id is None else self.profiles.get(key, Profile())
        is_old = (
            profile.since_ms is not None and profile.since_ms < call.life.last_ms - CLOCK_SKEW_MS
        )
        if call.is_fresh and is_old:
            value = profile.value  # "a/b" of "c" and "a" of "b/c" are one key
            features = value.features if value and value.tenant == state.tenant else None
            faults += differences.of_probability(state, features)
        return faults

    def _missing(
        self, partition: Partition, call: Recounted | None, by_now_ms: int
    ) -> list[str] | None:
        """Whether a call without a state may be so."""
        ages = self._differences.ages
        if call is None or self._differences.may_be_gone(call, by_now_ms):
            return []
        if call.is_unsure or partition.is_older(
            call.life.first_ms - ages.silent_ms - ages.ended_keep_ms
        ):
            return None
        return [f"no state, {call.seen.count} fragments count"]


def decoded(key: bytes, value: bytes) -> CallState | str:
    """A state, or what is wrong with its record."""
    try:
        return decode_state(key, value)
    except StateError as error:
        return str(error)


def _is_judged(partition: Partition, state: CallState | str, call: Recounted | None) -> bool:
    if isinstance(state, str):
        return True
    return not (partition.is_older(state.life.first_ms) or (call is not None and call.is_unsure))
