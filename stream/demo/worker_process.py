"""Starts a real worker as a process of its own, waits until it is ready, and ends it. Knows its command line only."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from stream.errors import FatalError
from stream.settings import ENV_PREFIX, Settings

READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 12


class WorkerProcess:
    """`switchboard worker` with the given settings and model.

    Args:
        settings: passed on by environment; the metrics port becomes a free one.
        model: that it is pinned to; None: what `model-deployments` says.
        log_path: where its log lines go.
        extra: further options of the command.
        program: the module to run; a benchmark has one that differs in a part.
    """

    def __init__(
        self,
        settings: Settings,
        model: str | None,
        log_path: Path,
        *extra: str,
        program: str = "stream",
    ) -> None:
        self.metrics_port = free_port()
        own = settings.model_copy(
            update={"metrics_port": self.metrics_port, "metrics_host": "127.0.0.1"}
        )
        self._log_path = log_path
        pinned = [] if model is None else ["--model", model]
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and command
                [sys.executable, "-m", program, "worker", *pinned, *extra],
                env={**os.environ, **environment_of(own)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which stops its worker in order
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def wait_ready(self) -> None:
        """Wait for `/health/ready`.

        Raises:
            FatalError: it ended or did not get ready; the message shows the end of its log.
        """
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self.is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise FatalError(
                    f"the worker was not ready within {READY_TIMEOUT_S} s:\n{self._log_end()}"
                )
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """It answers 200 to `/health/ready`."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.metrics_port}/health/ready", timeout=2
            ):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def check(self) -> None:
        """Raise when the worker has ended by itself.

        Raises:
            FatalError: with the end of its log.
        """
        if self._process.poll() is not None:
            raise FatalError(
                f"the worker ended with code {self._process.returncode}:\n{self._log_end()}"
            )

    def kill(self) -> None:
        """`kill -9`, as a machine that is gone."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM, and SIGKILL when that is not enough; returns the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _log_end(self) -> str:
        return "\n".join(
            self._log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        )


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings that differ from their defaults as environment variables, for a process that shall have the same."""
    values: dict[str, str] = {}
    for name, value in settings:
        if value is None or value == Settings.model_fields[name].default:
            continue
        if isinstance(value, SecretStr):
            value = value.get_secret_value()  # noqa: PLW2901
        elif isinstance(value, frozenset):
            value = ",".join(sorted(map(str, cast(frozenset[object], value))))  # noqa: PLW2901
        values[f"{ENV_PREFIX}{name.upper()}"] = str(value)
    return values
