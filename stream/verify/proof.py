"""Settings in, a verdict out: the order in which a live cluster is read so that what is found is a fault, never a race.

    committed₀ ─▶ ends of outputs ─▶ ends of inputs ─▶ outputs, to their ends ─▶ committed₁ ─▶ inputs, to their ends

- *Dedicated workers* have a group of their own beside the general one. By the tenants file an input is one group's
  (`groups`): order holds among the outputs of one group's inputs, and that group's committed offsets count for them.
  Only for that the inputs are read once more, before the outputs.
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
- *States* of calls are compared with their fragments after all else (`calls`); words only with the bundles at hand.
- Profiles and outcomes are never judged (at least once).
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from stream.calls.state import Ages
from stream.errors import FatalError
from stream.kafka.admin import prepare_topics
from stream.kafka.clients import Log
from stream.records import from_kafka_ms
from stream.settings import Settings
from stream.tenants import ALL_ALIKE, Tenants
from stream.topics import CALL_TRANSCRIPTS
from stream.verify.calls import CallProof
from stream.verify.groups import Groups
from stream.verify.layout import EMAILS, INPUTS, Layout, output_of
from stream.verify.ledger import Ledger, OutputRecord, OutputTopic
from stream.verify.reading import Cluster, Place, Record, connected, named
from stream.verify.recount import Bundles, no_bundle
from stream.verify.states import CLOCK_SKEW_MS
from stream.verify.verdict import Found, Names, Verdict
from stream.verify.waiting import wait_for_groups

Value = TypeVar("Value")


@dataclass(frozen=True)
class VerifyOptions:
    """How to verify.

    Attributes:
        since: inputs older than this are not judged; None: all that retention left.
        wait_s: how long what waits at the start may take until it is committed; None: do not wait.
        settle_s: how long a transaction may stay open.
        bundles: with which states of calls are computed anew; without them the words are not compared.
    """

    since: datetime | None = None
    wait_s: float | None = None
    settle_s: float = 25.0
    bundles: Bundles = no_bundle


async def verify(
    settings: Settings, options: VerifyOptions, log: Log, tenants: Tenants = ALL_ALIKE
) -> Verdict:
    """Compare what went into the topics with what came out; other traffic may go on.

    Args:
        settings: name the cluster and the group of the workers that are not dedicated, and when calls end.
        options: how to verify.
        log: told how far it is.
        tenants: the tenants file; says what was left to dedicated workers.

    Raises:
        FatalError: topics are missing, or Kafka cannot be read.
    """
    groups = Groups(settings.group_id, tenants)
    layout = Layout(await prepare_topics(settings.model_copy(update={"create_topics": False}), log))
    async with connected(settings, groups.ids, log) as cluster:
        ages = Ages(
            round(settings.churn_silent_s * 1000), round(settings.churn_ended_keep_s * 1000)
        )
        return await _Proof(cluster, layout, options, groups, ages).verdict()


class _Proof:
    """One verification of one cluster."""

    def __init__(
        self,
        cluster: Cluster,
        layout: Layout,
        options: VerifyOptions,
        groups: Groups,
        ages: Ages,
    ) -> None:
        self._cluster = cluster
        self._layout = layout
        self._options = options
        self._groups = groups
        self._calls = CallProof(cluster, layout, groups, ages, options.bundles)

    async def verdict(self) -> Verdict:
        """Read in the order of the module's first lines, and judge."""
        cluster = self._cluster
        inputs, outputs = self._layout.places(*INPUTS), self._layout.outputs()
        overdue = await self._overdue(inputs)
        before, pending = await self._committed(inputs)
        settled_at_s = time.monotonic() + self._options.settle_s
        await self._calls.begin(before)
        ends, begins = await cluster.ends(outputs), await cluster.begins(outputs)
        since_ms = await self._judged_since_ms(outputs)
        spans = await self._spans(inputs, await cluster.stable_ends(inputs), since_ms)
        ledger = Ledger(_by_name(spans), self._layout.names(*EMAILS), len(self._groups.ids))
        kept_ms = None if since_ms is None else since_ms - CLOCK_SKEW_MS
        output_spans = await self._spans(outputs, ends, kept_ms)
        if await cluster.begins(outputs) != begins:
            raise FatalError("retention deleted outputs while they were asked for; run it again")
        await self._assign(ledger, spans)
        self._calls.judge(spans)
        hidden = await cluster.records(
            output_spans,
            lambda place, record: self._enter(ledger, outputs[place], output_of(record)),
            settled_at_s,
        )
        after, still_pending = await self._committed(inputs)
        for group, place in still_pending:
            after[group][named(place)] = spans[place].stop
        await cluster.records(
            spans,
            lambda place, record: ledger.add_input(
                named(place), record.offset, record.key, record.value
            ),
        )
        cut_off = {place: (stable, ends[place]) for place, stable in hidden.items()}
        return replace(
            ledger.close(before, after, all_seen=not hidden),
            judged_since=None if since_ms is None else from_kafka_ms(since_ms),
            open_transactions=self._open(cut_off, [*pending, *still_pending]),
            overdue=overdue,
            **vars(await self._calls.found(self._options.settle_s)),
        )

    def _enter(self, ledger: Ledger, topic: OutputTopic, output: OutputRecord) -> None:
        ledger.add_output(topic, output)
        self._calls.note(topic, output)

    def _open(
        self, cut_off: Mapping[Place, tuple[int, int]], pending: Collection[tuple[int, Place]]
    ) -> Found:
        """Where a transaction stayed open: outputs with their last stable offset and end, offsets with their group."""
        found = Names()
        for place, (stable, end) in cut_off.items():
            found.add(f"{named(place)}: last stable offset {stable}, end {end}")
        for group, place in dict.fromkeys(pending):
            whose = f"the offset of group {self._groups.ids[group]}"
            found.add(f"{named(place)}: {whose} is pending, or its coordinator away")
        return found.found()

    # -- what is judged ------------------------------------------------------------------------

    async def _overdue(self, inputs: Collection[Place]) -> Found:
        wait_s, settle_s = self._options.wait_s, self._options.settle_s
        if wait_s is None:
            return Found()
        return await wait_for_groups(self._cluster, self._groups, inputs, wait_s, settle_s)

    async def _committed(
        self, inputs: Collection[Place]
    ) -> tuple[list[dict[str, int]], list[tuple[int, Place]]]:
        """Of each group its committed offsets; and where they stay pending."""
        found = await asyncio.gather(
            *(
                self._cluster.committed(group, inputs, self._options.settle_s)
                for group in range(len(self._groups.ids))
            )
        )
        pending = [(group, place) for group, (_, places) in enumerate(found) for place in places]
        return [_by_name(offsets) for offsets, _ in found], pending

    async def _assign(self, ledger: Ledger, spans: Mapping[Place, range]) -> None:
        """Read the inputs for whose they are, where they are not all one group's."""
        groups, calls = self._groups, self._layout.names(CALL_TRANSCRIPTS)
        if not groups.periods:
            return

        def assign(place: Place, record: Record) -> None:
            moment_ms = record.timestamp
            group = (
                groups.number_of_call(record.key, record.value, moment_ms)
                if place.topic in calls
                else groups.number_of(record.value, moment_ms)
            )
            ledger.assign(named(place), record.offset, group)

        await self._cluster.records(spans, assign)

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


def _by_name(found: Mapping[Place, Value]) -> dict[str, Value]:
    return {named(place): value for place, value in found.items()}
