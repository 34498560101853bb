"""A `mode.Worker` inside a test, and services to put into it: one that stands for the walk, and apps that misbehave."""

import asyncio
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import mode


class Ticks(mode.Service):
    """Stands for the walk: it counts as long as its loop turns, and knows its longest pause."""

    def __post_init__(self) -> None:
        self.count = 0
        self.longest_pause_s = 0.0

    @mode.Service.task
    async def _tick(self) -> None:
        last_s = time.monotonic()
        while not self.should_stop:
            await asyncio.sleep(0.02)
            now_s = time.monotonic()
            self.longest_pause_s = max(self.longest_pause_s, now_s - last_s)
            last_s = now_s
            self.count += 1


class Quiet(mode.Service):
    """An app that starts and stops as it should."""


class Crashing(mode.Service):
    """An app that starts and then crashes, as an agent or a consumer of Faust can."""

    @mode.Service.task
    async def _fail(self) -> None:
        await asyncio.sleep(0.05)
        raise RuntimeError("text of a mail")


class HangsAtStart(mode.Service):
    """An app that waits for ever for something that never comes."""

    async def on_start(self) -> None:
        await asyncio.Event().wait()


class BlocksAtStart(mode.Service):
    """An app whose start never gives its loop back, until the test lets it."""

    released = threading.Event()

    async def on_start(self) -> None:
        self.released.wait()


class HangsAtStop(mode.Service):
    """An app that starts, but never ends."""

    async def on_stop(self) -> None:
        await asyncio.Event().wait()


class Log:
    """Collects what is logged."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, **facts: Any) -> None:
        self.events.append((event, facts))

    def names(self) -> list[str]:
        return [event for event, _ in self.events]


@asynccontextmanager
async def worker(*services: mode.Service) -> AsyncIterator[mode.Worker]:
    """The services in a started `mode.Worker`, stopped at the end; its signal handlers are taken back."""
    hosted = mode.Worker(*services, override_logging=False, redirect_stdouts=False, daemon=False)
    await hosted.start()
    try:
        yield hosted
    finally:
        await hosted.stop()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            loop.remove_signal_handler(number)


async def until(true: Callable[[], Any], timeout_s: float = 20) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.02)
