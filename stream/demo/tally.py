"""What was sent and what came out in, figures for the reader out. Pure: moments are given, nothing is printed."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stream.demo.calls import CallChart, Calls
from stream.records import ChurnScore, Classification

SHOWN = 8

Answer = Classification | ChurnScore


@dataclass(frozen=True)
class Line:
    """One mail with its answer, as the reader sees it."""

    caption: str
    answer: str
    latency_s: float


@dataclass
class Tally:
    """Counts of one demo. A mail, or a fragment of a call, is known by its `output-id`."""

    started_s: float
    sent: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])
    latencies_s: list[float] = field(default_factory=list[float])
    recent: deque[Line] = field(default_factory=lambda: deque[Line](maxlen=SHOWN))
    statuses: Counter[str] = field(default_factory=Counter[str])
    dead: Counter[str] = field(default_factory=Counter[str])
    seen: set[str] = field(default_factory=set[str])
    early: dict[str, tuple[Answer, float]] = field(default_factory=dict[str, tuple[Answer, float]])
    calls: Calls = field(default_factory=Calls)
    bad_profiles: set[str] = field(default_factory=set[str])
    duplicates: int = 0
    first_label_s: float | None = None
    first_score_s: float | None = None

    def note_sent(self, output_id: str, caption: str, now_s: float) -> None:
        """A mail is in Kafka, sent at `now_s`; its answer may have been read already."""
        self.sent[output_id] = (caption, now_s)
        if output_id in self.early:
            answer, read_s = self.early.pop(output_id)
            self.note_answer(output_id, answer, read_s)

    def note_answer(self, output_id: str, answer: Answer, now_s: float) -> Line | CallChart | None:
        """A classification or a score was read; returns what to show of it."""
        if output_id not in self.sent:
            self.duplicates += output_id in self.early
            self.early[output_id] = (answer, now_s)
            return None
        if not self._is_new(output_id):
            return None
        caption, sent_s = self.sent[output_id]
        self.latencies_s.append(now_s - sent_s)
        if isinstance(answer, ChurnScore):
            self.first_score_s = self.first_score_s or now_s
            return self.calls.note(caption, answer)
        self.statuses[answer.status] += 1
        if self.first_label_s is None and answer.status == "classified":
            self.first_label_s = now_s
        line = Line(caption, answer_text(answer), now_s - sent_s)
        self.recent.append(line)
        return line

    def note_bad_profile(self, output_id: str) -> None:
        """A profile's dead letter was read; these alone may come twice."""
        self.bad_profiles.add(output_id)

    def note_dead(self, output_id: str, reason: str) -> None:
        """A dead letter was read."""
        if self._is_new(output_id):
            self.dead[reason] += 1

    def _is_new(self, output_id: str) -> bool:
        if output_id in self.seen:
            self.duplicates += 1
            return False
        self.seen.add(output_id)
        return True

    @property
    def done(self) -> int:
        """Mails and fragments with a result."""
        return len(self.seen)

    @property
    def _outcomes(self) -> dict[str, int]:
        scored = {"scored": self.calls.scores} if self.calls.scores else {}
        return {**self.statuses, **scored}

    def percentile_ms(self, share: float) -> float:
        """A latency percentile in milliseconds; NaN before the first result."""
        ordered = sorted(self.latencies_s)
        return (
            1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]
            if ordered
            else float("nan")
        )

    def headline(self, now_s: float) -> str:
        """One line of figures."""
        elapsed_s = max(now_s - self.started_s, 1e-3)
        return (
            f"sent {len(self.sent)}  answered {self.done}  {self.done / elapsed_s:.1f} records/s  "
            f"{self._latency}{_counts(self._outcomes)}dead letters {sum(self.dead.values())}"
        )

    @property
    def _latency(self) -> str:
        if not self.latencies_s:
            return ""
        return f"p50 {self.percentile_ms(0.5):.0f} ms  p99 {self.percentile_ms(0.99):.0f} ms  "


def answer_text(answer: Classification) -> str:
    """Labels with confidence, or why there are none."""
    if answer.status == "skipped":
        return f"skipped: {answer.reason}"
    parts: list[str] = []
    for name, head in answer.heads.items():
        if isinstance(head.label, str) and isinstance(head.confidence, float):
            parts.append(f"{name}={head.label} {head.confidence:.2f}")
        elif isinstance(head.labels, Sequence):
            labels = ",".join(f"{scored.label} {scored.confidence:.2f}" for scored in head.labels)
            parts.append(f"{name}=[{labels}]")
        else:
            parts.append(f"{name}=?")
    return "  ".join(parts) or str(answer.reason)


def _counts(counter: Mapping[str, int]) -> str:
    return "".join(f"{name} {count}  " for name, count in sorted(counter.items()))
