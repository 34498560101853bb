"""Settings in, a verdict out: the order in which a live cluster is read so that what is found is a fault, never a race.

    committed₀ ─▶ ends of outputs ─▶ ends of inputs ─▶ outputs, to their ends ─▶ committed₁ ─▶ inputs, to their ends

- *Lost* is an input below committed₀ without an output. A transaction's outputs are in the log before its offsets
  are committed, so outputs of everything below committed₀ lie below the ends asked for after it; each partition is
  read until its last stable offset has passed that end. A transaction that was open at that moment hides a part and
  is waited for; one that stays open for `settle_s` is a finding, and then nothing is called lost.
- *Ahead* is an output whose cause is not below committed₁, asked for after the outputs were read. Offsets and outputs
  of one transaction become visible one after the other, so both committed₀ and committed₁ are stable ones: a
  partition's offset counts once no transaction on it is pending.
- *Foreign* is an output that names no visible input. What wrote an output below those ends had read its cause, which
  was therefore stable before: it lies below the inputs' last stable offsets, asked for afterwards. An offset without
  a visible record (a marker, an aborted record, one that compaction took) is no input, so gaps are no loss.
- *Retention*: an input that was deleted cannot be judged, and its outputs are counted as `unjudged`. Where the
  beginning of an output partition was deleted, an input is judged when it is younger than the oldest output left
  there, for its own output is younger still. Where nothing is left the moment is now, unless `since` says from when
  on outputs were kept. These are Kafka's times, the broker's own on topics that Switchboard created.
- Topics of calls are judged once the group has committed offsets there; profiles and outcomes never (at least once).
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from stream.errors import FatalError
from stream.kafka.admin import prepare_topics
from stream.kafka.clients import Log
from stream.outputs import OUTPUT_ID
from stream.records import from_kafka_ms
from stream.settings import Settings
from stream.topics import (
    CALL_TRANSCRIPTS,
    CASE_OUTCOMES,
    CHURN_SCORES,
    CLASSIFICATIONS,
    CLEANED_EMAILS,
    CUSTOMER_PROFILES,
    DEAD_LETTERS,
    INBOUND_EMAILS,
    INBOUND_EMAILS_BULK,
)
from stream.verify.ledger import Kind, Ledger, OutputRecord, OutputTopic
from stream.verify.reading import Cluster, Place, Record, connected
from stream.verify.verdict import Found, Names, Verdict

EMAILS = (INBOUND_EMAILS, INBOUND_EMAILS_BULK)
# Brokers' clocks differ a little, and each partition is stamped by its own leader's.
CLOCK_SKEW_MS = 10_000
ASK_AGAIN_S = 0.3

Value = TypeVar("Value")


@dataclass(frozen=True)
class VerifyOptions:
    """How to verify.

    Attributes:
        since: inputs older than this are not judged; None: all that retention left.
        wait_s: how long what waits at the start may take until it is committed; None: do not wait.
        settle_s: how long a transaction may stay open.
    """

    since: datetime | None = None
    wait_s: float | None = None
    settle_s: float = 25.0


async def verify(settings: Settings, options: VerifyOptions, log: Log) -> Verdict:
    """Compare what went into the topics with what came out; other traffic may go on.

    Raises:
        FatalError: topics are missing, or Kafka cannot be read.
    """
    states = await prepare_topics(settings.model_copy(update={"create_topics": False}), log)
    places = {
        name: [Place(state.name, number) for number in range(state.partitions)]
        for name, state in states.items()
    }
    async with connected(settings, log) as cluster:
        return await _Proof(cluster, places, options).verdict()


class _Proof:
    """One verification of one cluster; `places` are the partitions by the topic's name without prefix."""

    def __init__(
        self, cluster: Cluster, places: Mapping[str, list[Place]], options: VerifyOptions
    ) -> None:
        self._cluster = cluster
        self._places = places
        self._options = options

    async def verdict(self) -> Verdict:
        """Read in the order of the module's first lines, and judge."""
        cluster, settle_s = self._cluster, self._options.settle_s
        topics = await self._judged_topics()
        inputs = [place for topic in topics for place in self._places[topic]]
        overdue = await self._overdue(inputs)
        before, pending = await cluster.committed(inputs, settle_s)
        settled_at_s = time.monotonic() + settle_s
        outputs = self._outputs(topics)
        ends, begins = await cluster.ends(outputs), await cluster.begins(outputs)
        since_ms = await self._judged_since_ms(outputs)
        spans = await self._spans(inputs, await cluster.stable_ends(inputs), since_ms)
        ledger = Ledger(_by_name(spans), self._topics(*EMAILS))
        kept_ms = None if since_ms is None else since_ms - CLOCK_SKEW_MS
        output_spans = await self._spans(outputs, ends, kept_ms)
        if await cluster.begins(outputs) != begins:
            raise FatalError("retention deleted outputs while they were asked for; run it again")
        hidden = await cluster.records(
            output_spans,
            lambda place, record: ledger.add_output(outputs[place], _output(record)),
            settled_at_s,
        )
        after, still_pending = await cluster.committed(inputs, settle_s)
        after |= {place: spans[place].stop for place in still_pending}
        await cluster.records(
            spans,
            lambda place, record: ledger.add_input(
                named(place), record.offset, record.key, record.value
            ),
        )
        open_ = Names()
        for place, stable in hidden.items():
            open_.add(f"{named(place)}: last stable offset {stable}, end {ends[place]}")
        for place in dict.fromkeys([*pending, *still_pending]):
            open_.add(f"{named(place)}: the group's offset is pending, or its coordinator away")
        return replace(
            ledger.close(_by_name(before), _by_name(after), all_seen=not hidden),
            judged_since=None if since_ms is None else from_kafka_ms(since_ms),
            open_transactions=open_.found(),
            overdue=overdue,
        )

    # -- what is judged ------------------------------------------------------------------------

    async def _judged_topics(self) -> tuple[str, ...]:
        calls, settle_s = self._places[CALL_TRANSCRIPTS], self._options.settle_s
        offsets, pending = await self._cluster.committed(calls, settle_s)
        return (*EMAILS, CALL_TRANSCRIPTS) if offsets or pending else EMAILS

    def _topics(self, *names: str) -> frozenset[str]:
        """Full names."""
        return frozenset(place.topic for name in names for place in self._places[name])

    def _outputs(self, judged: Collection[str]) -> dict[Place, OutputTopic]:
        """Every output partition, with what may lie in it."""
        emails, nothing = self._topics(*EMAILS), frozenset[str]()
        others = {CALL_TRANSCRIPTS, CUSTOMER_PROFILES, CASE_OUTCOMES} - {*judged}
        rules = [
            (CLASSIFICATIONS, Kind.ANSWER, emails, nothing),
            (CLEANED_EMAILS, Kind.TEXT, emails, nothing),
            (DEAD_LETTERS, Kind.LETTER, self._topics(*judged), self._topics(*others)),
        ]
        if CALL_TRANSCRIPTS in judged:
            calls = self._topics(CALL_TRANSCRIPTS)
            rules.append((CHURN_SCORES, Kind.ANSWER, calls, nothing))
        return {
            place: OutputTopic(place.topic, kind, causes, unjudged)
            for name, kind, causes, unjudged in rules
            for place in self._places[name]
        }

    async def _judged_since_ms(self, outputs: Collection[Place]) -> int | None:
        """The time from which on every output was kept, and that was asked for; None: all of time."""
        since = self._options.since
        asked_ms = [] if since is None else [int(since.timestamp() * 1000)]
        begins = await self._cluster.begins(outputs)
        trimmed = [place for place in outputs if begins[place] > 0]
        if not trimmed:
            return max(asked_ms, default=None)
        oldest = await self._cluster.first_since(trimmed, 0)
        kept_ms = [moment_ms + CLOCK_SKEW_MS for _, moment_ms in oldest.values()]
        if len(oldest) < len(trimmed) and not asked_ms:
            kept_ms.append(int(time.time() * 1000))
        return max([*kept_ms, *asked_ms])

    async def _spans(
        self, places: Collection[Place], ends: Mapping[Place, int], since_ms: int | None
    ) -> dict[Place, range]:
        """Offsets to read: from the time on, else from the beginning, up to the end."""
        begins = await self._cluster.begins(places)
        if since_ms is not None:
            found = await self._cluster.first_since(places, since_ms)
            begins = {place: found[place][0] if place in found else ends[place] for place in places}
        return {place: range(begins[place], max(begins[place], ends[place])) for place in places}

    # -- waiting -------------------------------------------------------------------------------

    async def _overdue(self, inputs: Collection[Place]) -> Found:
        """Wait until what lies in the inputs now is committed; returns where it is not when the time is over."""
        late = Names()
        if self._options.wait_s is None:
            return late.found()
        deadline_s = time.monotonic() + self._options.wait_s
        begins, ends = await self._cluster.begins(inputs), await self._cluster.stable_ends(inputs)
        while waiting := await self._waiting(inputs, begins, ends):
            if time.monotonic() > deadline_s:
                for place, offset in waiting.items():
                    late.add(f"{named(place)}: committed {offset}, end {ends[place]}")
                break
            await asyncio.sleep(ASK_AGAIN_S)
        return late.found()

    async def _waiting(
        self, inputs: Collection[Place], begins: Mapping[Place, int], ends: Mapping[Place, int]
    ) -> dict[Place, int]:
        """Committed offsets of the partitions that hold a record at or after it."""
        committed, _ = await self._cluster.committed(inputs, self._options.settle_s)
        offsets = {place: max(committed.get(place, 0), begins[place]) for place in inputs}
        return {
            place: offset
            for place, offset in offsets.items()
            if await self._cluster.has_record(place, offset, ends[place])
        }


def named(place: Place) -> str:
    """`topic/partition`."""
    return f"{place.topic}/{place.partition}"


def _by_name(found: Mapping[Place, Value]) -> dict[str, Value]:
    return {named(place): value for place, value in found.items()}


def _output(record: Record) -> OutputRecord:
    headers: dict[str, bytes | None] = dict(reversed(record.headers))  # of two the first counts
    cause = headers.get(OUTPUT_ID)
    return OutputRecord(
        record.partition,
        record.offset,
        record.key,
        record.value,
        None if cause is None else cause.decode(errors="replace"),
        headers.get("payload"),
    )
