"""The guard keeps a sick app away from the service beside it. The apps here are plain services, without Kafka."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable

import mode
import pytest

from stream.faust_guard import FaustGuard, GuardLimits
from tests.hosting import (
    BlocksAtStart,
    Crashing,
    HangsAtStart,
    HangsAtStop,
    Log,
    Quiet,
    Ticks,
    until,
    worker,
)

SHORT = GuardLimits(
    start_s=0.5, stop_s=0.4, first_backoff_s=0.02, most_backoff_s=0.05, silent_s=0.2
)


def fails() -> mode.Service:
    raise ValueError("the app cannot be made")


@pytest.fixture(autouse=True)
def _let_blocked_apps_go() -> object:
    BlocksAtStart.released.clear()
    yield
    BlocksAtStart.released.set()


async def test_an_app_that_runs_is_left_alone() -> None:
    log = Log()
    guard = FaustGuard(Quiet, log, SHORT)
    async with worker(Ticks(), guard):
        await until(lambda: guard.condition == "running")
        await asyncio.sleep(0.3)
        assert guard.restarts == 0
    assert guard.condition == "stopped"
    assert log.events == []


@pytest.mark.parametrize("make_app", [Crashing, fails, HangsAtStart])
async def test_a_sick_app_is_begun_anew_while_its_neighbour_goes_on(
    make_app: Callable[[], mode.Service],
) -> None:
    log, walk = Log(), Ticks()
    guard = FaustGuard(make_app, log, SHORT)
    async with worker(walk, guard) as hosted:
        await until(lambda: guard.restarts >= 2)
        ticks = walk.count
        await until(lambda: walk.count > ticks + 5)
        assert not hosted.should_stop
        assert not walk.should_stop
        assert guard.condition in ("restarting", "running")
    assert log.events[0][0] == "faust_ended"
    assert "mail" not in str(log.events), "an error's text may be a customer's"


async def test_a_recovered_app_runs() -> None:
    lives = iter([fails, Crashing, Quiet])

    def make_app() -> mode.Service:
        return next(lives)()

    guard = FaustGuard(make_app, Log(), SHORT)
    async with worker(guard):
        await until(lambda: guard.restarts == 2 and guard.condition == "running")


@pytest.mark.parametrize("make_app", [HangsAtStart, BlocksAtStart, HangsAtStop])
async def test_a_hanging_app_delays_neither_start_nor_stop_of_the_worker(
    make_app: Callable[[], mode.Service],
) -> None:
    walk, log = Ticks(), Log()
    guard = FaustGuard(make_app, log, GuardLimits(stop_s=0.4))
    began_s = time.monotonic()
    async with worker(guard, walk):  # the guard first: were it to wait, the walk would not start
        assert time.monotonic() - began_s < 10, (
            "it waited: the app hangs for ever, its start has 60 s"
        )
        await until(lambda: walk.count > 20)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 10
    assert "faust_abandoned" in log.names() or make_app is HangsAtStart


async def test_an_app_that_blocks_its_loop_is_called_hanging_and_gets_no_second_life_beside_it() -> (
    None
):
    lives: list[mode.Service] = []

    def make_app() -> mode.Service:
        lives.append(BlocksAtStart() if not lives else Quiet())
        return lives[-1]

    guard = FaustGuard(make_app, Log(), SHORT)
    async with worker(guard):
        await until(lambda: guard.condition == "hanging")
        await asyncio.sleep(2 * SHORT.start_s)
        assert len(lives) == 1
        BlocksAtStart.released.set()
        await until(lambda: guard.condition == "running")


async def test_the_pause_between_two_lives_grows_up_to_its_limit() -> None:
    log = Log()
    guard = FaustGuard(fails, log, SHORT)
    async with worker(guard):
        await until(lambda: guard.restarts >= 4)
    assert [facts["again_in_s"] for _, facts in log.events[:4]] == [0.02, 0.04, 0.05, 0.05]


HANGING_PROCESS = """
import asyncio
from stream.faust_guard import FaustGuard, GuardLimits
from tests.hosting import BlocksAtStart, Log, worker

async def main():
    async with worker(FaustGuard(BlocksAtStart, Log(), GuardLimits(stop_s=0.1))):
        await asyncio.sleep(0.2)

asyncio.run(main())
"""


def test_a_hanging_app_does_not_keep_the_process_from_ending() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING_PROCESS],
        timeout=20,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


async def test_a_guard_that_never_started_can_be_stopped() -> None:
    await FaustGuard(Quiet, Log()).stop()
