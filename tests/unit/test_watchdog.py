from dataclasses import dataclass, field
from typing import Any

from stream.watchdog import Watchdog

LIMIT_S = 120.0


@dataclass
class Process:
    """A process with a clock that one can turn."""

    now_s: float = 1000.0
    stuck_s: float = 0.0
    ended: int = 0
    logged: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def watchdog(self) -> Watchdog:
        return Watchdog(LIMIT_S, lambda: self.stuck_s, self.log, self.end, lambda: self.now_s)

    def log(self, event: str, **facts: Any) -> None:
        self.logged.append((event, facts))

    def end(self) -> None:
        self.ended += 1


def test_a_process_that_pulses_and_commits_is_left_alone() -> None:
    process = Process()
    watchdog = process.watchdog()
    for _ in range(1000):
        process.now_s += 1
        watchdog.pulse()
        process.stuck_s = 5
        assert not watchdog.bite()
    assert (process.ended, process.logged) == (0, [])


def test_a_silent_event_loop_ends_the_process_at_the_limit() -> None:
    process = Process()
    watchdog = process.watchdog()
    process.now_s += LIMIT_S - 1
    assert not watchdog.bite()
    process.now_s += 1
    assert watchdog.bite()
    assert process.ended == 1
    [(event, facts)] = process.logged
    assert (event, facts) == ("watchdog_ends_process", {"loop_silent_s": 120, "no_commit_s": 0})


def test_windows_in_flight_without_a_commit_end_the_process_though_the_loop_is_alive() -> None:
    process = Process()
    watchdog = process.watchdog()
    for seconds in range(int(LIMIT_S)):
        process.now_s, process.stuck_s = process.now_s + 1, float(seconds)
        watchdog.pulse()
        assert not watchdog.bite()
    process.stuck_s = LIMIT_S
    assert watchdog.bite()
    assert process.logged[0][1] == {"loop_silent_s": 0, "no_commit_s": 120}


def test_it_says_why_before_the_process_ends() -> None:
    process, order = Process(stuck_s=LIMIT_S), []
    watchdog = Watchdog(
        LIMIT_S,
        lambda: process.stuck_s,
        lambda *_, **__: order.append("log"),
        lambda: order.append("end"),
    )
    assert watchdog.bite()
    assert order == ["log", "end"]


def test_its_thread_cannot_keep_a_process_alive_and_ends_when_stopped() -> None:
    watchdog = Process().watchdog()
    watchdog.start()
    assert watchdog._thread.daemon
    watchdog.stop()
    watchdog._thread.join(5)
    assert not watchdog._thread.is_alive()
