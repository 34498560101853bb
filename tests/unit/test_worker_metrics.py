import re
import time
from collections.abc import Iterator

import orjson
import pytest
from aiokafka.structs import TopicPartition
from prometheus_client import CollectorRegistry, Histogram, Metric, generate_latest

from stream.account import account, report_lag
from stream.classify import Item
from stream.errors import PoisonRecordError
from stream.metrics import LATENCY_BUCKETS_S, STAGES, Metrics
from stream.outputs import Inbound
from stream.records import Source
from stream.window import Window

UNITS = {"seconds", "bytes", "records", "tokens", "partitions", "total"}
# Neither counts nor measures: a claim (0 or 1), and facts in labels.
WITHOUT_UNIT = {"switchboard_ready", "switchboard_model_info", "switchboard_model_pending"}
# Count what they name.
COUNTS = {"switchboard_profiles", "switchboard_calls_in_progress"}
# Bounded: names of ours, topics, partitions, tenants, heads and labels of loaded models. Never an id.
LABELS = {
    "topic",
    "partition",
    "status",
    "stage",
    "type",
    "reason",
    "kind",
    "tenant",
    "head",
    "label",
    "model",
    "version",
    "provider",
}


def families(metrics: Metrics) -> Iterator[Metric]:
    yield from metrics.registry.collect()


def test_every_metric_is_named_switchboard_what_unit() -> None:
    for family in families(Metrics()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert re.fullmatch(r"switchboard(_[a-z0-9]+){2,}|switchboard_(ready|profiles)", name), name
        assert name in WITHOUT_UNIT | COUNTS or name.rsplit("_", 1)[1] in UNITS, name
        assert ("total" in name) == (family.type == "counter"), name
        assert family.documentation.endswith("."), name


def test_labels_are_of_bounded_number() -> None:
    metrics = Metrics()
    named = [
        collector._labelnames
        for collector in vars(metrics).values()
        if hasattr(collector, "_labelnames")
    ]
    named.append(("stage",))  # of the latency, a collector of our own
    assert len(named) == len(list(families(metrics)))
    assert {label for names in named for label in names} <= LABELS


def test_latency_is_split_into_the_promised_stages() -> None:
    assert STAGES == ("queue", "clean", "tokenize", "infer", "produce")
    assert list(LATENCY_BUCKETS_S) == sorted(set(LATENCY_BUCKETS_S))
    assert LATENCY_BUCKETS_S[0] == 0.001
    assert 25 <= LATENCY_BUCKETS_S[-1] <= 35


def test_the_latency_counts_each_record_in_the_bucket_that_prometheus_own_histogram_takes() -> None:
    seconds = [0.0, 0.001, 0.0011, 0.5, 29.0, 31.0, 1000.0]
    metrics, reference = Metrics(), CollectorRegistry()
    known = Histogram("known", "Known.", buckets=LATENCY_BUCKETS_S, registry=reference)
    metrics.latency.observe_each("queue", seconds)
    metrics.latency.observe("queue", 0.2, 3)
    for moment in [*seconds, 0.2, 0.2, 0.2]:
        known.observe(moment)
    for bound in [*map(str, LATENCY_BUCKETS_S), "+Inf"]:
        counted = value(metrics, "record_latency_seconds_bucket", stage="queue", le=bound)
        assert counted == reference.get_sample_value("known_bucket", {"le": bound}), bound
    total = reference.get_sample_value("known_sum")
    assert value(metrics, "record_latency_seconds_sum", stage="queue") == pytest.approx(total)


def test_two_workers_in_one_process_do_not_share_their_counts() -> None:
    one, other = Metrics(), Metrics()
    one.rebalances.inc()
    assert value(one, "rebalances_total") == 1
    assert value(other, "rebalances_total") == 0


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"switchboard_{name}", labels)


def window_of_four() -> Window:
    """One of each: classified, skipped, dead letter, abstained; appended two seconds ago, by the broker's clock."""
    items = [
        Item(
            Inbound(Source(topic="in", partition=0, offset=offset), None, orjson.dumps({}), ()),
            int(time.time() * 1000) - 2000,
        )
        for offset in range(4)
    ]
    items[0].status, items[1].status, items[3].status = "classified", "skipped", "abstained"
    items[2].error = PoisonRecordError("decode", "bad-json", "x")
    now_s = time.monotonic()
    window = Window(items, {}, now_s - 0.9)
    window.cleaned_at_s = now_s - 0.8
    window.tokenized_at_s = now_s - 0.6
    window.computed_at_s = now_s - 0.3
    return window


def test_each_record_of_a_window_is_counted_once_by_what_became_of_it() -> None:
    metrics = Metrics()
    account(window_of_four(), metrics)
    for status in ("classified", "skipped", "dead_letter", "abstained"):
        assert value(metrics, "records_total", topic="in", status=status) == 1
    assert value(metrics, "dead_letters_total", stage="decode", type="bad-json") == 1
    assert value(metrics, "window_records_sum") == 4
    for stage in STAGES:
        assert value(metrics, "record_latency_seconds_count", stage=stage) == 4


def test_the_stages_of_a_record_add_up_to_its_whole_latency() -> None:
    metrics = Metrics()
    began_s = time.monotonic()
    account(window_of_four(), metrics)
    took_s = time.monotonic() - began_s  # the records wait so much longer, on a busy machine
    seconds = {
        stage: (value(metrics, "record_latency_seconds_sum", stage=stage) or 0) / 4
        for stage in STAGES
    }
    assert 2.0 - 0.002 < sum(seconds.values()) < 2.0 + took_s + 0.002  # Kafka's times are whole ms
    assert seconds["clean"] == pytest.approx(0.1)
    assert seconds["tokenize"] == pytest.approx(0.2)
    assert seconds["infer"] == pytest.approx(0.3)


def test_a_record_stamped_in_the_future_waited_no_time_and_is_counted() -> None:
    window = window_of_four()
    for item in window.items:
        item.appended_ms += 3_600_000
    metrics = Metrics()
    account(window, metrics)
    assert value(metrics, "record_latency_seconds_sum", stage="queue") == 0
    assert value(metrics, "negative_latencies_total") == 4


def test_the_lag_of_a_partition_that_went_to_another_worker_is_no_longer_shown() -> None:
    metrics = Metrics()
    report_lag({TopicPartition("in", 0): 5, TopicPartition("in", 1): 7}, metrics)
    report_lag({TopicPartition("in", 1): 6}, metrics)
    assert value(metrics, "lag_records", topic="in", partition="1") == 6
    assert value(metrics, "lag_records", topic="in", partition="0") is None


def test_prometheus_can_read_all_of_it() -> None:
    metrics = Metrics()
    account(window_of_four(), metrics)
    text = generate_latest(metrics.registry).decode()
    assert 'switchboard_records_total{status="classified",topic="in"} 1.0' in text
    assert "_created" not in text
