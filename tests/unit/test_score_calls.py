"""Calls of files: scored by the live fold, in any windows, within a memory that does not grow with the file."""

import random
from collections.abc import Iterator, Sequence

import pytest

from stream.calls.fold import fold_window
from stream.calls.offline import FileCalls, Result
from stream.calls.state import CallState
from stream.clean import CleanOptions
from stream.engine import Engine
from stream.errors import PoisonRecordError
from stream.metrics import Metrics
from stream.read_options import ReadOptions
from stream.records import CallFragment, ChurnScore, Source
from tests.churn_fakes import (
    FakeChurnBundle,
    FakeChurnModels,
    FakeProfiles,
    empty_table,
    item,
    with_rows,
)

PROFILES = FakeProfiles({("default", "anna"): {"months": 40.0, "plan": "gold"}})


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    bundle = FakeChurnBundle()
    engine = Engine({"default": bundle}, ReadOptions(CleanOptions(), frozenset()), Metrics(), 2)  # pyright: ignore
    yield engine
    engine.close()


def file_calls(engine: Engine, bundle: FakeChurnBundle | None = None, **more) -> FileCalls:
    return FileCalls(engine, bundle or FakeChurnBundle(), PROFILES, **more)  # pyright: ignore


def spoken(calls: int = 4, fragments: int = 9, seed: int = 0) -> list[CallFragment]:
    """Calls beside each other, with partial segments, a repetition and an end, in a drawn order."""
    draw = random.Random(seed)
    said = [
        CallFragment(
            call_id=f"c{call}",
            seq=seq,
            customer_id="anna" if call % 2 else None,
            speaker=draw.choice(("customer", "agent", None)),
            text=f"word{draw.randrange(50)} of  call {call}",
            partial=draw.random() < 0.2,
        )
        for call in range(calls)
        for seq in range(fragments)
    ]
    said += [CallFragment(call_id=f"c{call}", seq=99, event="completed") for call in range(calls)]
    said += said[3:6]
    draw.shuffle(said)
    return said


async def score(calls: FileCalls, said: Sequence[CallFragment], window: int = 7) -> list[Result]:
    places = [(Source(topic="f", partition=0, offset=at), one) for at, one in enumerate(said)]
    found: list[Result] = []
    for begin in range(0, len(places), window):
        found += await calls.score(places[begin : begin + window], 1_000)
    return found


@pytest.mark.parametrize("window", [1, 7, 1000])
async def test_a_file_is_scored_as_the_live_fold_scores_it_in_windows_of_any_size(
    engine: Engine, window: int
) -> None:
    said, bundle = spoken(), FakeChurnBundle()
    table, models = empty_table(), FakeChurnModels({"default": bundle})
    items = with_rows([item(one, at) for at, one in enumerate(said)], table, models)
    live = fold_window(items, table, models, PROFILES, 1_000)
    offline = await score(file_calls(engine, bundle), said, window)
    assert [told(one) for one in offline] == [told(one) for one in live]


def told(result: Result) -> tuple:
    """What is said of a fragment, without its place."""
    assert isinstance(result, ChurnScore), result
    return (
        result.call_id,
        result.seq,
        round(result.probability, 12),
        result.previous,
        round(result.contribution, 12),
        result.fragments,
        result.duplicate,
        result.final,
        result.customer_id,
    )


async def test_the_order_of_lines_changes_no_calls_end(engine: Engine) -> None:
    ends = []
    for seed in (1, 2, 3):
        said = spoken(seed=0)
        random.Random(seed).shuffle(said)
        calls = file_calls(engine)
        await score(calls, said)
        found = [calls.state("default", f"c{call}") for call in range(4)]
        ends.append([(one.customer, one.agent, one.seen, one.customer_id) for one in found if one])
    assert ends[0] == ends[1] == ends[2]
    assert len(ends[0]) == 4


async def test_of_more_calls_than_are_kept_those_not_heard_of_for_longest_are_told_and_go(
    engine: Engine,
) -> None:
    gone: list[CallState] = []
    calls = file_calls(engine, forgets=gone.append, most_calls=3)
    for number in range(50):
        said = CallFragment(call_id=f"c{number}", seq=0, text="hello")
        going_on = CallFragment(call_id="long", seq=number, text="still here")
        await score(calls, [said, going_on], 2)
    assert [one.call_id for one in gone] == [f"c{number}" for number in range(48)]
    assert calls.forgotten == 48
    table = calls._table
    assert (table.calls_open, table.agenda(0), len(calls._heard)) == (3, [], 3)
    long = calls.state("default", "long")
    assert long is not None
    assert long.seen == (0, 50)


async def test_a_line_that_cannot_be_scored_is_told_and_its_neighbours_go_on(
    engine: Engine,
) -> None:
    said = [
        CallFragment(call_id="c", seq=0, text="hello"),
        CallFragment(call_id="c", seq=1),
        CallFragment(call_id="c", seq=2, text="bye"),
    ]
    first, silent, last = await score(file_calls(engine), said)
    assert isinstance(silent, PoisonRecordError)
    assert silent.kind == "no-text"
    assert isinstance(first, ChurnScore)
    assert isinstance(last, ChurnScore)
    assert (first.fragments, last.fragments) == (1, 2)


async def test_a_tenants_model_scores_no_call_of_another_tenant(engine: Engine) -> None:
    bundle = FakeChurnBundle()
    bundle.tenant = "acme"
    said = [
        CallFragment(call_id="c", seq=0, tenant=tenant, text="hello") for tenant in ("acme", "beta")
    ]
    own, other = await score(file_calls(engine, bundle), said)
    assert isinstance(own, ChurnScore)
    assert isinstance(other, PoisonRecordError)
    assert other.kind == "other-tenant"
    assert "'acme'" in other.message
    assert "'beta'" in other.message
