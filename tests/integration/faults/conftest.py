"""What the fault tests share: their long form, and worker processes to be killed, frozen and paused."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.integration.faults.form import is_long
from tests.worker_process import WorkerProcess, worker_processes


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests of the long form to `make faults`."""
    left = [item for item in items if item.get_closest_marker("long_form") and not is_long()]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.fixture
def workers(kafka: str, prefix: str, tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Makes workers that pause when they are given `pause`; settings by name."""
    with worker_processes(kafka, prefix, tmp_path) as make:
        yield partial(make, program="tests.pausing_worker", record_s=0.002)
