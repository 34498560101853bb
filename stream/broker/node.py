"""Takes Java, Kafka's jars and a locked folder, runs one Kafka in it and says why it ended; knows no other broker."""

import secrets
import time
from base64 import urlsafe_b64encode
from pathlib import Path

from stream.broker.data_folder import DataFolder, full_disk
from stream.broker.failure import BrokerError
from stream.broker.jvm import GuardedProcess, run_once
from stream.broker.probe import answering_cluster, free_port
from stream.broker.properties import server_properties

START_TIMEOUT_S = 90.0  # 3 to 5 s on two idle cores; a busy machine or a long recovery takes longer
_FORMAT_TIMEOUT_S = 60.0
_LOG_KEPT_BYTES = 5_000_000
_TAIL_LINES = 8
_NO_ROOM_BYTES = 16 * 1024 * 1024  # on a full disk Kafka cannot even log that it is full

# The options with the quickest start of those measured, 2.8 to 4.3 s on two cores and 276 MB resident.
_SMALL_JVM = (
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
)
_QUIET_JAVA_25 = ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)


def java_command(java: Path, jars: Path, heap_mb: int) -> list[str]:
    """Java with Kafka's jars and the options of a small broker; a class of Kafka follows."""
    options = (*_SMALL_JVM, *_QUIET_JAVA_25, *_LOGGING)
    return [str(java), f"-Xmx{heap_mb}m", *options, "-cp", f"{jars}/*"]


class Node:
    """One run of Kafka, from `launch` to its end."""

    def __init__(self, java: Path, jars: Path, folder: DataFolder, *, heap_mb: int) -> None:
        self._java = java_command(java, jars, heap_mb)
        self._folder = folder
        self._port = 0
        self._log_start = 0
        self._jvm: GuardedProcess | None = None

    def launch(self, port: int) -> None:
        """Start Kafka; the folder is formatted the first time.

        Raises:
            BrokerError: the folder cannot be formatted.
        """
        self._port = port
        folder = self._folder
        log = folder.broker_log
        if log.exists() and log.stat().st_size > _LOG_KEPT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        self._log_start = log.stat().st_size if log.exists() else 0
        folder.properties.write_text(
            server_properties(port, free_port(), folder.kafka_logs), "ascii"
        )
        folder.name_holder(port)
        self._format_once()
        self._jvm = GuardedProcess(
            [*self._java, "kafka.Kafka", str(folder.properties)],
            folder.path,
            log,
            keep_fd=folder.lock_fd,
            remove_folder=folder.ephemeral,
        )

    @property
    def pid(self) -> int:
        """Process id of the JVM."""
        return self._running().pid

    def wait_until_ready(self) -> bool:
        """Return True when Kafka answers metadata requests, False when it ended before.

        Raises:
            BrokerError: neither happened in time.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        cluster_id = self._cluster_id()
        while answering_cluster(self._port) != cluster_id:
            if self.has_ended():
                return False
            if time.monotonic() > deadline:
                raise BrokerError(
                    f"Kafka did not answer on port {self._port} within {START_TIMEOUT_S:.0f} s. {self._last_words()}"
                )
            time.sleep(0.05)
        return True

    def has_ended(self) -> bool:
        """Whether the JVM is gone."""
        return self._running().exit_code() is not None

    def wait(self) -> None:
        """Wait until the JVM is gone."""
        self._running().wait()

    def end(self, timeout_s: float) -> None:
        """SIGTERM; SIGKILL when the time is over."""
        if self._jvm is not None:
            self._jvm.end(timeout_s)

    def kill(self) -> None:
        """SIGKILL."""
        self._running().kill()

    def lost_its_port(self) -> bool:
        """Whether it ended because somebody else took a port between choosing and listening."""
        return "Address already in use" in self._log()

    def why_it_died(self) -> str:
        """What the person can do about its end, else Kafka's own last words."""
        log = self._log()
        if self._folder.is_full(_NO_ROOM_BYTES) or "No space left on device" in log:
            return full_disk(self._folder.path)
        if self.lost_its_port():
            return (
                f"port {self._port} is in use; stop what uses it, or choose another port (--port)"
            )
        if "AccessDeniedException" in log or "Permission denied" in log:
            return (
                f"Kafka may not write everything in the data folder {self._folder.path}: it holds files of another "
                f"user; make them writable or name another folder (--data-dir). {self._last_words()}"
            )
        return (
            f"Kafka ended by itself (exit code {self._running().exit_code()}). {self._last_words()}"
        )

    @property
    def _identity(self) -> Path:
        return self._folder.kafka_logs / "meta.properties"

    def _cluster_id(self) -> str:
        pairs = (line.partition("=") for line in self._identity.read_text("ascii").splitlines())
        return {name: value for name, _, value in pairs}.get("cluster.id", "")

    def _format_once(self) -> None:
        if self._identity.exists():
            return
        cluster_id = "s" + urlsafe_b64encode(secrets.token_bytes(16)).decode("ascii")[1:22]
        command = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster_id]
        code = run_once(
            [*self._java, *command, "-c", str(self._folder.properties)],
            self._folder.path,
            self._folder.broker_log,
            _FORMAT_TIMEOUT_S,
        )
        if code != 0:
            raise BrokerError(
                full_disk(self._folder.path)
                if self._folder.is_full(_NO_ROOM_BYTES)
                else f"Kafka cannot format the data folder (exit code {code}). {self._last_words()}"
            )

    def _running(self) -> GuardedProcess:
        assert self._jvm is not None, "launch() comes first; this is a bug"
        return self._jvm

    def _log(self) -> str:
        """What Kafka wrote in this run, its end at least."""
        try:
            with self._folder.broker_log.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(self._log_start, size - 200_000))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _last_words(self) -> str:
        said = [line for line in self._log().splitlines() if not line.startswith("\tat ")]
        lines = said[-_TAIL_LINES:] or ["(none)"]
        return "\n".join([f"Its last words in {self._folder.broker_log}:", *lines])
