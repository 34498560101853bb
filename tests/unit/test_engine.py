from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.heads import HeadAnswer
from stream.classify import Item, classification
from stream.clean import CleanOptions
from stream.dedication import Dedication
from stream.engine import DeviceHealth, Engine
from stream.errors import FatalError, PoisonRecordError
from stream.metrics import Metrics
from stream.outputs import Inbound, Output
from stream.read_options import ReadOptions
from stream.records import Source
from stream.tenant_models import Rules
from stream.tenants import Tenants, TenantSettings
from tests.stories import run
from tests.walking import FAILS, IS_NAN, FakeBundle, FakeEncoder

OPTIONS = ReadOptions(CleanOptions(), frozenset({"reply"}))


def engine_of(bundles: Mapping[str, Any], tokens: int | None = None) -> Engine:
    return Engine(bundles, OPTIONS, Metrics(), cores=2, max_batch_tokens=tokens)


def items_of(bodies: Sequence[str], tenant: str = "default") -> list[Item]:
    return [
        Item(
            Inbound(
                Source(topic="inbound-emails", partition=0, offset=offset),
                None,
                orjson.dumps({"id": str(offset), "tenant": tenant, "body": body}),
                (),
            ),
            0,
        )
        for offset, body in enumerate(bodies)
    ]


async def answer(engine: Engine, items: Sequence[Item]) -> None:
    await engine.read(items)
    await engine.compute(items)


def kinds(items: Sequence[Item]) -> list[str | None]:
    return [item.error.kind if item.error else None for item in items]


class Encoder2(FakeEncoder):
    key = "another"


@pytest.fixture
async def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
async def engine(encoder: FakeEncoder) -> AsyncIterator[Engine]:
    engine = engine_of({"default": FakeBundle(encoder)})
    yield engine
    engine.close()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["good", FAILS, IS_NAN]), min_size=1, max_size=15),
    st.integers(20, 600),
)
def test_exactly_the_guilty_records_are_found_and_their_batch_mates_are_answered(
    fates: list[str], tokens: int
) -> None:
    bodies = [f"{fate} {'x' * place}" for place, fate in enumerate(fates)]

    async def story() -> None:
        engine = engine_of({"default": FakeBundle(FakeEncoder())}, tokens)
        items = items_of(bodies)
        await answer(engine, items)
        engine.close()
        wanted = {"good": None, FAILS: "model-failed", IS_NAN: "not-a-number"}
        assert kinds(items) == [wanted[fate] for fate in fates]
        for item, fate in zip(items, fates, strict=True):
            assert bool(item.answers) == (fate == "good")

    run(story())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=40), st.integers(16, 300))
def test_each_record_gets_its_own_answer_whatever_its_batch_was(
    lengths: list[int], tokens: int
) -> None:
    async def story() -> None:
        encoder = FakeEncoder()
        engine = engine_of({"default": FakeBundle(encoder)}, tokens)
        items = items_of(["x" * length for length in lengths])
        await answer(engine, items)
        engine.close()
        best = [item.answers["default"].labels[0][0] for item in items]
        assert best == ["odd" if length % 2 else "even" for length in lengths]
        assert sum(encoder.runs) == len(lengths)

    run(story())


async def test_one_guilty_record_costs_its_window_few_runs(
    engine: Engine, encoder: FakeEncoder
) -> None:
    items = items_of([*["x"] * 63, FAILS])
    items[-1], items[40] = items[40], items[-1]
    engine._max_batch_tokens = 100_000
    await answer(engine, items)
    assert kinds(items).count("model-failed") == 1
    assert len(encoder.runs) <= 1 + 2 * 6


async def test_a_sick_device_is_fatal_and_no_record_is_blamed(engine: Engine) -> None:
    bundle: Any = engine.bundle_for("default")
    bundle.sick = "head queue: 0.3 instead of 0.9"
    for mark in (FAILS, IS_NAN):
        items = items_of(["good", mark])
        with pytest.raises(FatalError, match="golden row of default/1: head queue"):
            await answer(engine, items)
        assert kinds(items) == [None, None]


async def test_a_number_that_is_not_finite_is_that_rows_fault_alone(engine: Engine) -> None:
    items = items_of(["one", IS_NAN, "three"])
    await answer(engine, items)
    assert kinds(items) == [None, "not-a-number", None]
    assert items[1].error is not None
    assert items[1].error.stage == "infer"
    assert IS_NAN not in items[1].error.message


async def test_tenants_share_one_encoder_pass_and_each_meets_its_own_heads(
    encoder: FakeEncoder,
) -> None:
    bundles = {name: FakeBundle(encoder, name) for name in ("default", "acme", "globex")}
    engine = engine_of(bundles)
    items = [
        *items_of(["aa", "b"], "acme"),
        *items_of(["ccc"], "globex"),
        *items_of(["dddd"], "unknown-tenant"),
    ]
    await answer(engine, items)
    engine.close()
    assert encoder.runs == [4]
    assert [list(item.answers) for item in items] == [["acme"], ["acme"], ["globex"], ["default"]]
    assert [item.answers[name].labels[0][0] for item in items for name in item.answers] == [
        "even",
        "odd",
        "odd",
        "even",
    ]


async def test_texts_of_different_encoders_are_never_in_one_run(encoder: FakeEncoder) -> None:
    other = Encoder2()
    engine = engine_of({"default": FakeBundle(encoder), "acme": FakeBundle(other, "acme")})
    items = [*items_of(["a"] * 3), *items_of(["b"] * 2, "acme")]
    await answer(engine, items)
    engine.close()
    assert (encoder.runs, other.runs) == ([3], [2])


async def test_without_any_model_for_a_tenant_nothing_is_computed(encoder: FakeEncoder) -> None:
    engine = engine_of({"acme": FakeBundle(encoder, "acme")})
    items = items_of(["hello"])
    await answer(engine, items)
    engine.close()
    assert engine.bundle_for("default") is None
    assert (encoder.runs, kinds(items), items[0].answers) == ([], [None], {})


async def test_what_failed_or_was_skipped_before_never_reaches_the_device(
    engine: Engine, encoder: FakeEncoder
) -> None:
    items = items_of(["good", "given up", "reply"])
    items[1].inbound = Inbound(items[1].inbound.source, None, b"{", ())
    reply = {"id": "r", "body": "reply", "in_reply_to": "<1@example.org>"}
    items[2].inbound = Inbound(items[2].inbound.source, None, orjson.dumps(reply), ())
    await answer(engine, items)
    assert sum(encoder.runs) == 1


async def test_a_record_given_up_before_it_was_read_stays_unread(
    engine: Engine, encoder: FakeEncoder
) -> None:
    items = items_of(["killer"])
    items[0].error = PoisonRecordError("worker", "worker-killed", "it ended the worker twice")
    await answer(engine, items)
    assert items[0].error.kind == "worker-killed"
    assert items[0].cleaned is None
    assert encoder.runs == []


async def test_outputs_come_in_the_order_of_the_input(engine: Engine) -> None:
    items = items_of(["x" * (10 - place) for place in range(10)])
    await answer(engine, items)
    outputs = await engine.write(
        items,
        lambda item: [Output(f"{item.inbound.source.offset}-{part}", None, None) for part in "ab"],
    )
    assert [output.topic for output in outputs] == [
        f"{offset}-{part}" for offset in range(10) for part in "ab"
    ]


async def test_an_error_that_is_a_bug_is_not_taken_for_a_bad_record(engine: Engine) -> None:
    bundle: Any = engine.bundle_for("default")

    def predict(embeddings: np.ndarray, texts: Sequence[str], tenants: Sequence[str]) -> Any:
        raise ZeroDivisionError("a bug")

    bundle.predict = predict
    with pytest.raises(ZeroDivisionError):
        await answer(engine, items_of(["hello"]))


async def test_texts_that_were_cut_are_counted_and_marked(encoder: FakeEncoder) -> None:
    metrics = Metrics()
    engine = Engine({"default": FakeBundle(encoder)}, OPTIONS, metrics, 1)
    items = items_of(["short", "long " * 200])
    await answer(engine, items)
    engine.close()
    assert [item.truncated for item in items] == [False, True]
    assert metrics.registry.get_sample_value("switchboard_texts_truncated_total") == 1


class Turning:
    """Rules that change with the turn of a window, and count how often they are asked."""

    def __init__(self, *rules: Rules) -> None:
        self.rules, self.asked = list(rules), 0

    def now(self) -> Rules:
        self.asked += 1
        return self.rules[min(self.asked, len(self.rules)) - 1]


async def test_new_rules_hold_from_the_next_window_on_and_a_window_sees_one_version(
    encoder: FakeEncoder,
) -> None:
    metrics = Metrics()
    old, new = FakeBundle(encoder, "old"), FakeBundle(encoder, "new")
    silent = Tenants({"acme": TenantSettings(languages=frozenset({"fr"}))})
    tenants: Any = Turning(
        Rules({"default": old}),  # when the engine is made
        Rules({"default": old}),
        Rules({"default": old}, silent, named={"globex": new}),
    )
    engine = Engine({"default": old}, OPTIONS, metrics, 1, tenants=tenants)
    windows = [
        [*items_of(["good morning to you all"] * 3, "acme"), *items_of(["x"], "globex")]
        for _ in range(2)
    ]
    for items in windows:
        await answer(engine, items)
    engine.close()
    assert tenants.asked == 1 + 2, "once a window"
    first, second = windows
    assert [list(item.answers) for item in first] == [["old"]] * 4
    assert [list(item.answers) for item in second] == [[], [], [], ["new"]]
    assert {item.abstained for item in second[:3]} == {"language not supported"}
    shown = {"tenant": "globex", "model": "new", "version": "1", "provider": "cpu"}
    assert metrics.registry.get_sample_value("switchboard_model_info", shown) == 1


class Saying(FakeBundle):
    """Says its own name and version as label."""

    def __init__(self, encoder: FakeEncoder, version: str, tenant: str = "default") -> None:
        super().__init__(encoder, tenant)
        self.version = version

    def predict(
        self, embeddings: np.ndarray, texts: Sequence[str], tenants: Sequence[str] | None = None
    ) -> list[dict[str, HeadAnswer]]:
        label = f"{self.name}/{self.version}"
        return [{"default": HeadAnswer("multiclass", ((label, 0.9),), False)} for _ in texts]


async def test_a_window_names_the_version_that_computed_it_whatever_is_live_when_it_is_written(
    encoder: FakeEncoder,
) -> None:
    versions = [Saying(encoder, str(number)) for number in (1, 2, 3)]
    own = Saying(encoder, "9", "acme")
    turns: Any = Turning(
        Rules({"default": versions[0]}),  # when the engine is made
        Rules({"default": versions[0], "acme": own}),  # reads the first window
        Rules({"default": versions[1]}),  # live before it computes
        Rules({"default": versions[2], "acme": versions[2]}),  # live before it is written
    )
    engine = Engine({"default": versions[0]}, OPTIONS, Metrics(), 1, tenants=turns)
    items = [*items_of(["a", "bb"]), *items_of(["ccc"], "acme")]
    await engine.read(items)
    await engine.look_at_rules()
    await engine.compute(items)
    await engine.look_at_rules()
    assert engine.bundle_for("acme") is versions[2]

    def said(item: Item) -> list[Output]:
        answer = classification(item, datetime(2026, 3, 1, tzinfo=UTC))
        assert answer.model is not None
        label = answer.heads["default"].label
        return [Output(f"{answer.model.name}/{answer.model.version} {label}", None, None)]

    outputs = await engine.write(items, said)
    engine.close()
    assert [one.topic for one in outputs] == ["default/1 default/1"] * 2 + ["acme/9 acme/9"]


async def test_a_dedicated_worker_leaves_the_letter_of_another_tenants_killer_to_the_others(
    encoder: FakeEncoder,
) -> None:
    only = Dedication("acme", frozenset({"acme"}), is_alone=True)
    options = ReadOptions(CleanOptions(), frozenset(), only=only)
    engine = Engine({"default": FakeBundle(encoder)}, options, Metrics(), 1)
    items = [*items_of(["x"], "acme"), *items_of(["x"], "globex")]
    for item in items:
        item.error = PoisonRecordError("worker", "worker-killed", "it ended the worker twice")
    await answer(engine, items)
    engine.close()
    assert [item.passed_over for item in items] == [False, True]
    assert encoder.runs == []


class Story:
    """A device's last minutes, told by windows."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.health = DeviceHealth(lambda: self.now_s)

    def window(self, records: int, failed: int, stage: Any = "infer", passed_over: int = 0) -> None:
        items = items_of([""] * (records + passed_over))
        for item in items[records:]:
            item.passed_over = True
        for item in items[:failed]:
            item.error = PoisonRecordError(stage, "model-failed", "x")
        self.health.note(items, Metrics())


def test_a_device_that_fails_on_more_than_one_record_in_a_hundred_stops_the_worker() -> None:
    story = Story()
    story.window(1000, 19)
    with pytest.raises(FatalError, match="20 of 1100 records failed at infer"):
        story.window(100, 1)


def test_records_that_are_left_to_others_do_not_hide_a_sick_device() -> None:
    with pytest.raises(FatalError, match="20 of 100 records failed at infer"):
        Story().window(100, 20, passed_over=10_000)


def test_a_few_bad_records_on_a_quiet_day_stop_nothing() -> None:
    story = Story()
    for _ in range(19):
        story.window(1, 1)


def test_many_bad_records_among_very_many_stop_nothing() -> None:
    story = Story()
    for _ in range(10):
        story.window(500, 5)


def test_failures_of_more_than_a_minute_ago_are_forgotten() -> None:
    story = Story()
    story.window(19, 19)
    story.now_s = 60.5
    story.window(19, 19)


def test_failures_before_the_device_are_not_its_fault() -> None:
    story = Story()
    story.window(200, 200, stage="decode")
