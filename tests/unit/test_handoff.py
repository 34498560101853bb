import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.handoff import Handoff


def run(story: Coroutine[Any, Any, Any]) -> Any:
    """In a loop of its own, because hypothesis calls plain functions; it also swallows pytest's time limit.

    A story that hangs is known by the turns of the loop, not by a clock: a busy machine may stall for a second.
    """

    async def in_turns() -> Any:
        task = asyncio.ensure_future(story)
        for _ in range(1000):
            if task.done():
                return task.result()
            await asyncio.sleep(0)
        task.cancel()
        pytest.fail("the story hangs: not done after 1,000 turns of the loop")

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(in_turns())
    finally:
        loop.close()


@given(
    st.lists(st.integers(), max_size=20),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20),
)
def test_values_arrive_in_order_and_at_most_one_waits(
    values: list[int], pauses: list[tuple[int, int]]
) -> None:
    async def story() -> tuple[list[int], int]:
        handoff: Handoff[int] = Handoff()
        taken: list[int] = []
        given_count, most_waiting = 0, 0

        async def give() -> None:
            nonlocal given_count, most_waiting
            for place, value in enumerate(values):
                await handoff.room()
                for _ in range(pauses[place][0] if place < len(pauses) else 0):
                    await asyncio.sleep(0)
                handoff.put(value)
                given_count += 1
                most_waiting = max(most_waiting, given_count - len(taken))
            handoff.close()

        async def take() -> None:
            while (value := await handoff.take()) is not None:
                taken.append(value)
                for _ in range(pauses[len(taken)][1] if len(taken) < len(pauses) else 0):
                    await asyncio.sleep(0)

        await asyncio.gather(give(), take())
        return taken, most_waiting

    taken, most_waiting = run(story())
    assert taken == values
    assert most_waiting <= 1


async def test_the_giver_waits_until_the_last_value_was_taken() -> None:
    handoff: Handoff[str] = Handoff()
    await handoff.room()
    handoff.put("first")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await handoff.room()
    assert await handoff.take() == "first"
    await handoff.room()


async def test_a_second_value_without_room_is_a_bug() -> None:
    handoff: Handoff[int] = Handoff()
    handoff.put(1)
    with pytest.raises(AssertionError, match="this is a bug"):
        handoff.put(2)


async def test_a_value_that_waits_is_taken_before_the_end() -> None:
    handoff: Handoff[int] = Handoff()
    handoff.put(1)
    handoff.close()
    assert await handoff.take() == 1
    assert await handoff.take() is None


async def test_a_cancelled_taker_loses_no_value() -> None:
    handoff: Handoff[int] = Handoff()
    taker = asyncio.ensure_future(handoff.take())
    await asyncio.sleep(0)
    taker.cancel()
    await asyncio.wait({taker})
    handoff.put(1)
    assert await handoff.take() == 1
