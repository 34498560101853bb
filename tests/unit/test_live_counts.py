"""The counts behind `/live`: what is counted, once, and how much room it may take."""

import threading
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stream.live_counts import ABSTAINED, NO_LABELS, OTHER, SKIPPED, WHOLE_MAIL, LiveCounts
from stream.metrics import Metrics
from stream.records import Classification, HeadResult, ScoredLabel, Source, encode

CARD = HeadResult(abstained=False, label="card", confidence=0.9)


def result(heads: dict[str, HeadResult], tenant: str = "acme", **values: Any) -> Classification:
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "id": "1",
        "tenant": tenant,
        "status": "classified",
        "reason": None,
        "heads": heads,
        "language": None,
        "truncated": False,
        "model": None,
        "received_at": now,
        "classified_at": now,
        "source": Source(topic="inbound-emails", partition=0, offset=0),
    }
    return Classification(**fields | values)


def counts_of(*results: Classification, **limits: int) -> dict[str, dict[str, dict[str, int]]]:
    counts = LiveCounts(Metrics().labels, **limits)
    for offset, one in enumerate(results):
        counts.add(one, 0, offset)
    return counts.snapshot().counts


def test_each_label_of_each_head_is_counted() -> None:
    several = HeadResult(
        abstained=False,
        labels=[ScoredLabel(label=name, confidence=0.9) for name in ("vip", "angry")],
    )
    one = result({"topic": CARD, "flags": several})
    assert counts_of(one, one) == {"acme": {"topic": {"card": 2}, "flags": {"vip": 2, "angry": 2}}}


def test_no_label_is_an_answer_and_abstaining_another() -> None:
    nothing = HeadResult(abstained=False, labels=[])
    silent = HeadResult(abstained=True, label=None, confidence=0.2, alternatives=[])
    silent_too = HeadResult(abstained=True, labels=[])
    heads = {"flags": nothing, "topic": silent, "more": silent_too}
    assert counts_of(result(heads)) == {
        "acme": {"flags": {NO_LABELS: 1}, "topic": {ABSTAINED: 1}, "more": {ABSTAINED: 1}}
    }


def test_skipped_mail_is_counted_as_such() -> None:
    skipped = result({}, status="skipped", reason="reply")
    assert counts_of(skipped) == {"acme": {WHOLE_MAIL: {SKIPPED: 1}}}


def test_a_record_read_again_is_counted_once() -> None:
    counts = LiveCounts(Metrics().labels)
    for place in [(0, 0), (0, 1), (1, 0), (0, 0), (0, 1), (1, 0), (0, 7)]:
        counts.add(result({"topic": CARD}), *place)
    counts.add_undecodable(0, 7)
    counts.add_undecodable(1, 1)
    shown = counts.snapshot()
    assert shown.classifications == 4
    assert shown.undecodable == 1


def test_prometheus_sees_the_same_numbers() -> None:
    metrics = Metrics()
    counts = LiveCounts(metrics.labels)
    for offset in range(3):
        counts.add(result({"topic": CARD}), 0, offset)
    labels = {"tenant": "acme", "head": "topic", "label": "card"}
    assert metrics.registry.get_sample_value("switchboard_labels_total", labels) == 3


def test_the_snapshot_is_json() -> None:
    counts = LiveCounts(Metrics().labels)
    counts.add(result({"topic": CARD}), 0, 0)
    shown = msgspec.json.decode(encode(counts.snapshot()))
    assert shown["counts"] == {"acme": {"topic": {"card": 1}}}
    assert shown["since"].endswith("Z")


@given(
    st.lists(
        st.tuples(st.text("abcdef", min_size=1, max_size=2), st.text("xyz", min_size=1)),
        max_size=60,
    )
)
def test_nothing_is_lost_and_room_is_bounded_whatever_tenants_and_labels_come(
    mails: list[tuple[str, str]],
) -> None:
    results = [
        result({"topic": HeadResult(abstained=False, label=label, confidence=0.5)}, tenant)
        for tenant, label in mails
    ]
    counts = counts_of(*results, most_tenants=3, most_labels=2)
    by_tenant = [[n for head in heads.values() for n in head.values()] for heads in counts.values()]
    assert sum(map(sum, by_tenant)) == len(mails)
    assert len(by_tenant) <= 3 + 1
    assert all(len(numbers) <= 2 + 1 for numbers in by_tenant)
    first_tenants = list(dict.fromkeys(tenant for tenant, _ in mails))[:3]
    assert set(counts) - {OTHER} == set(first_tenants)


def test_it_can_be_read_while_it_is_written() -> None:
    counts = LiveCounts(Metrics().labels, most_labels=5_000)

    def write() -> None:
        for number in range(2_000):
            label = HeadResult(abstained=False, label=str(number), confidence=0.5)
            counts.add(result({"topic": label}), 0, number)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        shown = counts.snapshot()
        total = sum(shown.counts.get("acme", {}).get("topic", {}).values())
        assert total == shown.classifications
    writer.join()
    assert counts.snapshot().classifications == 2_000
