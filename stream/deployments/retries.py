"""What failed, why, and when to try again: twice as late each time, up to a minute. Pure but for the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from stream.deployments.bundle_ref import BundleRef

BACKOFF_S = 1.0
BACKOFF_MAX_S = 60.0


@dataclass(frozen=True)
class Failure:
    """Why a bundle is not there; times in monotonic seconds."""

    reason: str
    backoff_s: float
    again_at_s: float
    times: int


class Retries:
    """Failures to load, by bundle."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[BundleRef, Failure] = {}

    def note(self, ref: BundleRef, reason: str) -> Failure:
        """It failed once more."""
        before = self._failures.get(ref)
        backoff_s = min(2 * before.backoff_s, BACKOFF_MAX_S) if before else BACKOFF_S
        times = before.times + 1 if before else 1
        failure = Failure(reason, backoff_s, self._clock() + backoff_s, times)
        self._failures[ref] = failure
        return failure

    def of(self, ref: BundleRef) -> Failure | None:
        """The last failure; None: none yet."""
        return self._failures.get(ref)

    def waits_s(self, ref: BundleRef) -> float:
        """Seconds until it may be tried again; 0: now."""
        failure = self._failures.get(ref)
        return 0.0 if failure is None else max(0.0, failure.again_at_s - self._clock())

    def clear(self) -> None:
        """Try everything again at once."""
        self._failures.clear()
