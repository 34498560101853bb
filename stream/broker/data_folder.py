"""Takes a path (or none: a temporary one), gives a folder that one broker may write; knows no Java.

The lock is a `flock` whose file descriptor the JVM inherits: it falls exactly when the last of the two is gone,
also after `kill -9`, and never has to be removed by hand.
"""

import fcntl
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from stream.broker.failure import BrokerError
from stream.broker.probe import answering_cluster

LEAST_FREE_BYTES = 128 * 1024 * 1024  # one log segment
_LOCK_WAIT_S = 8.0  # the guard of a killed parent gives its JVM 5 s to close its logs


@dataclass(frozen=True)
class DataFolder:
    """A folder that is locked for one broker. `release` it when the JVM is gone."""

    path: Path
    lock_fd: int
    ephemeral: bool

    @property
    def broker_log(self) -> Path:
        """What the broker says: warnings, errors, and why it died."""
        return self.path / "broker.log"

    @property
    def properties(self) -> Path:
        """Written anew at each start."""
        return self.path / "server.properties"

    @property
    def kafka_logs(self) -> Path:
        """Kafka's `log.dirs`: the records."""
        return self.path / "kafka-logs"

    def name_holder(self, port: int) -> None:
        """Leave the address for whoever finds this folder locked."""
        os.ftruncate(self.lock_fd, 0)
        os.pwrite(self.lock_fd, str(port).encode(), 0)

    def is_full(self, least_free_bytes: int = LEAST_FREE_BYTES) -> bool:
        """Whether the disk has less room than this."""
        return shutil.disk_usage(self.path).free < least_free_bytes

    def release(self) -> None:
        """Give the lock back; an ephemeral folder disappears."""
        os.close(self.lock_fd)
        if self.ephemeral:
            shutil.rmtree(self.path, ignore_errors=True)


def claim(path: Path | None) -> DataFolder:
    """Make, check and lock the folder of one broker.

    Args:
        path: where records survive restarts; None: a temporary folder that `release` removes.

    Raises:
        BrokerError: the folder cannot be written, its disk is full, or another broker holds it.
    """
    folder = Path(tempfile.mkdtemp(prefix="switchboard-kafka-")) if path is None else path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(b"can this folder be written?")
        fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise BrokerError(
            f"cannot write the data folder {folder}: {error.strerror or error}; "
            "make it writable, free some space or name another one (--data-dir)"
        ) from error
    claimed = DataFolder(folder, fd, ephemeral=path is None)
    try:
        _wait_for_lock(claimed)
        if claimed.is_full():
            raise BrokerError(full_disk(folder))
    except BaseException:
        claimed.release()
        raise
    return claimed


def full_disk(folder: Path) -> str:
    """The message for a disk without room."""
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    return (
        f"the disk of the data folder {folder} is full: {free_mb} MB free, "
        f"Kafka needs {LEAST_FREE_BYTES // 1_000_000} MB; free some space or name another folder (--data-dir)"
    )


def _wait_for_lock(folder: DataFolder) -> None:
    """A broker that answers is reported at once; one that is just ending gets a few seconds."""
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(folder.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            port = os.pread(folder.lock_fd, 16, 0).decode("ascii", "replace")
            alive = port.isdigit() and answering_cluster(int(port)) is not None
            if alive or time.monotonic() > deadline:
                where = f" at 127.0.0.1:{port}" if port.isdigit() else ""
                raise BrokerError(
                    f"the data folder {folder.path} is in use by another broker{where}; "
                    "use that one, stop it, or name another folder (--data-dir, --ephemeral)"
                ) from None
            time.sleep(0.1)
        else:
            return
