"""Counts what fails on the device, and stops a worker before a sick one turns mail into dead letters."""

import time
from collections import deque
from collections.abc import Callable, Sequence

from models.bundle import Bundle
from stream.classify import Item
from stream.errors import FatalError
from stream.metrics import Metrics

SICK_WINDOW_S = 60.0
SICK_SHARE = 0.01
SICK_LEAST = 20


class DeviceHealth:
    """Stops a worker whose device fails on more than one record in a hundred."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: deque[tuple[float, int, int]] = deque()

    def note(self, items: Sequence[Item], metrics: Metrics) -> None:
        """Count a computed window.

        Raises:
            FatalError: in the last minute at least 20 records and 1 % of all failed at `infer`.
        """
        now_s = self._clock()
        failed = sum(item.error is not None and item.error.stage == "infer" for item in items)
        metrics.texts_truncated.inc(sum(item.truncated for item in items))
        answered = sum(not item.passed_over for item in items)  # the others never saw the device
        self._windows.append((now_s, answered, failed))
        while self._windows[0][0] < now_s - SICK_WINDOW_S:
            self._windows.popleft()
        records = sum(count for _, count, _ in self._windows)
        failures = sum(count for _, _, count in self._windows)
        if failures >= SICK_LEAST and failures > SICK_SHARE * records:
            raise FatalError(
                f"{failures} of {records} records failed at infer in the last minute; look at the device and the model"
            )


def must_be_well(bundle: Bundle) -> None:
    """Before a record is called poison: a golden row must pass on the same session.

    Raises:
        FatalError: it does not.
    """
    failure = bundle.golden_failure()
    if failure is not None:
        raise FatalError(
            f"the device fails on a golden row of {bundle.name}/{bundle.version}: {failure}; "
            "no record is to blame, restart the worker or look at the device"
        )
