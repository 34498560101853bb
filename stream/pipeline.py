"""THE walk: mail and fragments of calls in; classifications, scores, dead letters and offsets out, exactly once.

    poll ─▶ read (decode, clean, tokenise) ─▶ compute (micro-batches) ─▶ fold (calls), commit (one transaction)
      ▲ a window: one contiguous run of offsets per partition; at most one in each stage, and one more on the device

Every state it can be in, and what ends it:

    joining     the model is warm; the group has not given us partitions      -> restoring
    restoring   new producer if the last one is in doubt (fences, aborts);
                stable offsets read, attempts counted; the calls of our
                partitions read back, as they stood at these offsets          -> walking
    walking     three stages side by side                                     -> one of the next four
      revoked     no new transaction; wait for the open one, half the
                  rebalance time at most; drop what is in the stages          -> joining
      lost        a transaction was refused or its end is unknown: drop what
                  is in the stages, back off                                  -> restoring
      stopping    SIGTERM: no new window; those in the stages are committed
                  until `drain_timeout_s`, later ones dropped                 -> ended
      fatal       slot taken, sick device, expired records, a bug             -> ended, exit code 1
    ended       attempts taken back, group left, clients closed

What is dropped was never visible: a transaction begins after compute, and its offsets are in it. Calls fold one window
after the other, each when the transaction of the one before has ended. Nothing here knows a model, a mail's text or
Kafka's client; `kafka.group` and `kafka.transactions` do the talking.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Mapping
from typing import Any

from stream.account import account, report_lag
from stream.calls.desk import CallDesk
from stream.engine import Engine
from stream.errors import LostTransactionError, SwitchboardError, first_of
from stream.flight import Flight
from stream.handoff import Handoff
from stream.kafka.admin import TopicState, prepare_topics
from stream.kafka.attempts import Offsets
from stream.kafka.clients import Log
from stream.kafka.group import Assignment, WorkerGroup
from stream.kafka.transactions import OutputTooLargeError, Transactions
from stream.metrics import Metrics
from stream.pace import Pace
from stream.results import Results
from stream.settings import Settings
from stream.suspects import beware
from stream.topics import CALL_TRANSCRIPTS
from stream.window import Window, window_of

REVOKE_WAIT_S = 15.0  # half of the group's rebalance timeout
WITHDRAW_TIMEOUT_S = 1.0
LOST_BACKOFF_S = 0.2
LOST_BACKOFF_MAX_S = 5.0

Computed = tuple[Window, asyncio.Task[None]]


class Walk:
    """One worker's walk. `run` until `stop`, revocations and lost transactions included."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        desk: CallDesk,
        topics: Mapping[str, TopicState],
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._desk = desk
        engine.take_calls(desk)
        self._call_partitions = topics[CALL_TRANSCRIPTS].partitions
        self._results = Results(topics)
        self._metrics = metrics
        self._log = log
        self._group = WorkerGroup(settings, metrics, log, self._revoked)
        self._transactions = Transactions(settings, log)
        self._pace = Pace(settings.window_target_ms / 1000, settings.max_window_records)
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._transaction: asyncio.Future[None] | None = None
        self._interrupted = False
        self._computed_at_s = 0.0
        self.flight = Flight()

    @property
    def ready(self) -> bool:
        """Warm, a member of the group, and not stopping."""
        return self._group.joined and not self._stop.is_set()

    def stop(self) -> None:
        """Finish the windows in the stages, commit, and let `run` return."""
        self._stop.set()

    async def run(self) -> None:
        """Walk until `stop`.

        Raises:
            FatalError: going on would be wrong; offsets were not committed.
        """
        backoff_s = LOST_BACKOFF_S
        await self._group.start()
        try:
            while (assignment := await self._next_assignment()) is not None:
                try:
                    await self._serve(assignment)
                    backoff_s = LOST_BACKOFF_S
                except LostTransactionError as error:
                    await self._lost(error)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(backoff_s):
                            await self._stop.wait()
                    backoff_s = min(2 * backoff_s, LOST_BACKOFF_MAX_S)
        finally:
            await self._end()

    async def _next_assignment(self) -> Assignment | None:
        """The partitions that are ours now; None when it is time to stop."""
        waiting = asyncio.ensure_future(self._group.assignment())
        try:
            await self._until_stop_or(waiting)
            return None if self._stop.is_set() else waiting.result()
        finally:
            waiting.cancel()

    async def _serve(self, assignment: Assignment) -> None:
        """Restore and walk in one assignment, until it ends, `stop` is asked for, or something breaks."""
        self._interrupted = False
        serving = self._serving = asyncio.ensure_future(self._restore_and_walk(assignment))
        try:
            await self._until_stop_or(serving)
            if not serving.done():
                await asyncio.wait({serving}, timeout=self._settings.drain_timeout_s)
            if (
                serving.done() and not serving.cancelled()
            ):  # else revoked, or the drain took too long
                serving.result()
        except BaseExceptionGroup as group:
            raise first_of(group) from group
        finally:
            serving.cancel()
            await asyncio.wait({serving})
            self._serving = None
            self.flight.drop()

    async def _until_stop_or(self, task: asyncio.Future[Any]) -> None:
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

    async def _restore_and_walk(self, assignment: Assignment) -> None:
        if not self._transactions.usable:
            await self._transactions.renew(self._results.smallest_limit_bytes)
        marks = await self._group.restore(assignment)
        await self._desk.restore(marks, self._call_partitions, self._engine)
        await self._transactions.commit((), marks, assignment.group)
        to_compute: Handoff[Window] = Handoff()
        to_commit: Handoff[Computed] = Handoff()
        async with asyncio.TaskGroup() as stages:
            stages.create_task(self._read_windows(to_compute, assignment))
            stages.create_task(self._compute_windows(to_compute, to_commit, stages))
            stages.create_task(self._commit_windows(to_commit, assignment))

    # -- the three stages ----------------------------------------------------------------------

    async def _read_windows(self, to_compute: Handoff[Window], assignment: Assignment) -> None:
        def commit_marks(marks: Offsets) -> Awaitable[None]:
            return self._transactions.commit((), marks, assignment.group)

        while not self._stop.is_set():
            # first room downstream, then the window: it holds all that came meanwhile
            await to_compute.room()
            most = self._pace.records(self._group.live_waiting())
            records = await self._group.poll(most, self._pace.records())
            report_lag(self._group.lag(), self._metrics)
            due = {}  # while a record is suspect no window takes more along than its records
            if not (records and self._group.marks.solo):
                due = self._desk.due(self._group.caught_up())
            if not (records or due):
                continue
            self.flight.start()
            window = window_of(records, due)
            is_alone = await beware(window, self._group.marks, self.flight, commit_marks)
            window.cleaned_at_s, window.tokenized_at_s = await self._engine.read(window.items)
            to_compute.put(window)
            if is_alone:
                await self.flight.until(0)
        to_compute.close()

    async def _compute_windows(
        self, to_compute: Handoff[Window], to_commit: Handoff[Computed], stages: asyncio.TaskGroup
    ) -> None:
        """Start a window's runs as soon as the one before is being finished, so that the device never waits."""
        while True:
            await to_commit.room()
            window = await to_compute.take()
            if window is None:
                break
            to_commit.put((window, stages.create_task(self._compute(window))))
        to_commit.close()

    async def _compute(self, window: Window) -> None:
        began_s = time.monotonic()
        await self._engine.compute(window.items)
        window.computed_at_s = time.monotonic()
        # runs of two windows stand in one queue: count from when this one's turn came
        if window.items:  # else only time passes in it
            self._pace.note(
                len(window.items), window.computed_at_s - max(began_s, self._computed_at_s)
            )
        self._computed_at_s = window.computed_at_s

    async def _commit_windows(self, to_commit: Handoff[Computed], assignment: Assignment) -> None:
        while (computed := await to_commit.take()) is not None:
            window, computing = computed
            await computing
            states = await self._engine.fold(window.items, window.offsets)
            outputs = await self._engine.write(window.items, self._results.outputs_of)
            window.outputs = [*outputs, *states]
            if self._interrupted:
                return
            offsets = self._group.marks.carried(window.offsets)
            transaction = self._transaction = asyncio.ensure_future(
                self._transactions.commit(window.outputs, offsets, assignment.group)
            )
            try:
                await transaction
            finally:
                transaction.cancel()
                self._transaction = None
            self._desk.merge(offsets)
            self._group.marks.passed(offsets)
            self.flight.land()
            account(window, self._metrics)
            self._log("window_committed", records=len(window.items), outputs=len(window.outputs))

    # -- what ends an assignment ---------------------------------------------------------------

    async def _revoked(self) -> None:
        """Called by the group before it gives our partitions away; it waits for us, so be quick."""
        self._interrupted = True
        if self._transaction is not None:
            await asyncio.wait({self._transaction}, timeout=REVOKE_WAIT_S)
        await self._withdraw()
        if self._serving is not None:
            self._serving.cancel()

    async def _withdraw(self) -> None:
        """Take open attempts back; when that fails they count as one death more than there was."""
        marks, group = self._group.marks.withdraw(), self._group.name
        self._group.marks.clear(marks.keys())
        if marks and group is not None and self._transactions.usable:
            with contextlib.suppress(LostTransactionError, TimeoutError):
                async with asyncio.timeout(WITHDRAW_TIMEOUT_S):
                    await self._transactions.commit((), marks, group)

    async def _lost(self, error: LostTransactionError) -> None:
        await self._group.look_for_rival()
        self._metrics.retries.labels(type(error).__name__).inc()
        self._log("transaction_lost", error=str(error))
        if isinstance(error, OutputTooLargeError):
            self._results.fit(await prepare_topics(self._settings, self._log), error)

    async def _end(self) -> None:
        error = sys.exception()
        if error is None or isinstance(
            error, SwitchboardError
        ):  # after a bug the next record is suspect
            await self._withdraw()
        await self._transactions.close()
        await self._group.stop()
        self._engine.close()
