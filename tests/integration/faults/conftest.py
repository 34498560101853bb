"""What the fault tests share: their long form, and worker processes to be killed, frozen and paused."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.faults.form import is_long
from tests.worker_process import REPOSITORY, WorkerProcess


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests of the long form to `make faults`."""
    left = [item for item in items if item.get_closest_marker("long_form") and not is_long()]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


class PausingWorker(WorkerProcess):
    """`tests.pausing_worker` in a process of its own; it pauses only when it is given `pause`."""

    def start(self) -> "PausingWorker":
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.pausing_worker"],
                cwd=REPOSITORY,
                env=self._environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return self


@pytest.fixture
def workers(kafka: str, prefix: str, tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Makes started worker processes, which are killed at the end; settings by name."""
    made: list[PausingWorker] = []

    def make(**settings: Any) -> PausingWorker:
        log = tmp_path / f"worker-{len(made)}.log"
        made.append(PausingWorker(kafka, prefix, log, **{"record_s": 0.002, **settings}))
        return made[-1].start()

    yield make
    for worker in made:
        if worker.code is None:
            worker.kill()
