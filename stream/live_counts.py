"""Classifications in, counts of labels by tenant and head out, for `/live` and Prometheus. Knows no Kafka, no Faust.

They are the counts of what this process saw since it started: workers share the partitions, so the sum over workers
is the whole. A record that Faust reads again (its offsets are committed behind the reading) is counted once here;
after a partition moved to another worker, up to a second of it may be counted by both.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET
from prometheus_client import Counter

from stream.records import Classification, HeadResult

# Words that stand for something other than a label; models' own labels do not begin so.
ABSTAINED, SKIPPED, NO_LABELS, OTHER = "_abstained", "_skipped", "_none", "_other"
WHOLE_MAIL = "_mail"  # the head of what is said of a mail, not of one of its heads

Key = tuple[str, str, str]


class LiveSnapshot(msgspec.Struct, frozen=True):
    """What `/live` answers: `counts[tenant][head][label]` of the classifications seen since `since`."""

    since: datetime
    last_seen_at: datetime | None
    classifications: int
    undecodable: int
    counts: dict[str, dict[str, dict[str, int]]]


@dataclass
class _Series:
    counter: Counter
    count: int = 0


class LiveCounts:
    """Bounded counts, written by one thread and read by any.

    Args:
        counter: labelled `tenant`, `head`, `label`; every count is also added to it.
        most_tenants: tenants told apart; later ones are counted together as `_other`.
        most_labels: pairs of head and label told apart in each tenant; later ones are `_other`.
    """

    def __init__(self, counter: Counter, most_tenants: int = 200, most_labels: int = 300) -> None:
        self._counter = counter
        self._most_tenants = most_tenants
        self._most_labels = most_labels
        self._tenants: dict[str, dict[tuple[str, str], _Series]] = {}
        self._next_offset: dict[int, int] = {}
        self._lock = threading.Lock()
        self._since = datetime.now(UTC)
        self._last_seen_at: datetime | None = None
        self._classifications = 0
        self._undecodable = 0

    def add(self, result: Classification, partition: int, offset: int) -> None:
        """Count each head's answer once; a place in the topic that was counted before is passed over."""
        with self._lock:
            if not self._is_new(partition, offset):
                return
            self._classifications += 1
            for head, label in answers_of(result):
                self._count(result.tenant, head, label)

    def add_undecodable(self, partition: int, offset: int) -> None:
        """Count a record that is no classification."""
        with self._lock:
            if self._is_new(partition, offset):
                self._undecodable += 1

    def snapshot(self) -> LiveSnapshot:
        """A copy of everything counted so far."""
        with self._lock:
            counts: dict[str, dict[str, dict[str, int]]] = {}
            for tenant, labels in self._tenants.items():
                for (head, label), series in labels.items():
                    counts.setdefault(tenant, {}).setdefault(head, {})[label] = series.count
            return LiveSnapshot(
                self._since, self._last_seen_at, self._classifications, self._undecodable, counts
            )

    def _is_new(self, partition: int, offset: int) -> bool:
        if offset < self._next_offset.get(partition, 0):
            return False
        self._next_offset[partition] = offset + 1
        self._last_seen_at = datetime.now(UTC)
        return True

    def _count(self, tenant: str, head: str, label: str) -> None:
        if tenant not in self._tenants and len(self._tenants) >= self._most_tenants:
            tenant = OTHER
        labels = self._tenants.setdefault(tenant, {})
        if (head, label) not in labels and len(labels) >= self._most_labels:
            head, label = OTHER, OTHER
        series = labels.get((head, label))
        if series is None:
            series = labels[head, label] = _Series(self._counter.labels(tenant, head, label))
        series.count += 1
        series.counter.inc()


def answers_of(result: Classification) -> Iterator[tuple[str, str]]:
    """Pairs of head and label that one classification adds to; a head that abstained or named none has a word too."""
    if result.status == "skipped":
        yield WHOLE_MAIL, SKIPPED
    elif not result.heads:
        yield WHOLE_MAIL, ABSTAINED
    for name, head in result.heads.items():
        for label in _labels_of(head):
            yield name, label


def _labels_of(head: HeadResult) -> list[str]:
    if head.abstained:
        return [ABSTAINED]
    if head.labels is not UNSET:
        return [scored.label for scored in head.labels] or [NO_LABELS]
    return [head.label] if isinstance(head.label, str) else [ABSTAINED]
