"""Runs a Faust app beside the walk so that its crash, hang or absence touches nothing else; knows neither of them.

Each life of the app has a daemon thread and an event loop of its own. So a Faust that blocks (mode waits for its
consumer's thread with a lock, on the loop) holds neither the worker's loop nor the exit of the process, and a crash,
which mode hands up the beacon to the root of the service tree, ends at the app: it is the root of its own tree.
One life at a time: what cannot be stopped is left alone, and nothing new is started until it ends by itself.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from mode.services import Service

Condition = Literal["starting", "running", "restarting", "hanging", "stopped"]
Log = Callable[..., Any]
# A stop or a crash is looked for this often: mode sets its events from other threads, which wakes no waiter.
POLL_S = 0.1


class AppEndedError(RuntimeError):
    """The app ended though nobody asked it to."""


@dataclass(frozen=True)
class GuardLimits:
    """How long the guard waits for what.

    Attributes:
        start_s: a start that takes longer is given up and tried again.
        stop_s: at shutdown the app has this long to leave its group; then it is abandoned.
        first_backoff_s: the pause before the second life; it doubles with each one up to `most_backoff_s`.
        steady_s: after a life of this length the pause begins anew.
        silent_s: a loop that did not turn for this long is called `hanging`.
    """

    start_s: float = 60.0
    stop_s: float = 2.0
    first_backoff_s: float = 1.0
    most_backoff_s: float = 60.0
    steady_s: float = 60.0
    silent_s: float = 10.0


class FaustGuard(Service):
    """A service for `mode.Worker`: starts at once, restarts the app with back-off, stops within `stop_s`.

    Args:
        make_app: makes a new app that was never started; called in the app's own thread and loop for each life, so
            what is slow to import may be imported there.
        log: called as `log(event, **facts)`, on the worker's loop.
    """

    mundane_level = "debug"

    def __init__(
        self, make_app: Callable[[], Service], log: Log, limits: GuardLimits | None = None
    ) -> None:
        self._make_app = make_app
        self._tell = log
        self._limits = limits or GuardLimits()
        self._life: _Life | None = None
        self.restarts = 0
        super().__init__()

    @property
    def condition(self) -> Condition:
        """For metrics and `/live`; readiness never depends on it."""
        life = self._life
        if self.should_stop:
            return "stopped"
        if life is None or not life.is_alive():
            return "restarting" if self.restarts else "starting"
        if time.monotonic() - life.turned_at_s > self._limits.silent_s:
            return "hanging"
        return "running" if life.running else ("restarting" if self.restarts else "starting")

    @Service.task
    async def _live_on(self) -> None:
        backoff_s = self._limits.first_backoff_s
        while not self.should_stop:
            life = self._life = _Life(self._make_app, self._limits)
            began_s = time.monotonic()
            life.start()
            reason = await life.ended
            if self.should_stop:
                return
            if time.monotonic() - began_s >= self._limits.steady_s:
                backoff_s = self._limits.first_backoff_s
            self.restarts += 1
            # The type alone: an error's text may quote what an agent was fed.
            self._tell("faust_ended", reason=type(reason).__name__, again_in_s=backoff_s)
            await self.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, self._limits.most_backoff_s)

    async def on_stop(self) -> None:
        """Ask the app to leave its group, and wait no longer than `stop_s`."""
        life = self._life
        if life is None or not life.is_alive():
            return
        life.ask_to_stop()
        await asyncio.wait({life.ended}, timeout=self._limits.stop_s)
        if not life.ended.done():
            self._tell("faust_abandoned", waited_s=self._limits.stop_s)


class _Life(threading.Thread):
    """One life of the app, from its making to its end, which `ended` tells, on the worker's loop, with the reason."""

    def __init__(self, make_app: Callable[[], Service], limits: GuardLimits) -> None:
        super().__init__(name="faust", daemon=True)
        self._make_app = make_app
        self._limits = limits
        self._stop_asked = threading.Event()
        self._worker_loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[BaseException | None] = self._worker_loop.create_future()
        self.running = False
        self.turned_at_s = time.monotonic()

    def ask_to_stop(self) -> None:
        """Seen within `POLL_S`, unless the app blocks its loop."""
        self._stop_asked.set()

    def run(self) -> None:
        """The thread: whatever ends the app ends here."""
        reason: BaseException | None = None
        try:
            asyncio.run(self._live())
        except BaseException as error:  # noqa: BLE001  # the border: the guard decides, the worker goes on
            reason = error
        self.running = False
        with contextlib.suppress(
            RuntimeError
        ):  # the worker's loop is closed: nobody waits any more
            self._worker_loop.call_soon_threadsafe(self._tell_end, reason)

    def _tell_end(self, reason: BaseException | None) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)

    async def _live(self) -> None:
        app = self._make_app()
        starting = asyncio.ensure_future(app.start())
        give_up_at_s = time.monotonic() + self._limits.start_s
        try:
            while not self._stop_asked.is_set():
                self.turned_at_s = time.monotonic()
                if app.should_stop:
                    raise app.crash_reason or AppEndedError("it stopped by itself")
                if starting.done():
                    starting.result()
                    self.running = True
                elif self.turned_at_s > give_up_at_s:
                    raise TimeoutError(f"the app did not start within {self._limits.start_s:g} s")
                await asyncio.sleep(POLL_S)
        finally:
            self.running = False
            starting.cancel()
            with contextlib.suppress(TimeoutError):
                # Longer than the guard waits at shutdown: then the process ends, otherwise a new life begins.
                async with asyncio.timeout(2 * self._limits.stop_s):
                    await app.stop()
