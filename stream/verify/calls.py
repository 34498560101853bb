"""A cluster's calls in; whether each stored state is what the fragments say out: one partition after the other.

    churn-state ─▶ last record of each call, with the offset that it stands at ─┐
    call-transcripts, what became of each fragment ─▶ `recount`  ───────────────┴─▶ `states`: what differs

A state record says in its `output-id` up to which offset of its source it tells everything. So a call's fragments are
counted up to there, and up to its group's committed offset where that is farther: a state that was not written, or
was overwritten by an older one, is found; and so is one that tells of fragments which nobody has committed. In memory
are the states of one partition, and the profiles of the customers that all states name.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from stream.calls.profile_records import read_profile
from stream.calls.reading import decode_fragment
from stream.calls.state import Ages, CallState, state_key
from stream.errors import PoisonRecordError
from stream.outputs import OUTPUT_ID
from stream.topics import CALL_TRANSCRIPTS, CHURN_SCORES, CHURN_STATE, CUSTOMER_PROFILES
from stream.verify.differences import Differences
from stream.verify.groups import Groups
from stream.verify.layout import Layout
from stream.verify.ledger import MOST_DIGITS, Kind, OutputRecord, OutputTopic
from stream.verify.outcomes import Outcomes
from stream.verify.reading import Cluster, Place, Record, named
from stream.verify.recount import Bundles, Recount
from stream.verify.states import CallsFound, Partition, Profile, States, Stored, decoded

FORGET_EVERY = 10_000  # fragments


class CallProof:
    """One comparison of all calls: `begin`, `judge`, then `note` each output, then `found`.

    Args:
        cluster: read by nobody else while `found` runs.
        layout: its topics.
        groups: who answers whom.
        ages: the workers' rules of time.
        bundles: those at hand.
    """

    def __init__(
        self, cluster: Cluster, layout: Layout, groups: Groups, ages: Ages, bundles: Bundles
    ) -> None:
        self._cluster = cluster
        self._layout = layout
        self._groups = groups
        self._ages = ages
        self._bundles = bundles
        self._states = States(Differences(ages, bundles))
        self._committed: Sequence[Mapping[str, int]] = ()
        self._ends: Mapping[Place, int] = {}
        self._spans: Mapping[Place, range] = {}
        self._outcomes = Outcomes({})

    async def begin(self, committed: Sequence[Mapping[str, int]]) -> None:
        """Ask where the states end; what is written behind is not judged.

        Args:
            committed: of each group its stable offsets by source, asked for just now.
        """
        self._committed = committed
        self._ends = await self._cluster.ends(self._layout.places(CHURN_STATE))

    def judge(self, spans: Mapping[Place, range]) -> None:
        """Say which offsets of the inputs are judged."""
        self._spans = {place: spans[place] for place in self._layout.places(CALL_TRANSCRIPTS)}
        self._outcomes = Outcomes({named(place): span for place, span in self._spans.items()})

    def note(self, topic: OutputTopic, output: OutputRecord) -> None:
        """Note what an output says of a fragment."""
        if topic.kind is Kind.LETTER:
            self._outcomes.add_letter(output.cause, *output.reason)
        elif topic.name in self._layout.names(CHURN_SCORES):
            self._outcomes.add_score(output.cause, output.value)

    async def found(self, settle_s: float) -> CallsFound:
        """Read states and fragments, and compare; a transaction may stay open for so long."""
        await self._read_profiles()
        places, sources = self._layout.places(CHURN_STATE), self._layout.places(CALL_TRANSCRIPTS)
        for place, source in zip(places, sources, strict=True):
            partition = Partition(named(place), named(source))
            await self._read_states(place, partition)
            partition.committed = await self._committed_by_now(source, settle_s)
            recount = await self._count(source, partition)
            self._states.compare(partition, recount.calls, time.time_ns() // 1_000_000)
        return self._states.found()

    async def _read_profiles(self) -> None:
        """Those of the customers that states name."""
        profiles = self._states.profiles

        def note_customer(_: Place, record: Record) -> None:
            state = None if record.value is None else decoded(record.key or b"", record.value)
            if isinstance(state, CallState) and state.customer_id is not None:
                profiles[f"{state.tenant}/{state.customer_id}"] = Profile()

        def note_profile(_: Place, record: Record) -> None:
            key = (record.key or b"").decode(errors="replace")
            if key not in profiles:
                return
            try:
                profiles[key] = Profile(read_profile(record.key, record.value), record.timestamp)
            except PoisonRecordError:  # the last good one stays, where a worker knows it
                profiles[key] = Profile(since_ms=None)

        await self._read(self._layout.places(CHURN_STATE), note_customer)
        if profiles:
            await self._read(self._layout.places(CUSTOMER_PROFILES), note_profile)

    async def _read(
        self, places: Collection[Place], on_record: Callable[[Place, Record], None]
    ) -> None:
        """All that is committed by now."""
        begins = await self._cluster.begins(places)
        ends = await self._cluster.stable_ends(places)
        spans = {place: range(begins[place], max(begins[place], ends[place])) for place in places}
        await self._cluster.records(spans, on_record)

    async def _read_states(self, place: Place, partition: Partition) -> None:
        """The last record of each call, and which calls have one behind the end that counts."""
        end = self._ends[place]

        def note(_: Place, record: Record) -> None:
            key = record.key or b""
            if record.offset < end:
                partition.stored[key] = Stored(record.value, _stands_at(record, partition.source))
            else:
                partition.moved.add(key)

        await self._read([place], note)
        [stable] = (await self._cluster.stable_ends([place])).values()
        partition.is_hidden = stable < end

    async def _committed_by_now(self, source: Place, settle_s: float) -> int | None:
        """Offset that the farthest group has committed; None: a transaction on it stays open.

        Asked for when the states were read: those that could be seen have their offsets by then.
        """
        offsets: list[int] = []
        for group in range(len(self._groups.ids)):
            found, pending = await self._cluster.committed(group, [source], settle_s)
            if pending:
                return None
            offsets.append(found.get(source, 0))
        return max(offsets)

    async def _count(self, source: Place, partition: Partition) -> Recount:
        """Count the calls of a partition anew."""
        recount = Recount(self._ages, self._bundles)
        partition.is_trimmed = self._spans[source].start > 0

        read = 0

        def note(_: Place, record: Record) -> None:
            nonlocal read
            read += 1  # not by offset: some are markers of transactions
            if read % FORGET_EVERY == 0:
                recount.forget(record.timestamp, partition.stored)
            if partition.oldest_ms is None:
                partition.oldest_ms = record.timestamp
            try:
                fragment = decode_fragment(record.key, record.value)
            except PoisonRecordError:
                return
            key = state_key(fragment.tenant, fragment.call_id)
            stored = partition.stored.get(key)
            stands_at = -1 if stored is None or stored.stands_at is None else stored.stands_at
            if record.offset > stands_at and not self._is_committed(partition.source, record):
                return
            is_heard = stored is not None and stored.value is not None
            outcome = self._outcomes.of(partition.source, record.offset)
            recount.add(key, fragment, record.timestamp, outcome, is_heard=is_heard)

        await self._cluster.records({source: self._spans[source]}, note)
        return recount

    def _is_committed(self, source: str, record: Record) -> bool:
        """By those who answer it."""
        group = self._groups.number_of_call(record.key, record.value, record.timestamp)
        return record.offset < self._committed[group].get(source, 0)


def _stands_at(record: Record, source: str) -> int | None:
    """The offset of its source up to which a state tells everything; None: it does not say."""
    cause = (dict(record.headers).get(OUTPUT_ID) or b"").decode(errors="replace")
    place, _, number = cause.rpartition("/")
    is_offset = len(number) <= MOST_DIGITS and number.isdecimal()
    return int(number) if place == source and is_offset else None
