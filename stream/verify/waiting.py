"""A cluster at work in; waits until its groups have committed what lies in the inputs now, says where they have not."""

import asyncio
import time
from collections.abc import Collection, Sequence

from stream.tenants import Period
from stream.verify.groups import GENERAL, Groups
from stream.verify.reading import Cluster, Place, named
from stream.verify.verdict import Found, Names

ASK_AGAIN_S = 0.3

Spans = Sequence[dict[Place, range]]  # of each group


async def wait_for_groups(
    cluster: Cluster,
    groups: Groups,
    inputs: Collection[Place],
    shared: Collection[Place],
    wait_s: float,
    settle_s: float,
) -> Found:
    """Wait until what lies in the inputs now is committed; returns where it is not when the time is over.

    Args:
        cluster: not read by anything else meanwhile.
        groups: whose offsets are looked at.
        inputs: of the general group.
        shared: those of them that dedicated groups read too.
        wait_s: the time that there is.
        settle_s: how long a transaction may stay open.
    """
    late = Names()
    deadline_s = time.monotonic() + wait_s
    spans = await _spans(cluster, groups.periods, inputs, shared)
    while waiting := await _waiting(cluster, spans, settle_s):
        if time.monotonic() > deadline_s:
            for (group, place), offset in waiting.items():
                whose = "" if group == GENERAL else f" in group {groups.ids[group]}"
                end = spans[group][place].stop
                late.add(f"{named(place)}: committed {offset}{whose}, end {end}")
            break
        await asyncio.sleep(ASK_AGAIN_S)
    return late.found()


async def _spans(
    cluster: Cluster,
    periods: Sequence[Period],
    inputs: Collection[Place],
    shared: Collection[Place],
) -> Spans:
    """What each group must have passed: the general one everything, a dedicated one what came in its time."""
    begins, ends = await cluster.begins(inputs), await cluster.stable_ends(inputs)

    async def first(moment_ms: int | None) -> dict[Place, int]:
        found = {} if moment_ms is None else await cluster.first_since(shared, moment_ms)
        return {place: found[place][0] if place in found else ends[place] for place in shared}

    spans = [{place: range(begins[place], ends[place]) for place in inputs}]
    for period in periods:
        first_ours, first_behind = await first(period.begin_ms), await first(period.until_ms)
        spans.append(
            {
                place: range(first_ours[place], min(first_behind[place], ends[place]))
                for place in shared
            }
        )
    return spans


async def _waiting(cluster: Cluster, spans: Spans, settle_s: float) -> dict[tuple[int, Place], int]:
    """Committed offsets, by group, of the partitions that hold a record at or after it."""
    waiting: dict[tuple[int, Place], int] = {}
    for group, own in enumerate(spans):
        committed, _ = await cluster.committed(group, own, settle_s)
        for place, span in own.items():
            offset = max(committed.get(place, 0), span.start)
            if await cluster.has_record(place, offset, span.stop):
                waiting[group, place] = offset
    return waiting
