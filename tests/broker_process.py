"""Runs the command of the embedded Kafka in a process of its own, to be signalled, killed and starved of disk."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

RUN = """
import sys
from pathlib import Path
from stream.broker import BrokerError, run_broker
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
try:
    sys.exit(run_broker(0, folder, folder is None, lambda line: print(line, flush=True)))
except BrokerError as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
"""


@contextlib.contextmanager
def running(*arguments: str, wrapper: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """`run_broker` in a process of its own, which is killed at the latest at the end."""
    command = [*wrapper, sys.executable, "-c", RUN, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ready_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("ready: "):
            return line
    return pytest.fail(f"not ready: {lines}")


def port_in(line: str) -> int:
    return int(line.split("127.0.0.1:")[1].split(",", maxsplit=1)[0])


def eventually(holds: Callable[[], bool], within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return held
