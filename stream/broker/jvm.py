"""Takes a command line for Java, gives its process, which never outlives us; knows no Kafka.

Linux could send a signal when the parent dies, but ties it to the parent *thread*, which would end the broker with
the thread that happened to start it. Instead a small shell waits beside the JVM on a pipe that only we hold open:
when it closes without a word we died, and the shell ends the JVM. Price: a process that we fork (without exec)
inherits the pipe and keeps the broker alive as long as itself.
"""

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

# $1: a folder to remove with us, or empty. The shell becomes Java, hence $$ is Java's own id and never another's.
_GUARD = """
exec 3<&0; folder=$1; shift
( trap '' INT TERM HUP
  read -r word <&3 && exit 0
  kill -TERM $$; tries=0
  while kill -0 $$ && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL $$
  [ -z "$folder" ] || rm -rf -- "$folder"
) >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-
"""


class GuardedProcess:
    """One child process that is ended when we end, in whatever way.

    Args:
        command: program and arguments.
        folder: working folder; crash reports land there.
        log: gets its stdout and stderr, appended.
        keep_fd: a descriptor that the child inherits (the lock of its folder).
        remove_folder: remove `folder` if we die without calling `end`.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, log: Path, keep_fd: int, *, remove_folder: bool
    ) -> None:
        arguments = [
            "/bin/sh",
            "-c",
            _GUARD,
            "switchboard-broker",
            str(folder) if remove_folder else "",
        ]
        # Its own session: a Ctrl-C at the terminal reaches us, not the broker, which has to outlive the workers
        # that are still committing.
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  # a fixed script and our own arguments
                [*arguments, *command],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(keep_fd,),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id of the program itself, not of a shell around it."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for its end; None when the time is over before."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """SIGKILL, as a crash would; returns when it is gone."""
        self._process.kill()
        self._process.wait()
        self._dismiss_guard()

    def end(self, timeout_s: float) -> bool:
        """SIGTERM, then SIGKILL when the time is over; returns whether it ended by itself."""
        try:
            self._process.terminate()
            return self.wait(timeout_s) is not None
        finally:  # also when a second Ctrl-C cuts the waiting short
            self.kill()

    def _dismiss_guard(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None, "opened with a pipe; this is a bug"
        if not pipe.closed:
            with contextlib.suppress(BrokenPipeError):  # the guard is gone already
                os.write(pipe.fileno(), b"over\n")
            pipe.close()


def run_once(command: Sequence[str], folder: Path, log: Path, timeout_s: float) -> int:
    """Run a short program to its end, output to the log; returns its exit code (-9 when it took too long)."""
    with log.open("ab") as output:
        try:
            return subprocess.run(  # noqa: S603  # our own arguments
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            return -9
