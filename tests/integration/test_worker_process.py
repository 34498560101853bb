"""The worker as a process: how it starts, stops and ends, what it answers over HTTP, and what its log never holds."""

import asyncio
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stream.broker import EmbeddedBroker
from stream.broker.probe import free_port
from stream.kafka.admin import prepare_topics
from stream.topics import DEAD_LETTERS, INBOUND_EMAILS
from tests.counting import all_answered, count, outputs_so_far
from tests.kafka_tools import produce, read_all
from tests.walking import (
    FAILS,
    HANGS,
    IS_NAN,
    Events,
    mail,
    settings_for,
)
from tests.worker_process import WorkerProcess, worker_processes

Workers = Callable[..., WorkerProcess]
MARK = "xyzzy"


@pytest.fixture
def workers(kafka: str, prefix: str, tmp_path: Path) -> Iterator[Workers]:
    with worker_processes(kafka, prefix, tmp_path) as make:
        yield make


@pytest.fixture
async def live(kafka: str, prefix: str) -> str:
    """The topic of live mail, made."""
    await prepare_topics(settings_for(kafka, prefix), Events())
    return f"{prefix}{INBOUND_EMAILS}"


async def get(port: int, path: str) -> tuple[int, str]:
    def fetch() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(fetch)


@pytest.mark.timeout(60)
async def test_sigterm_in_mid_batch_ends_with_0_in_time_and_a_successor_does_the_rest(
    kafka: str, prefix: str, live: str, workers: Workers
) -> None:
    await produce(kafka, live, [mail(number) for number in range(600)])
    worker = workers(record_s=0.01)
    await worker.logged("window_committed", 2)
    began_s = time.monotonic()
    assert await worker.stop() == 0, worker.tail()
    assert time.monotonic() - began_s < 10
    done = await count(kafka, prefix)
    assert 0 < done.answers < 600, "it was in the middle"
    assert [*done.duplicated, *done.out_of_order, *done.without_text] == []
    successor = workers()
    counted = await all_answered(kafka, prefix, 600)
    assert await successor.stop() == 0
    counted.must_be_exactly_once()


@pytest.mark.timeout(60)
async def test_sigterm_while_the_model_hangs_still_ends_with_0_in_time(
    kafka: str, prefix: str, live: str, workers: Workers
) -> None:
    await produce(kafka, live, [mail(0, HANGS)])
    worker = workers()
    await worker.logged("partitions_assigned")
    await asyncio.sleep(1)
    assert await worker.stop(timeout_s=10) == 0, worker.tail()
    assert await outputs_so_far(kafka, prefix) == 0


@pytest.mark.timeout(60)
async def test_the_watchdog_ends_a_process_whose_model_hangs_and_a_successor_finishes(
    kafka: str, prefix: str, live: str, workers: Workers
) -> None:
    await produce(
        kafka, live, [mail(number, HANGS if number == 70 else "") for number in range(100)]
    )
    worker = workers(watchdog_s=5)
    assert await worker.end(timeout_s=30) == 1
    assert worker.events("watchdog_ends_process"), worker.tail()
    assert not (await count(kafka, prefix)).duplicated
    successor = workers(hangs=0)
    counted = await all_answered(kafka, prefix, 100)
    assert await successor.stop() == 0
    counted.must_be_exactly_once()


@pytest.mark.timeout(40)
async def test_no_broker_at_start_is_told_retried_and_ends_with_1(
    workers: Workers, tmp_path: Path
) -> None:
    port = free_port()
    worker = workers(kafka_bootstrap_servers=f"127.0.0.1:{port}", kafka_connect_timeout_s=4)
    assert await worker.end() == 1
    assert len(worker.events("kafka_not_reached")) >= 3, worker.tail()
    [failed] = worker.events("worker_failed")
    assert f"no Kafka at kafka_bootstrap_servers=127.0.0.1:{port} within" in failed["error"]
    assert "switchboard broker" in failed["error"]
    assert "Traceback" not in worker.log.read_text()


@pytest.mark.timeout(90)
async def test_sigterm_while_kafka_is_away_ends_with_0_in_time_at_start_and_in_mid_run(
    broker_factory: Callable[..., EmbeddedBroker], prefix: str, tmp_path: Path
) -> None:
    broker = await asyncio.to_thread(broker_factory)
    kafka = broker.bootstrap_servers
    with worker_processes(kafka, prefix, tmp_path) as workers:
        walking = workers(record_s=0.01)
        await walking.logged("partitions_assigned")
        await produce(kafka, f"{prefix}{INBOUND_EMAILS}", [mail(number) for number in range(500)])
        await walking.logged("window_committed", 2)
        await asyncio.to_thread(broker.kill)
        waiting = workers()
        await waiting.logged("kafka_not_reached")
        codes = await asyncio.gather(waiting.stop(timeout_s=10), walking.stop(timeout_s=10))
        assert codes == [0, 0]


@pytest.mark.timeout(40)
async def test_the_metrics_port_in_use_ends_with_2_and_names_the_setting(
    kafka: str, prefix: str, live: str, workers: Workers
) -> None:
    first = workers()
    started = await first.logged("worker_started")
    second = workers(metrics_port=started["metrics_port"])
    assert await second.end() == 2
    assert f"metrics_port={started['metrics_port']}" in second.events("worker_failed")[0]["error"]
    assert await first.stop() == 0


@pytest.mark.timeout(60)
async def test_ready_after_assignment_only_alive_all_the_time_and_metrics_tell_what_was_done(
    kafka: str, prefix: str, live: str, workers: Workers
) -> None:
    await produce(
        kafka, live, [mail(number, IS_NAN if number == 5 else "") for number in range(200)]
    )
    port = free_port()
    away = workers(metrics_port=port, kafka_bootstrap_servers=f"127.0.0.1:{free_port()}")
    await away.logged("kafka_not_reached")
    assert await get(port, "/health/live") == (200, "alive\n")
    assert await get(port, "/health/ready") == (503, "not ready\n")
    assert "switchboard_ready 0.0" in (await get(port, "/metrics"))[1]
    away.kill()

    worker = workers()
    port = (await worker.logged("worker_started"))["metrics_port"]
    await worker.logged("partitions_assigned")
    assert await get(port, "/health/ready") == (200, "ready\n")
    (await all_answered(kafka, prefix, 200)).must_be_exactly_once()
    await asyncio.sleep(1.2)  # gauges are set once a second
    page = (await get(port, "/metrics"))[1]
    for line in (
        f'switchboard_records_total{{status="classified",topic="{live}"}} 199.0',
        f'switchboard_records_total{{status="dead_letter",topic="{live}"}} 1.0',
        'switchboard_dead_letters_total{stage="infer",type="not-a-number"} 1.0',
        'switchboard_record_latency_seconds_count{stage="produce"} 200.0',
        'switchboard_model_info{model="acme",provider="cpu",tenant="acme",version="1"} 1.0',
        "switchboard_ready 1.0",
        "switchboard_assigned_partitions 12.0",  # four of live mail, of bulk, of calls
        f'switchboard_lag_records{{partition="0",topic="{live}"}} 0.0',
    ):
        assert line in page, page
    assert await get(port, "/nowhere") == (404, "404: Not Found")
    worker.signal(signal.SIGTERM)
    assert await worker.end() == 0


@pytest.mark.timeout(60)
async def test_no_log_line_holds_text_addresses_or_subjects_of_a_mail(
    kafka: str, prefix: str, live: str, workers: Workers
) -> None:
    marked = {
        "subject": f"{MARK} subject",
        "from": f"{MARK}@example.org",
        "to": f"{MARK}@example.com",
        "customer_id": f"{MARK}-7",
    }
    records = [mail(number, f"{MARK} body", **marked) for number in range(50)]
    records += [mail(50, f"{FAILS} {MARK}", **marked), mail(51, f"{IS_NAN} {MARK}", **marked)]
    for value in (
        f'{{"id":"a","body":"{MARK}',
        f'{{"id":"b","body":["{MARK}"]}}',
        f'{{"id":"c","subject":"{MARK}","body":"a","html":"{MARK}"}}',
        f'{{"id":"d","received_at":"{MARK}","body":"a"}}',
        f'{{"id":"e","attributes":{{"{MARK}":7}},"body":"a"}}',
        f'{{"id":"f","raw":"{MARK}!"}}',
        f'{{"id":"g","tenant":"","body":"{MARK}"}}',
    ):
        records.append((MARK.encode(), value.encode()))
    await produce(kafka, live, records)
    worker = workers(log_level="debug")
    counted = await all_answered(kafka, prefix, len(records))
    assert await worker.stop() == 0
    counted.must_be_exactly_once()
    assert counted.letters == 9
    assert worker.events("window_committed")
    assert MARK not in worker.log.read_text()
    for letter in await read_all(kafka, f"{prefix}{DEAD_LETTERS}"):
        assert MARK.encode() not in dict(letter.headers)["error-message"]
