"""Takes the flags of `switchboard broker`, runs Kafka until a signal comes; knows no terminal."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stream.broker.embedded import EmbeddedBroker

DEFAULT_PORT = 9092
DEFAULT_DATA_DIR = Path("~/.local/share/switchboard/kafka")


def run_broker(
    port: int,
    data_dir: Path | None,
    ephemeral: bool,
    announce: Callable[[str], None],
    heap_mb: int = 256,
) -> int:
    """Run Kafka in the foreground until SIGINT or SIGTERM; a second one ends it at once.

    Args:
        port: where clients connect; 0: a free one.
        data_dir: where records survive restarts; None: `DEFAULT_DATA_DIR`. Not read when `ephemeral`.
        ephemeral: keep records in a temporary folder that the end removes.
        announce: gets the lines for the user; one contains `ready`, once Kafka answers.
        heap_mb: Java's heap.

    Returns:
        The exit code of a clean stop, 0.

    Raises:
        BrokerError: Kafka cannot start, or ended by itself.
    """
    folder = None if ephemeral else (data_dir or DEFAULT_DATA_DIR)
    broker = EmbeddedBroker(
        port=port, data_dir=folder, ephemeral=ephemeral, heap_mb=heap_mb, announce=announce
    )
    with _sigterm_is_an_interrupt():
        try:
            with broker:
                kept = "until it stops" if ephemeral else "kept"
                announce(
                    f"ready: Kafka at {broker.bootstrap_servers}, data in {broker.folder} ({kept})"
                )
                broker.wait()
        except KeyboardInterrupt:
            announce("Kafka has stopped")
    return 0


@contextmanager
def _sigterm_is_an_interrupt() -> Iterator[None]:
    """SIGTERM and SIGINT both raise KeyboardInterrupt here, also where a shell started us with SIGINT ignored."""
    caught = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in caught]
    try:
        yield
    finally:
        for number, handler in zip(caught, before, strict=True):
            signal.signal(number, handler)
