"""Every Prometheus object of a worker, in one registry; the walk and the worker set them, `/metrics` shows them.

Each record's latency is split into `queue` (appended until polled), `clean`, `tokenize`, `infer` (waiting for the
device included) and `produce` (until its transaction was acknowledged); their sum is the record's whole latency.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector

disable_created_metrics()

LatencyStage = Literal["queue", "clean", "tokenize", "infer", "produce"]
STAGES: tuple[LatencyStage, ...] = ("queue", "clean", "tokenize", "infer", "produce")
# 1 ms × 1.6^n up to 30 s: the promise on latency lies in the middle, a broker's outage at the end.
LATENCY_BUCKETS_S = tuple(round(0.001 * 1.6**n, 4) for n in range(23))
WINDOW_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """The worker's metrics. A new object has a registry of its own, so tests do not see each other."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"switchboard_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"switchboard_{name}", text, labels, registry=registry)

        self.records = counter(
            "records_total", "Records whose result is committed.", "topic", "status"
        )
        self.dead_letters = counter(
            "dead_letters_total", "Records sent to dead letters.", "stage", "type"
        )
        self.retries = counter("window_retries_total", "Windows run again, by reason.", "reason")
        self.rebalances = counter("rebalances_total", "Assignments received from the group.")
        self.expired_records = counter(
            "expired_records_total", "Records deleted by retention before they were read."
        )
        self.clean_fallbacks = counter(
            "clean_fallbacks_total", "Mails whose cleaning hit its fence."
        )
        self.clock_skew = counter(
            "negative_latencies_total", "Records stamped later than they were read; clamped."
        )
        self.texts_truncated = counter(
            "texts_truncated_total", "Texts longer than the model reads."
        )
        self.labels = counter(
            "labels_total", "Labels in committed classifications.", "tenant", "head", "label"
        )
        self.micro_batch_tokens = counter("micro_batch_tokens_total", "Tokens computed.", "kind")
        self.assigned_partitions = gauge("assigned_partitions", "Partitions this worker owns.")
        self.lag_records = gauge("lag_records", "Records that wait.", "topic", "partition")
        self.ready = gauge("ready", "1: warm, a member of the group, walking.")
        self.model_info = gauge(
            "model_info", "1 for each loaded model.", "tenant", "model", "version", "provider"
        )
        self.model_pending = gauge(
            "model_pending", "1: another model is live than the one that answers.", "tenant", "kind"
        )
        self.model_load_failures = counter(
            "model_load_failures_total", "Tries to load a live model that failed.", "tenant", "kind"
        )
        self.tenants_loaded = gauge(
            "tenants_loaded_timestamp_seconds", "When the tenants file was last read well."
        )
        self.tenants_reload_failures = counter(
            "tenants_reload_failures_total", "Changed tenants files that were not taken."
        )
        # what became of their fragments: `records_total`
        self.calls_in_progress = gauge("calls_in_progress", "Calls held here that have not ended.")
        self.call_restore = Histogram(
            "switchboard_call_restore_seconds",
            "Reading the calls of one partition back, until its records are handed out.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.profiles = gauge("profiles", "Customers whose profile is known.")
        self.profiles_refused = counter(
            "profiles_refused_total", "Profiles of wrong types; the one before stays."
        )
        self.memory_bytes = gauge("resident_memory_bytes", "Resident memory of this process.")
        self.latency = StageLatency()
        registry.register(self.latency)
        self.window_records = Histogram(
            "switchboard_window_records",
            "Records in one transaction.",
            buckets=WINDOW_BUCKETS,
            registry=registry,
        )
        self.commit = Histogram(
            "switchboard_commit_seconds",
            "One transaction, from its first send to the acknowledged end.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )


class StageLatency(Collector):
    """A histogram by stage that counts a whole window at once: prometheus_client's own takes 6 µs a value."""

    def __init__(self) -> None:
        self._counts = {
            stage: np.zeros(len(LATENCY_BUCKETS_S) + 1, dtype=np.int64) for stage in STAGES
        }
        self._sums_s = dict.fromkeys(STAGES, 0.0)

    def observe(self, stage: LatencyStage, seconds: float, records: int) -> None:
        """Count one time for each of `records`."""
        self._counts[stage][np.searchsorted(LATENCY_BUCKETS_S, seconds)] += records
        self._sums_s[stage] += seconds * records

    def observe_each(self, stage: LatencyStage, seconds: Sequence[float]) -> None:
        """Count one time per record."""
        places = np.searchsorted(LATENCY_BUCKETS_S, seconds)
        self._counts[stage] += np.bincount(places, minlength=len(LATENCY_BUCKETS_S) + 1)
        self._sums_s[stage] += sum(seconds)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What `/metrics` shows: cumulative counts by upper bound."""
        family = HistogramMetricFamily(
            "switchboard_record_latency_seconds", "Latency of a record by stage.", labels=["stage"]
        )
        bounds = [*map(str, LATENCY_BUCKETS_S), "+Inf"]
        for stage in STAGES:
            counts: list[int] = np.cumsum(self._counts[stage]).tolist()
            family.add_metric(
                [stage], list(zip(bounds, map(float, counts), strict=True)), self._sums_s[stage]
            )
        yield family
