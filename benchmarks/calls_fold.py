"""What a fragment costs beside the encoder, from the first to the thousandth of a call, and what calls weigh in memory.

    python -m benchmarks.calls_fold [--sizes 64 384] [--window 32] [--turns 60] [--calls 100000]

The models are those of `train-churn` (the forest of 100 trees, logistic regression), fitted on drawn numbers and run
in the graph that serves. Timed is everything between embedding and transaction: rows looked for, folded, model run,
scores as JSON, states as records, merged. A window is filled with one fragment of each of 32 calls, or with 32 of one.
The sides (fragment 1, 10, 100, 1,000 of a call, the last with 20 gaps; the model's run alone) take turns within one
run; processor time of the thread, since neighbours stretch the clock. Then a table of many calls, as bytes of records
(what serves) and as objects with arrays, each in a process of its own. Prints JSON lines.
"""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks.machine import describe, emit
from benchmarks.runs import say
from models.churn.candidates import defaults, fit_estimator, make_estimator
from models.churn.entry import ChurnEntry
from models.churn.export import export_graph
from models.churn.model import ChurnModel
from models.churn.sums import pack, to_fixed, unpack
from models.churn.vectors import CallSums, Features, FeatureSpace
from stream.calls.choice import sums_key
from stream.calls.fold import fold_window, rows_needed
from stream.calls.state import Ages, CallState, Life, Side, decode_state, encode_state, state_key
from stream.calls.steps import CallItem
from stream.calls.table import CallTable
from stream.process import resident_memory_bytes
from stream.records import CallFragment, Source, encode
from tests.churn_fakes import FakeChurnBundle, FakeChurnModels, FakeProfiles

SEED = 7
ROWS = 4000  # to fit on
AGES_OF_CALLS = (1, 10, 100, 1000)  # which fragment of its call is timed
GAPS = 20  # in what was seen of a call, at most
LIMIT_US = 150
NUMERICAL, CATEGORIES = 12, ("a", "b", "c", "d")


def main() -> None:
    """Cost first, then memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[64, 384])
    parser.add_argument("--window", type=int, default=32)
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--calls", type=int, default=100_000)
    args = parser.parse_args()
    for size in args.sizes:
        for name, model in models_of(size):
            say("fitted", model=name, size=size)
            emit("calls_fold", **cost(name, model, args.window, args.turns), **describe())
        emit("calls_fold_memory", **memory(size, args.calls), **describe())


def space_of(size: int) -> FeatureSpace:
    """A dozen numbers, four categories of four values, both sides of the call."""
    return FeatureSpace(
        numerical=tuple(f"n{place}" for place in range(NUMERICAL)),
        means=(0.5,) * NUMERICAL,
        categorical={f"c{place}": CATEGORIES for place in range(4)},
        textual=("customer", "agent"),
        size=size,
    )


def profile_of(draw: np.random.Generator) -> Features:
    """Drawn values of all features."""
    numbers = {f"n{place}": float(value) for place, value in enumerate(draw.random(NUMERICAL))}
    return {**numbers, **{f"c{place}": str(draw.choice(CATEGORIES)) for place in range(4)}}


def rows_of(draw: np.random.Generator, count: int, size: int) -> Any:
    """Embeddings of length 1 in fixed point, int64 [count, D]."""
    drawn = draw.normal(size=(count, size))
    return to_fixed((drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32))


def models_of(size: int) -> Iterator[tuple[str, ChurnModel]]:
    """Each kind of model, fitted on drawn calls."""
    draw = np.random.default_rng(SEED)
    space = space_of(size)
    said = rows_of(draw, 2 * ROWS, size)
    vectors = space.vectors(
        [(profile_of(draw), CallSums(said[at], said[ROWS + at], 1, 1)) for at in range(ROWS)]
    )
    churned = vectors[:, 0] + vectors[:, -2] * 5 + draw.normal(size=ROWS) * 0.3 > 0.5
    forest, _, logistic = defaults(ROWS, len(space.columns))
    for candidate in (forest, logistic):
        estimator = make_estimator(candidate, SEED, 1)
        fit_estimator(candidate, estimator, vectors, churned, np.ones(ROWS), 1)
        entry = ChurnEntry(
            space=space,
            candidate=candidate.name,
            settings={},
            slope=1.0,
            intercept=0.0,
            alarm_from=0.5,
            projection=None,
            figures={},
        )
        yield candidate.name, ChurnModel(entry, export_graph(candidate, estimator, vectors[:100]))


def state_of(call: int, before: int, row: Any, model: str, key: str) -> CallState:
    """A call in which `before` fragments were heard, some of them missing."""
    gaps = min(GAPS, before // 50)
    alone = [edge for gap in range(gaps) for edge in (before + 2 * gap, before + 2 * gap + 1)]
    seen = (0, before - gaps - 1, *alone) if before else ()
    return CallState(
        tenant="telvia",
        call_id=f"call-{call:016d}",
        customer_id=f"customer-{call:08d}",
        customer_seq=0,
        model=model,
        version="1",
        sums_key=key,
        size=row.shape[-1],
        customer=Side(pack(row * (before - before // 2)), before - before // 2, 80 * before),
        agent=Side(pack(-row * (before // 2)), before // 2, 80 * before) if before > 1 else Side(),
        seen=seen,
        probability=0.25,
        life=Life(1_700_000_000_000, 1_700_000_000_000 + 1000 * before),
    )


def cost(name: str, model: ChurnModel, window: int, turns: int) -> dict[str, object]:
    """Microseconds a fragment by place in its call, for both ways to fill a window."""
    bundle: Any = FakeChurnBundle(churn=model, hidden_size=model.space.size)  # pyright: ignore
    models: Any = FakeChurnModels({"default": bundle})
    draw = np.random.default_rng(SEED)
    profiles = FakeProfiles(
        {("telvia", f"customer-{call:08d}"): profile_of(draw) for call in range(window)}
    )
    rows = rows_of(draw, window, model.space.size)
    sides: dict[str, Callable[[], float]] = {}
    for age in AGES_OF_CALLS:
        for way in ("many calls", "one call"):
            sides[f"{way}, fragment {age}"] = side(bundle, models, profiles, rows, age, way)
    known = [profile_of(draw) for _ in range(window)]
    vectors = model.space.vectors(
        [(one, CallSums(row, row, 1, 1)) for one, row in zip(known, rows, strict=True)]
    )
    sides["the model's run alone"] = lambda: timed(lambda: model.probabilities(vectors))
    took: dict[str, list[float]] = {place: [] for place in sides}
    for turn in range(turns + 3):
        for place, run in sides.items():
            seconds = run()
            if turn >= 3:  # warm by then
                took[place].append(seconds / window * 1e6)
    medians = {place: round(statistics.median(values), 1) for place, values in took.items()}
    ways = ("many calls", "one call")
    return {
        "model": name,
        "size": model.space.size,
        "window": window,
        "turns": turns,
        "cpu_us_a_fragment_median": medians,
        "cpu_us_a_fragment_least": {place: round(min(one), 1) for place, one in took.items()},
        "limit_us": LIMIT_US,
        "thousandth_to_first": {way: late_to_early(took, way, 1) for way in ways},
        "thousandth_to_tenth": {way: late_to_early(took, way, 10) for way in ways},
        "state_bytes_at_1000": len(
            encode_state(state_of(0, 1000, rows[0], bundle.name, sums_key(bundle)))
        ),
    }


def late_to_early(took: dict[str, list[float]], way: str, early: int) -> float:
    """Cost of the thousandth fragment by that of an early one, both of one turn; the median of all turns."""
    pairs = zip(took[f"{way}, fragment 1000"], took[f"{way}, fragment {early}"], strict=True)
    return round(statistics.median(late / soon for late, soon in pairs), 3)


def side(
    bundle: Any, models: Any, profiles: Any, rows: Any, age: int, way: str
) -> Callable[[], float]:
    """One window that can be timed again and again, from the same table."""
    key, window = sums_key(bundle), len(rows)
    calls = range(window if way == "many calls" else 1)
    held = {
        state_key("telvia", state.call_id): encode_state(state)
        for state in (state_of(call, age - 1, rows[call], bundle.name, key) for call in calls)
        if age > 1
    }
    items = [
        CallItem(
            Source(topic="call-transcripts", partition=0, offset=place),
            CallFragment(
                call_id=f"call-{place % len(calls):016d}",
                seq=2000 + place,
                tenant="telvia",
                customer_id=f"customer-{place % len(calls):08d}",
                speaker=("customer", "agent")[place % 2],
                text="I have been waiting for an answer for three weeks now.",
            ),
            1_700_000_000_000 + 1000 * age,
            rows[place],
            key,
        )
        for place in range(window)
    ]
    ages = Ages(7_200_000, 86_400_000)

    def run() -> float:
        table = CallTable(ages)
        table.load(0, held.items(), 0)

        def work() -> None:
            assert not rows_needed(items, table, models)
            for score in fold_window(items, table, models, profiles, 1_700_000_000_000):
                encode(score)
            assert len(table.staged()) == len(calls)
            table.merge({0: window})

        return timed(work)

    return run


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor that this thread used."""
    began_s = time.thread_time()
    work()
    return time.thread_time() - began_s


def memory(size: int, calls: int) -> dict[str, object]:
    """What a table of many calls of 30 fragments takes, and how long it is read in."""
    found: dict[str, object] = {"size": size, "calls": calls}
    for way in ("bytes", "objects"):
        with get_context("spawn").Pool(1) as pool:
            found[way] = pool.apply(grown, (way, size, calls))
    return found


def grown(way: str, size: int, calls: int) -> dict[str, float]:
    """In a fresh process: memory that the calls take, bytes a call."""
    draw = np.random.default_rng(SEED)
    rows = rows_of(draw, 100, size)
    table = CallTable(Ages(7_200_000, 86_400_000))
    objects: list[object] = []

    def records() -> Iterator[tuple[bytes, bytes]]:
        for call in range(calls):
            state = state_of(call, 30, rows[call % 100], "churn", "e" * 64 + "-int8")
            yield state_key(state.tenant, state.call_id), encode_state(state)

    one = next(records())
    gc.collect()
    before = resident_memory_bytes()
    if way == "bytes":
        table.load(0, records(), 0)
    else:
        for key, value in records():
            state = decode_state(key, value)
            sums = [unpack(part.total, size) for part in (state.customer, state.agent)]
            objects.append((key, state.life, state.seen, state.customer_id, state.call_id, sums))
    gc.collect()
    after = resident_memory_bytes()
    began_s = time.thread_time()
    for _ in range(1000):
        decode_state(*one)
    return {
        "bytes_a_call": round((after - before) / calls),
        "megabytes": round((after - before) / 1e6, 1),
        "record_bytes": len(one[1]),
        "decode_us": round((time.thread_time() - began_s) * 1000, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
