"""A committed window in, metrics out: what became of its records, and where their time went."""

import time
from collections import Counter
from collections.abc import Mapping

from aiokafka.structs import TopicPartition

from stream.classify import Item
from stream.metrics import Metrics
from stream.window import Window


def account(window: Window, metrics: Metrics) -> None:
    """Count a window whose transaction was acknowledged just now."""
    answered = [item for item in window.items if not item.passed_over]
    now_s, count = time.monotonic(), len(answered)
    polled_ms = (time.time() - (now_s - window.polled_at_s)) * 1000
    metrics.window_records.observe(len(window.items))
    metrics.commit.observe(now_s - window.computed_at_s)
    latency = metrics.latency
    latency.observe("clean", window.cleaned_at_s - window.polled_at_s, count)
    latency.observe("tokenize", window.tokenized_at_s - window.cleaned_at_s, count)
    latency.observe("infer", window.computed_at_s - window.tokenized_at_s, count)
    latency.observe("produce", now_s - window.computed_at_s, count)
    queued_s = [(polled_ms - item.appended_ms) / 1000 for item in answered]
    latency.observe_each("queue", [max(0.0, waited_s) for waited_s in queued_s])
    metrics.clock_skew.inc(sum(waited_s < 0 for waited_s in queued_s))
    for item in answered:
        metrics.clean_fallbacks.inc(item.was_fenced)
        if item.error is not None:
            metrics.dead_letters.labels(item.error.stage, item.error.kind).inc()
    statuses = Counter((item.inbound.source.topic, _status(item)) for item in window.items)
    for (topic, status), records in statuses.items():
        metrics.records.labels(topic, status).inc(records)


def report_lag(lags: Mapping[TopicPartition, int], metrics: Metrics) -> None:
    """Show how many records wait in each partition that is ours."""
    metrics.lag_records.clear()
    for tp, waiting in lags.items():
        metrics.lag_records.labels(tp.topic, tp.partition).set(waiting)


def _status(item: Item) -> str:
    if item.passed_over:
        return "passed_over"
    if item.score is not None:
        score = item.score
        return "duplicate" if score.duplicate else "partial" if score.partial else "scored"
    return "dead_letter" if item.error is not None else item.status
