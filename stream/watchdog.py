"""Ends a process that has records and makes no progress. A thread of its own: it works when the event loop does not."""

import os
import threading
import time
from collections.abc import Callable

from stream.kafka.clients import Log


class Watchdog:
    """Looks every second at the event loop's pulse and at the walk's progress.

    Args:
        limit_s: longest time without a pulse, or with windows in flight and none committed.
        stuck_s: seconds that windows have been in flight without a commit; 0 when nothing is in flight.
        log: says why the process ends.
        end: ends the process; by default at once with exit code 1, since what hangs cannot be asked to stop.
            Nothing is lost: offsets were not committed.
    """

    def __init__(
        self,
        limit_s: float,
        stuck_s: Callable[[], float],
        log: Log,
        end: Callable[[], object] = lambda: os._exit(1),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit_s = limit_s
        self._stuck_s = stuck_s
        self._log = log
        self._end = end
        self._clock = clock
        self._pulse_at_s = clock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self.pulse()
        self._thread.start()

    def pulse(self) -> None:
        """The event loop is alive; call it about once a second."""
        self._pulse_at_s = self._clock()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(1.0):
            if self.bite():
                return

    def bite(self) -> bool:
        """Look once; end the process when it is stuck. Returns whether it did."""
        silent_s, stuck_s = self._clock() - self._pulse_at_s, self._stuck_s()
        if max(silent_s, stuck_s) < self._limit_s:
            return False
        self._log(
            "watchdog_ends_process", loop_silent_s=round(silent_s), no_commit_s=round(stuck_s)
        )
        self._end()
        return True
