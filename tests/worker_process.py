"""`tests.fake_worker` in a process of its own: started, killed, frozen, stopped, started again; its log as events."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.walking import until

REPOSITORY = Path(__file__).parents[1]


class WorkerProcess:
    """A fake worker's `program` in a process of its own: to be killed, frozen and stopped. Its log is a file."""

    def __init__(
        self,
        kafka: str,
        prefix: str,
        log: Path,
        *,
        program: str = "tests.fake_worker",
        arguments: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        values = {
            "kafka_bootstrap_servers": kafka,
            "topic_prefix": prefix,
            "group_id": f"{prefix}group",
            "metrics_host": "127.0.0.1",
            "metrics_port": 0,
            "log_format": "json",
            "transaction_timeout_ms": 3000,  # a killed worker's open transaction is waited for this long
            **settings,
        }
        self._environment = {
            **os.environ,
            **{f"SWITCHBOARD_{name.upper()}": str(value) for name, value in values.items()},
        }
        self.program = program
        self.arguments = arguments
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.codes: list[int] = []

    def start(self) -> "WorkerProcess":
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.program, *self.arguments],
                cwd=REPOSITORY,
                env=self._environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return self

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        assert self.process is not None
        return self.process.poll()

    async def end(self, timeout_s: float = 15) -> int:
        """Wait until it has ended; returns its exit code."""
        await until(lambda: self.code is not None, timeout_s, f"it runs; log: {self.tail()}")
        assert self.code is not None
        return self.code

    async def stop(self, timeout_s: float = 15) -> int:
        """SIGTERM, and its exit code."""
        self.signal(signal.SIGTERM)
        return await self.end(timeout_s)

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """What it has logged so far, or the events of one name."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in found if name in (None, event.get("event"))]

    async def logged(self, name: str, count: int = 1, timeout_s: float = 30) -> dict[str, Any]:
        """Wait until an event was logged so many times; returns the last one."""
        await until(
            lambda: len(self.events(name)) >= count or self.code is not None,
            timeout_s,
            f"no {name}; log: {self.tail()}",
        )
        found = self.events(name)
        assert len(found) >= count, f"ended with {self.code} before {name}; log: {self.tail()}"
        return found[-1]

    async def restarting(self) -> None:
        """Start it again whenever it ends, as an orchestrator does; cancel to leave off. `codes` collects its ends."""
        while True:
            if self.process is not None and self.code is not None:
                self.codes.append(self.code)
                self.start()
            await asyncio.sleep(0.05)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else "(none)"


@contextlib.contextmanager
def worker_processes(
    kafka: str, prefix: str, folder: Path
) -> Iterator[Callable[..., WorkerProcess]]:
    """Makes started worker processes, killed at the end; settings by name, environment in capitals."""
    made: list[WorkerProcess] = []

    def make(**settings: Any) -> WorkerProcess:
        worker = WorkerProcess(kafka, prefix, folder / f"worker-{len(made)}.log", **settings)
        made.append(worker)
        return worker.start()

    try:
        yield make
    finally:
        for worker in made:
            if worker.code is None:
                worker.kill()
