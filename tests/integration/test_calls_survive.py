"""Calls whose workers are killed, or give them away in mid-call: no fragment is counted twice, none is forgotten."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stream.records import CustomerProfile, encode
from stream.topics import CUSTOMER_PROFILES
from tests.calling import answered, begin, fragment, proven, say, scores, states, talk
from tests.churn_fakes import FakeChurnModel
from tests.kafka_tools import produce
from tests.walking import settings_for, until, walking
from tests.worker_process import WorkerProcess, worker_processes

Workers = Callable[..., WorkerProcess]
CALLS, FRAGMENTS = 12, 60


@pytest.fixture
def workers(kafka: str, prefix: str, tmp_path: Path) -> Iterator[Workers]:
    with worker_processes(kafka, prefix, tmp_path) as make:
        yield make


@pytest.mark.timeout(90)
@pytest.mark.parametrize("slot", [None, 1], ids=["dynamic", "slot"])
async def test_a_worker_killed_during_calls_leaves_states_that_its_successor_goes_on_with(
    kafka: str, prefix: str, workers: Workers, slot: int | None
) -> None:
    settings = settings_for(kafka, prefix)
    await begin(settings)
    options = {} if slot is None else {"worker_slot": slot}
    worker = workers(**options)
    await worker.logged("partitions_assigned")
    talking = asyncio.ensure_future(talk(settings, CALLS, range(FRAGMENTS), 150))
    await worker.logged("window_committed", 4)
    worker.kill()
    worker = workers(**options)
    await talking
    await say(settings, *(fragment(f"c{call}", 0) for call in range(CALLS)))  # sent again
    counted = await proven(settings)
    assert (counted.answers, counted.states) == (CALLS * (FRAGMENTS + 1), CALLS)
    for state in (await states(settings)).values():
        assert state is not None
        assert state.seen == (0, FRAGMENTS)
    assert any(event["calls"] for event in worker.events("calls_restored")), worker.tail()
    assert await worker.stop() == 0


@pytest.mark.timeout(60)
async def test_a_call_that_moves_to_another_worker_in_mid_sentence_goes_on_there(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix)
    await begin(settings)
    async with walking(settings) as first:
        talking = asyncio.ensure_future(talk(settings, CALLS, range(FRAGMENTS), 200))
        await answered(first, 5 * CALLS)
        async with walking(settings) as second:
            await until(lambda: second.walk._desk.table.calls_open > 0)
            moved = second.walk._desk.table.calls_open
            await answered(second, 5 * moved)
            assert first.walk._desk.table.calls_open == CALLS - moved, "held by one of them"
        await talking
        counted = await proven(settings)
        assert first.walk._desk.table.calls_open == CALLS, "and back"
    assert (counted.answers, counted.states) == (CALLS * FRAGMENTS, CALLS)
    by_call: dict[str, list[int]] = {}
    for score in await scores(settings):
        by_call.setdefault(score["call_id"], []).append(score["fragments"])
    assert all(found == [*range(1, FRAGMENTS + 1)] for found in by_call.values())


@pytest.mark.timeout(60)
async def test_a_profile_of_wrong_types_leaves_the_last_good_one_and_a_new_one_is_felt(
    kafka: str, prefix: str, workers: Workers
) -> None:
    settings = settings_for(kafka, prefix)
    await begin(settings)
    topic, key = settings.topic(CUSTOMER_PROFILES), b"default/jane"

    def profile(**features: Any) -> bytes:
        return encode(CustomerProfile(customer_id="jane", features=features))

    bad = json.dumps({"customer_id": "jane", "features": {"months": {"a": 1}}}).encode()
    await produce(kafka, topic, [(key, profile(months=2.0, plan="gold")), (key, bad)])
    worker = workers()
    await worker.logged("profiles_refused")
    await worker.logged("partitions_assigned")
    await say(settings, fragment("c", 0, customer_id="jane"), fragment("stranger", 0))
    await worker.logged("window_committed")
    await produce(kafka, topic, [(key, profile(months=90.0, plan="gold"))])

    async def felt() -> bool:
        """A partial fragment changes nothing, so it may ask as often as it likes."""
        await say(settings, fragment("c", 9, "", partial=True))
        await asyncio.sleep(0.3)
        return (await scores(settings))[-1]["probability"] != first["probability"]

    [first] = [one for one in await scores(settings) if one["call_id"] == "c"]
    assert first["profile_known"]
    async with asyncio.timeout(20):
        while not await felt():
            pass
    await proven(settings)
    known = {one["call_id"]: one["profile_known"] for one in await scores(settings)}
    assert known == {"c": True, "stranger": False}
    months = FakeChurnModel().space.columns.index("months")
    assert FakeChurnModel()._weights[months] != 0, "else nobody could feel it"
