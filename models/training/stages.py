"""Tells a caller how far a long piece of work is, and keeps the time of each stage. For `models.train`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from models.training.report import Progress

Warn = Callable[[str], None]
TUNE = "tune"
# As `models.tuning.loop` writes its checkpoints.
KEPT = "stopped; the tuning is kept but for its last minute: give the same command again, and it goes on from there"


def say_nothing(_: str) -> None:
    """Nobody reads warnings."""


@dataclass
class StageWatch:
    """Tells progress and warnings, and takes the time of each stage."""

    progress: Progress
    warn: Warn = say_nothing
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    _stage: str = ""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run one stage: its begin and end are told, its time is kept when it succeeds.

        Raises:
            KeyboardInterrupt: as it came, with a message from the tuning on: that work is kept.
        """
        self._stage = name
        self.progress(name, 0, 1)
        began_s = time.monotonic()
        try:
            yield
        except KeyboardInterrupt as stop:
            if TUNE in {name, *self.seconds}:
                raise KeyboardInterrupt(KEPT) from stop
            raise
        self.seconds[name] = round(time.monotonic() - began_s, 2)
        self.progress(name, 1, 1)

    def advance(self, done: int, total: int) -> None:
        """Tell how far the running stage is."""
        self.progress(self._stage, done, total)
