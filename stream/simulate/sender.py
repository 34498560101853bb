"""Sends records open-loop: arrivals follow the clock, and what the broker delays is counted, not hidden.

Takes records and a callable that delivers one, gives a summary. Knows nothing of Kafka's client.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from stream.errors import FatalError, RetryableError
from stream.simulate.outgoing import OutgoingRecord

# A start this much after its time is the sender's or the broker's fault, not the event loop's grain.
LATE_S = 0.1
# Memory, not courtesy: past this many unanswered records the schedule waits, and says so as late sends.
MOST_UNANSWERED = 10_000


class Clock(Protocol):
    """What tells the time to the sender: the process's clock, or a test's."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 lets others run."""
        ...


class SystemClock:
    """The process's own monotonic clock."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 lets others run."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class SendSummary:
    """What became of the records: `sent` were acknowledged, `late` started behind the schedule."""

    sent: int
    failed: int
    late: int
    worst_delay_s: float
    elapsed_s: float


async def send_open_loop(
    producer_send: Callable[[OutgoingRecord], Awaitable[object]],
    records: Iterable[OutgoingRecord],
    rate_per_s: float,
    count: int | None = None,
    clock: Clock | None = None,
    failures: tuple[type[Exception], ...] = (RetryableError,),
) -> SendSummary:
    """Send records at their intended times, whether or not earlier ones have been answered.

    Args:
        producer_send: ends when the record is acknowledged; called in the order of the records.
        records: may be endless.
        rate_per_s: record number n is due n / rate_per_s seconds after the start, unless it says itself when.
        count: stop after this many; None: when the records end.
        clock: None: the process's own.
        failures: what `producer_send` raises for a record that was not delivered: counted. Anything
            else is raised on (in an ExceptionGroup), and what is under way is cancelled.

    Raises:
        FatalError: of `records`, when those before it have been answered.
    """
    clock = clock or SystemClock()
    tally = _Tally(producer_send, failures)
    start = clock.monotonic()
    late, worst_delay_s = 0, 0.0
    broken: FatalError | None = None
    async with asyncio.TaskGroup() as tasks:
        try:
            for number, record in enumerate(islice(records, count)):
                due = start + (number / rate_per_s if record.due_s is None else record.due_s)
                await clock.sleep(max(0.0, due - clock.monotonic()))
                await tally.room.acquire()
                delay_s = clock.monotonic() - due
                late += delay_s > LATE_S
                worst_delay_s = max(worst_delay_s, delay_s)
                tasks.create_task(tally.deliver(record))
        except (
            FatalError
        ) as error:  # raised inside the group it would be a stack trace, and end what is under way
            broken = error
    if broken is not None:
        raise broken
    elapsed_s = clock.monotonic() - start
    return SendSummary(tally.sent, tally.failed, late, worst_delay_s, elapsed_s)


class _Tally:
    def __init__(
        self,
        producer_send: Callable[[OutgoingRecord], Awaitable[object]],
        failures: tuple[type[Exception], ...],
    ) -> None:
        self._send = producer_send
        self._failures = failures
        self.room = asyncio.Semaphore(MOST_UNANSWERED)
        self.sent = 0
        self.failed = 0

    async def deliver(self, record: OutgoingRecord) -> None:
        try:
            await self._send(record)
        except self._failures:
            self.failed += 1
        else:
            self.sent += 1
        finally:
            self.room.release()
