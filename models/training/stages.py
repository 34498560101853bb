"""Tells a caller how far a long piece of work is, and keeps the time of each stage. For `models.train`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from models.training.report import Progress


@dataclass
class StageWatch:
    """Tells progress and takes the time of each stage."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    _stage: str = ""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run one stage: its begin and end are told, its time is kept when it succeeds."""
        self._stage = name
        self.progress(name, 0, 1)
        began_s = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began_s, 2)
        self.progress(name, 1, 1)

    def advance(self, done: int, total: int) -> None:
        """Tell how far the running stage is."""
        self.progress(self._stage, done, total)
