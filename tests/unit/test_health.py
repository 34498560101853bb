from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from stream.errors import SettingsError
from stream.health import HealthServer
from stream.live_counts import LiveCounts
from stream.metrics import Metrics
from stream.records import Classification, HeadResult, Source


@asynccontextmanager
async def served(
    metrics: Metrics | None = None,
    is_ready: Callable[[], bool] = lambda: True,
    live_counts: Callable[[], Any] = dict,
) -> AsyncIterator[Callable[..., Any]]:
    """A server on a free port, and a function that asks it: path -> (status, headers, text)."""
    server = HealthServer((metrics or Metrics()).registry, is_ready, live_counts)
    await server.start("127.0.0.1", 0)

    async def ask(path: str, **headers: str) -> tuple[int, Any, str]:
        url = f"http://127.0.0.1:{server.port}{path}"
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            return answer.status, answer.headers, await answer.text()

    try:
        yield ask
    finally:
        await server.stop()


async def test_a_process_that_answers_is_alive_before_it_is_ready() -> None:
    ready = False
    async with served(is_ready=lambda: ready) as ask:
        assert (await ask("/health/live"))[0] == 200
        assert (await ask("/health/ready"))[0] == 503
        ready = True
        assert (await ask("/health/ready"))[0] == 200
        ready = False
        assert (await ask("/health/ready"))[0] == 503


async def test_metrics_are_shown_as_prometheus_reads_them() -> None:
    metrics = Metrics()
    metrics.rebalances.inc(2)
    async with served(metrics) as ask:
        status, headers, text = await ask("/metrics")
        assert status == 200
        assert headers["Content-Type"].startswith("text/plain")
        assert "switchboard_rebalances_total 2.0" in text
        _, headers, text = await ask(
            "/metrics", Accept="application/openmetrics-text; version=1.0.0"
        )
        assert headers["Content-Type"].startswith("application/openmetrics-text")
        assert text.endswith("# EOF\n")


async def test_live_shows_the_counts_of_labels_as_json() -> None:
    metrics = Metrics()
    counts = LiveCounts(metrics.labels)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    result = Classification(
        id="1",
        tenant="acme",
        status="classified",
        reason=None,
        heads={"queue": HeadResult(abstained=False, label="card", confidence=0.9, alternatives=[])},
        language=None,
        truncated=False,
        model=None,
        received_at=moment,
        classified_at=moment,
        source=Source(topic="in", partition=0, offset=0),
    )
    counts.add(result, 0, 0)
    async with served(metrics, live_counts=counts.snapshot) as ask:
        status, headers, text = await ask("/live")
    assert status == 200
    assert headers["Content-Type"].startswith("application/json")
    assert '"card":1' in text.replace(" ", "")


async def test_a_walk_without_faust_has_no_counts_and_says_so() -> None:
    async with served() as ask:
        status, _, text = await ask("/live")
    assert (status, text) == (200, "{}")


async def test_other_paths_are_not_there() -> None:
    async with served() as ask:
        assert (await ask("/"))[0] == 404


async def test_a_port_in_use_is_a_wrong_setting_with_the_way_out() -> None:
    first, second = (HealthServer(Metrics().registry, lambda: True, dict) for _ in range(2))
    await first.start("127.0.0.1", 0)
    try:
        with pytest.raises(
            SettingsError, match=rf"metrics_port={first.port} on 127\.0\.0\.1 .* or 0"
        ):
            await second.start("127.0.0.1", first.port)
    finally:
        await second.stop()
        await first.stop()


async def test_stopping_what_was_never_started_is_allowed() -> None:
    await HealthServer(Metrics().registry, lambda: True, dict).stop()
