"""Runs a coroutine where a test is a plain function, because hypothesis calls plain functions."""

import asyncio
from collections.abc import Coroutine
from typing import Any


def run(story: Coroutine[Any, Any, Any]) -> None:
    """In a loop of its own, because hypothesis calls plain functions; it also swallows pytest's time limit."""

    async def in_time() -> Any:
        async with asyncio.timeout(5):
            return await story

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(in_time())
    finally:
        loop.close()
