"""Takes a port and a data folder, gives a running Apache Kafka with its address; knows no topic and no record."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from stream.broker import data_folder
from stream.broker.data_folder import DataFolder
from stream.broker.failure import BrokerError
from stream.broker.jars import java_program, kafka_jars
from stream.broker.node import Node
from stream.broker.probe import HOST, free_port, refusal

STOP_TIMEOUT_S = 10.0
_PORT_ATTEMPTS = 3


class EmbeddedBroker:
    """One Kafka node on 127.0.0.1. Synchronous; a context manager; may be started again after `stop` or `kill`.

    Args:
        port: where clients connect; 0: a free one, which later starts of this object keep.
        data_dir: where records survive restarts; needed unless `ephemeral`.
        ephemeral: keep everything in a temporary folder that `stop` removes. `kill` keeps it, for `start`.
        heap_mb: Java's heap.
        announce: gets a line when the first start has to fetch Kafka.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        data_dir: Path | None = None,
        ephemeral: bool = False,
        heap_mb: int = 256,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        if ephemeral == (data_dir is not None):
            raise ValueError("give data_dir, or ephemeral=True, not both and not neither")
        self._asked_port = port
        self._port = port
        self._data_dir = data_dir.expanduser().absolute() if data_dir else None
        self._heap_mb = heap_mb
        self._announce = announce
        self._folder: DataFolder | None = None
        self._node: Node | None = None

    @property
    def port(self) -> int:
        """The port clients connect to; known after `start`."""
        return self._port

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients; known after `start`."""
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int:
        """Process id of the JVM."""
        if self._node is None:
            raise RuntimeError("the broker does not run: call start() first")
        return self._node.pid

    @property
    def folder(self) -> Path:
        """Where it stores; `broker.log` lies there too."""
        if self._folder is not None:
            return self._folder.path
        if self._data_dir is None:
            raise RuntimeError("an ephemeral broker has a folder only while it runs")
        return self._data_dir

    def start(self) -> None:
        """Return when Kafka answers metadata requests.

        Raises:
            BrokerError: why it cannot; nothing is left running.
        """
        if self._node is not None:
            raise RuntimeError("the broker runs already: call stop() first")
        java = java_program()
        jars = kafka_jars(self._announce)
        with ExitStack() as undo:
            undo.callback(self.stop)
            folder = self._folder = self._folder or data_folder.claim(self._data_dir)
            for attempt in range(1, _PORT_ATTEMPTS + 1):
                self._choose_port(again=attempt > 1)
                self._node = Node(java, jars, folder, heap_mb=self._heap_mb)
                self._node.launch(self._port)
                if self._node.wait_until_ready():
                    break
                if attempt == _PORT_ATTEMPTS or not self._node.lost_its_port():
                    raise BrokerError(self._node.why_it_died())
                self._node.end(STOP_TIMEOUT_S)  # else its guard would take the folder away
            undo.pop_all()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End Kafka in order (SIGTERM, after `timeout_s` SIGKILL) and give the folder back; idle when stopped."""
        try:
            if self._node is not None:
                self._node.end(timeout_s)
        finally:
            self._release()

    def kill(self) -> None:
        """SIGKILL, as a crash would. The records stay, also of an ephemeral broker: `start` goes on with them."""
        if self._node is not None:
            self._node.kill()
            self._node = None

    def wait(self) -> None:
        """Wait as long as Kafka runs.

        Raises:
            BrokerError: it ended by itself, and why.
        """
        if self._node is None:
            raise RuntimeError("the broker does not run: call start() first")
        self._node.wait()
        self.check()

    def check(self) -> None:
        """Raise when Kafka ended by itself.

        Raises:
            BrokerError: and why.
        """
        if self._node is not None and self._node.has_ended():
            raise BrokerError(self._node.why_it_died())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _choose_port(self, *, again: bool) -> None:
        """A free one stays ours for later starts, because clients know it by then."""
        if self._asked_port == 0 and (self._port == 0 or again):
            self._port = free_port()
        elif reason := refusal(self._port):
            raise BrokerError(
                f"cannot listen on port {self._port}: {reason}; stop what uses it, "
                "or choose another port (--port 9093; --port 0 takes a free one)"
            )

    def _release(self) -> None:
        self._node = None
        if self._folder is not None:
            self._folder.release()
            self._folder = None
