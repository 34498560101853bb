"""The engine and the desk of calls: a fold has one set of rules, and ends before anything else touches the table."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from stream.engine import Engine
from stream.metrics import Metrics
from stream.settings import Settings
from tests.churn_fakes import FakeChurnBundle
from tests.walking import FakeBundle, FakeEncoder, FakeRules, make_engine


class Desk:
    """Folds for as long as the test likes."""

    def __init__(self) -> None:
        self.rules: list[Any] = []
        self.began, self.may_end, self.has_ended = (threading.Event() for _ in range(3))
        self.between = lambda: None

    def wanted(self, items: Sequence[Any], models: Any) -> list[Any]:
        self.rules.append(models)
        self.between()
        return []

    def fold(self, items: Sequence[Any], models: Any, offsets: Any) -> list[Any]:
        self.rules.append(models)
        self.began.set()
        self.may_end.wait(10)
        self.has_ended.set()
        return []


@pytest.fixture
def rules() -> FakeRules:
    return FakeRules(calls=FakeChurnBundle(version="1"))


@pytest.fixture
async def engine(rules: FakeRules) -> AsyncIterator[Engine]:
    bundles = {"default": FakeBundle(FakeEncoder())}
    made = make_engine(bundles, Settings(), Metrics(), rules)
    yield made
    made.close()


async def test_a_window_that_is_dropped_in_mid_fold_stages_nothing_after_its_drop(
    engine: Engine,
) -> None:
    desk: Any = Desk()
    engine.take_calls(desk)
    folding = asyncio.ensure_future(engine.fold([], {}))
    await asyncio.to_thread(desk.began.wait, 10)
    folding.cancel()  # partitions are revoked, or a poll found Kafka away
    for _ in range(20):
        await asyncio.sleep(0)
    assert not folding.done(), "the table would be dropped and restored beside its thread"
    desk.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await folding
    assert desk.has_ended.is_set()


async def test_a_model_that_goes_live_in_mid_fold_scores_from_the_next_window_on(
    engine: Engine, rules: FakeRules
) -> None:
    desk: Any = Desk()
    desk.may_end.set()
    engine.take_calls(desk)

    def approve() -> None:
        """What the reading thread does for the window behind, between the two questions of this one."""
        rules.put_live(FakeChurnBundle(version="2"))
        engine._look_at_rules()

    desk.between = approve
    await engine.fold([], {})
    asked, folded = desk.rules
    assert asked is folded, "rows were made for these rules"
    await engine.fold([], {})
    assert desk.rules[2] is not asked
