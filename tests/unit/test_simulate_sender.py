import asyncio
import itertools
from collections.abc import Iterator

import pytest

from stream.errors import RetryableError
from stream.simulate.files import RowError
from stream.simulate.outgoing import OutgoingRecord
from stream.simulate.sender import LATE_S, send_open_loop


class FakeClock:
    """Time moves only when somebody sleeps; others run at every sleep."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


def records(count: int | None = None) -> Iterator[OutgoingRecord]:
    endless = (OutgoingRecord("t", None, str(n).encode()) for n in itertools.count())
    return itertools.islice(endless, count)


async def test_arrivals_follow_the_clock_and_keep_their_order() -> None:
    clock, seen = FakeClock(), []

    async def send(record: OutgoingRecord) -> None:
        seen.append((record.value, clock.now_s))

    summary = await send_open_loop(send, records(), rate_per_s=10, count=5, clock=clock)
    assert [value for value, _ in seen] == [b"0", b"1", b"2", b"3", b"4"]
    assert summary.sent == 5
    assert (summary.failed, summary.late) == (0, 0)
    assert summary.elapsed_s == pytest.approx(0.4)


async def test_a_slow_answer_does_not_slow_the_schedule() -> None:
    clock, started, answered = FakeClock(), [], asyncio.Event()

    async def send(record: OutgoingRecord) -> None:
        started.append(clock.now_s)
        if len(started) == 20:
            answered.set()
        await answered.wait()

    summary = await send_open_loop(send, records(20), rate_per_s=100, clock=clock)
    assert summary.sent == 20
    assert summary.late == 0
    assert summary.elapsed_s == pytest.approx(0.19)


async def test_what_starts_behind_its_time_is_counted_as_late() -> None:
    clock = FakeClock()

    async def send(record: OutgoingRecord) -> None:
        if record.value == b"3":
            clock.now_s += 1.0  # the process was held up

    summary = await send_open_loop(send, records(20), rate_per_s=100, clock=clock)
    assert summary.sent == 20
    assert summary.late == 16
    assert summary.worst_delay_s == pytest.approx(1.0, abs=LATE_S)


async def test_a_full_pipe_holds_the_schedule_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.simulate.sender.MOST_UNANSWERED", 2)
    clock = FakeClock()
    under_way = most = 0

    async def send(record: OutgoingRecord) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(20):
            await clock.sleep(0.05)
        under_way -= 1

    summary = await send_open_loop(send, records(10), rate_per_s=100, clock=clock)
    assert most == 2
    assert summary.sent == 10
    assert summary.late >= 7


async def test_failures_are_counted_and_the_rest_is_sent() -> None:
    async def send(record: OutgoingRecord) -> None:
        if record.value in (b"1", b"4"):
            raise RetryableError("not delivered")

    summary = await send_open_loop(send, records(6), rate_per_s=1000, clock=FakeClock())
    assert (summary.sent, summary.failed) == (4, 2)


async def test_another_error_ends_the_sending() -> None:
    async def send(record: OutgoingRecord) -> None:
        raise KeyError("a bug")

    with pytest.raises(ExceptionGroup) as caught:
        await send_open_loop(send, records(), rate_per_s=1000, clock=FakeClock())
    assert caught.group_contains(KeyError)


async def test_records_that_break_off_are_sent_up_to_there_and_the_error_comes_as_it_is() -> None:
    sent = []

    async def send(record: OutgoingRecord) -> None:
        await asyncio.sleep(0)
        sent.append(record.value)

    def breaking() -> Iterator[OutgoingRecord]:
        yield from records(3)
        raise RowError("calls.csv:5: no seq")

    with pytest.raises(RowError, match=r"calls\.csv:5"):
        await send_open_loop(send, breaking(), rate_per_s=1000, clock=FakeClock())
    assert sent == [b"0", b"1", b"2"]


async def test_it_ends_when_the_records_end() -> None:
    async def send(record: OutgoingRecord) -> None:
        await asyncio.sleep(0)

    summary = await send_open_loop(send, records(3), rate_per_s=1000, count=10)
    assert summary.sent == 3
