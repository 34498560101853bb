"""The embedded Kafka, started, stopped, killed and refused for real."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from stream.broker import BrokerError, EmbeddedBroker, embedded
from stream.broker.probe import answering_cluster, free_port
from tests.broker_process import eventually, port_in, ready_line, running
from tests.kafka_tools import (
    committed_offsets,
    create_topics,
    produce,
    read_all,
    read_until,
)

Broker = Callable[..., EmbeddedBroker]


# --- what clients see ---


async def test_what_is_written_is_read_back_with_key_value_and_headers(
    kafka: str, prefix: str
) -> None:
    topic = f"{prefix}round-trip"
    await create_topics(kafka, topic, partitions=2)
    places = await produce(kafka, topic, [(b"a", b"1", [("h", b"x")]), (None, b"2")], partition=1)
    records = await read_until(kafka, topic, 2)
    assert places == [(1, 0), (1, 1)]
    assert [(r.partition, r.key, r.value, r.headers) for r in records] == [
        (1, b"a", b"1", (("h", b"x"),)),
        (1, None, b"2", ()),
    ]
    assert await committed_offsets(kafka, f"{prefix}nobody", topic) == {}


async def test_a_reader_waits_for_open_transactions_and_never_sees_aborted_ones(
    kafka: str, prefix: str
) -> None:
    topic = f"{prefix}transactions"
    await create_topics(kafka, topic, partitions=1)
    async with AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=f"{prefix}id"
    ) as producer:
        async with producer.transaction():
            await producer.send_and_wait(topic, b"committed", partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted", partition=0)
        with pytest.raises(TimeoutError, match="open transaction"):
            await read_all(kafka, topic, timeout_s=0.5)
        await producer.abort_transaction()
    assert [record.value for record in await read_all(kafka, topic)] == [b"committed"]
    assert len(await read_all(kafka, topic, isolation="read_uncommitted")) == 2


@pytest.mark.timeout(180)
async def test_records_survive_a_kill_on_the_same_port_and_a_stop_on_another(
    broker_factory: Broker, tmp_path: Path
) -> None:
    broker = broker_factory(data_dir=tmp_path / "data")
    port = broker.port
    await create_topics(f"localhost:{port}", "kept", partitions=1)
    await produce(f"localhost:{port}", "kept", [(b"k", b"before the kill")])
    broker.kill()
    assert answering_cluster(port) is None
    broker.start()
    assert broker.port == port
    await produce(broker.bootstrap_servers, "kept", [(b"k", b"after the kill")])
    broker.stop()
    again = broker_factory(data_dir=tmp_path / "data")
    assert [record.value for record in await read_all(again.bootstrap_servers, "kept")] == [
        b"before the kill",
        b"after the kill",
    ]


@pytest.mark.timeout(180)
def test_a_port_that_another_kafka_takes_in_the_last_moment_is_replaced(
    broker_factory: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = broker_factory()
    ports = iter([first.port, free_port()])
    monkeypatch.setattr(embedded, "free_port", lambda: next(ports))
    second = broker_factory()
    assert second.port != first.port
    assert second.folder.is_dir()
    assert answering_cluster(second.port) not in (None, answering_cluster(first.port))


# --- the command ---


@pytest.mark.timeout(180)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_command_in_order(
    broker_factory: Broker, tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "data"
    with running(str(folder)) as process:
        line = ready_line(process)
        port = port_in(line)
        assert str(folder) in line
        with pytest.raises(BrokerError, match=rf"in use by another broker at 127\.0\.0\.1:{port};"):
            EmbeddedBroker(data_dir=folder).start()
        with pytest.raises(BrokerError, match=rf"port {port}: address already in use.*--port"):
            EmbeddedBroker(ephemeral=True, port=port).start()
        process.send_signal(number)
        assert process.wait(15) == 0
        assert answering_cluster(port) is None
    assert (folder / "kafka-logs" / ".kafka_cleanshutdown").exists()


@pytest.mark.timeout(180)
def test_no_java_and_no_folder_is_left_behind_when_the_parent_is_killed(
    broker_factory: Broker,
) -> None:
    with running() as process:
        line = ready_line(process)
        folder = Path(line.split("data in ")[1].split(" (")[0])
        assert folder.is_dir()
        process.kill()
        assert eventually(lambda: not folder.exists())
        assert answering_cluster(port_in(line)) is None


@pytest.mark.timeout(180)
def test_a_broker_that_dies_by_itself_ends_the_command_with_its_last_words(
    broker_factory: Broker,
) -> None:
    broker = broker_factory()
    os.kill(broker.pid, signal.SIGKILL)
    with pytest.raises(BrokerError, match=r"ended by itself \(exit code -9\)"):
        broker.wait()
