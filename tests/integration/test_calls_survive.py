"""Calls whose workers are killed, give them away or change their model in mid-call: each fragment counts just once.

Callers talk until a story is told, so that a slow machine makes it longer, and not another one.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from models.churn.vectors import CallSums
from stream.records import CustomerProfile, encode
from stream.topics import CHURN_SCORES, CUSTOMER_PROFILES
from tests.calling import (
    answered,
    begin,
    committed,
    fragment,
    proven,
    say,
    scores,
    states,
    talking,
)
from tests.churn_fakes import FakeChurnBundle, FakeChurnModel
from tests.kafka_tools import produce, read_until
from tests.walking import FakeRules, Running, settings_for, until, walking
from tests.worker_process import WorkerProcess, worker_processes

Workers = Callable[..., WorkerProcess]
CALLS, RATE_PER_S = 12, 200
STARTS_IN_S = 60  # a process of its own, on a busy machine


@pytest.fixture
def workers(kafka: str, prefix: str, tmp_path: Path) -> Iterator[Workers]:
    with worker_processes(kafka, prefix, tmp_path) as make:
        yield make


def held(running: Running) -> int:
    """Calls in progress whose states a walk holds."""
    return running.walk._desk.table.calls_open


async def by_call(settings: Any, of: Callable[[dict[str, Any]], Any]) -> dict[str, list[Any]]:
    """Something of each score, in order, by call."""
    found: dict[str, list[Any]] = {}
    for score in await scores(settings):
        found.setdefault(score["call_id"], []).append(of(score))
    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("slot", [None, 1], ids=["dynamic", "slot"])
async def test_a_worker_killed_during_calls_leaves_states_that_its_successor_goes_on_with(
    kafka: str, prefix: str, workers: Workers, slot: int | None
) -> None:
    settings = settings_for(kafka, prefix)
    await begin(settings)
    options = {} if slot is None else {"worker_slot": slot}
    worker = workers(**options)
    await worker.logged("partitions_assigned", timeout_s=STARTS_IN_S)
    async with talking(settings, CALLS, RATE_PER_S) as talk:
        await worker.logged("window_committed", 4)
        worker.kill()
        worker = workers(**options)
        await worker.logged("window_committed", 4, timeout_s=STARTS_IN_S)
    await say(settings, *(fragment(f"c{call}", 0) for call in range(CALLS)))  # sent again
    counted = await proven(settings)
    assert (counted.answers, counted.states) == (CALLS * (talk.fragments + 1), CALLS)
    for state in (await states(settings)).values():
        assert state is not None
        assert state.seen == (0, talk.fragments)
    assert any(event["calls"] for event in worker.events("calls_restored")), worker.tail()
    assert await worker.stop() == 0


@pytest.mark.timeout(120)
async def test_a_call_that_moves_to_another_worker_in_mid_sentence_goes_on_there(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix)
    await begin(settings)
    async with walking(settings) as first:
        async with talking(settings, CALLS, RATE_PER_S) as talk:
            await answered(first, 5 * CALLS)
            async with walking(settings) as second:
                await answered(second, 5 * CALLS)
                await until(lambda: held(first) + held(second) == CALLS, why="each by one of them")
                assert 0 < held(second) < CALLS
            await until(lambda: held(first) == CALLS, why="and back")
            await answered(first, committed(first) + CALLS)
        counted = await proven(settings)
    assert (counted.answers, counted.states) == (CALLS * talk.fragments, CALLS)
    found = await by_call(settings, lambda score: score["fragments"])
    assert found == {f"c{call}": [*range(1, talk.fragments + 1)] for call in range(CALLS)}


@pytest.mark.timeout(120)
async def test_models_that_come_and_go_while_callers_talk_lose_and_repeat_nothing(
    kafka: str, prefix: str
) -> None:
    """Windows are on their way all the time: read by one model's rules, they may be folded by the next one's."""
    first, second, other = (
        FakeChurnBundle(version="1"),
        FakeChurnBundle(version="2", churn=FakeChurnModel(seed=2)),
        FakeChurnBundle(version="3", encoder_key="another encoder"),
    )
    settings, rules = settings_for(kafka, prefix), FakeRules(calls=first)
    await begin(settings)
    async with walking(settings, rules=rules) as running:
        async with talking(settings, CALLS, RATE_PER_S) as talk:
            await until(lambda: held(running) == CALLS)
            rules.put_live(second, others=[first])
            await answered(running, committed(running) + 5 * CALLS)
            await say(settings, *(fragment(f"new{call}", 0) for call in range(CALLS)))
            await until(lambda: held(running) == 2 * CALLS)
            rules.put_live(other)  # both are rolled back, and what was said means nothing to it
            sent = talk.fragments
            await until(lambda: talk.fragments > sent + 5)
        counted = await proven(settings, first, second, other)
    assert (counted.answers, counted.states) == (CALLS * (talk.fragments + 1), 2 * CALLS)
    versions = await by_call(settings, lambda score: score["model"]["version"])
    for call in range(CALLS):
        assert versions[f"new{call}"] == ["2"]
        assert set(versions[f"c{call}"]) == {"1", "3"}
        assert versions[f"c{call}"] == sorted(versions[f"c{call}"]), "once, and not back"


def foretold(**features: float | str) -> float:
    """What a worker's model says of the first fragment of a call, with this profile."""
    bundle = FakeChurnBundle()
    [_, value] = fragment("c", 0)
    row = bundle.row(orjson.loads(value)["text"])
    sums = CallSums(row, np.zeros_like(row), 1, 0)
    vectors = bundle.churn.space.vectors([({**features}, sums)])
    return float(bundle.churn.probabilities(vectors)[0])


@pytest.mark.timeout(120)
async def test_a_profile_of_wrong_types_leaves_the_last_good_one_and_a_new_one_is_felt(
    kafka: str, prefix: str, workers: Workers
) -> None:
    settings = settings_for(kafka, prefix)
    await begin(settings)
    topic, key = settings.topic(CUSTOMER_PROFILES), b"default/jane"

    def profile(**features: Any) -> bytes:
        return encode(CustomerProfile(customer_id="jane", features=features))

    async def said(count: int) -> dict[str, dict[str, Any]]:
        """The last score of each call, when there are so many."""
        await read_until(kafka, settings.topic(CHURN_SCORES), count, timeout_s=30)
        return {one["call_id"]: one for one in await scores(settings)}

    bad = orjson.dumps({"customer_id": "jane", "features": {"months": {"a": 1}}})
    await produce(kafka, topic, [(key, profile(months=2.0, plan="gold")), (key, bad)])
    worker = workers()
    await worker.logged("profiles_refused", timeout_s=STARTS_IN_S)
    await say(settings, fragment("c", 0, customer_id="jane"), fragment("stranger", 0))
    first = await said(2)
    assert {call: one["profile_known"] for call, one in first.items()} == {
        "c": True,
        "stranger": False,
    }
    assert first["c"]["probability"] == pytest.approx(foretold(months=2.0, plan="gold"), abs=1e-9)
    await produce(kafka, topic, [(key, profile(months=90.0, plan="gold"))])
    last, asked = first, 2
    async with asyncio.timeout(STARTS_IN_S):
        while last["c"]["probability"] == first["c"]["probability"]:
            asked += 1  # a partial fragment without words changes nothing but what it asks for
            await say(settings, fragment("c", 9, " ", partial=True))
            last = await said(asked)
    assert last["c"]["probability"] == pytest.approx(foretold(months=90.0, plan="gold"), abs=1e-9)
    await proven(settings)
