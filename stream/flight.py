"""Counts the windows between poll and commit, for whoever must wait for them or see that nothing moves. No I/O."""

import asyncio
import time
from collections.abc import Callable


class Flight:
    """Windows of one walk that were polled and are not committed yet."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._landed = asyncio.Event()
        self._moved_at_s = clock()
        self.windows = 0

    @property
    def stuck_s(self) -> float:
        """Seconds since the last commit, or since the first window in flight; 0 when none is."""
        return self._clock() - self._moved_at_s if self.windows else 0.0

    def start(self) -> None:
        """A window was polled."""
        if self.windows == 0:
            self._moved_at_s = self._clock()
        self.windows += 1

    def land(self) -> None:
        """A window was committed."""
        self.windows -= 1
        self._moved_at_s = self._clock()
        self._landed.set()

    def drop(self) -> None:
        """What was in flight is dropped and will be polled again."""
        self.windows = 0

    async def until(self, windows: int) -> None:
        """Wait until at most so many are in flight."""
        while self.windows > windows:
            self._landed.clear()
            await self._landed.wait()
