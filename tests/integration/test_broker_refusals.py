"""Everything that can keep the embedded Kafka from running, done to it for real: each time it names the way out."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from stream.broker import BrokerError, EmbeddedBroker, data_folder
from stream.broker.jars import KAFKA_VERSION, cache_root, kafka_jars
from stream.broker.jvm import GuardedProcess
from tests.broker_process import eventually, port_in, ready_line, running
from tests.kafka_fixture import refuse
from tests.kafka_tools import MAX_REQUEST_BYTES, create_topics

pytestmark = pytest.mark.usefixtures("embedded_kafka")


def test_a_folder_that_kafka_cannot_read_is_refused_with_kafkas_own_words(tmp_path: Path) -> None:
    logs = tmp_path / "kafka-logs"
    logs.mkdir()
    (logs / "meta.properties").write_text("version=1\ncluster.id=s\nnode.id=77\n")
    with pytest.raises(BrokerError, match="node id 77"):
        EmbeddedBroker(data_dir=tmp_path).start()
    data_folder.claim(tmp_path).release()  # nothing holds it any more


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BrokerError, match=r"cannot write the data folder .*file/x.*--data-dir"):
        EmbeddedBroker(data_dir=tmp_path / "file" / "x").start()


def small_disk(folder: Path, megabytes: int) -> tuple[str, ...]:
    """A wrapper whose command sees a small disk at `folder`; the mount is its own and goes with it."""
    folder.mkdir()
    wrapper = ("unshare", "--mount", "--map-root-user", "sh", "-c")
    mount = f'mount -t tmpfs -o size={megabytes}m tmpfs "$0"'
    if (
        not shutil.which("unshare")
        or subprocess.run([*wrapper, mount, str(folder)], check=False).returncode
    ):
        refuse(
            "a small disk needs user namespaces (unshare --mount --map-root-user), which this machine refuses"
        )
    return (*wrapper, f'{mount} && exec "$@"', str(folder))


def test_a_full_disk_is_found_before_the_start(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with running(str(disk), wrapper=small_disk(disk, 20)) as process:
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"the disk of the data folder {disk} is full" in output


async def fill(producer: AIOKafkaProducer, topic: str) -> None:
    for _ in range(40):
        await producer.send_and_wait(topic, os.urandom(10_000_000), partition=0)


@pytest.mark.timeout(180)
async def test_a_disk_that_fills_up_is_named_when_kafka_dies_of_it(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with running(str(disk), wrapper=small_disk(disk, 160)) as process:
        address = f"127.0.0.1:{port_in(ready_line(process))}"
        await create_topics(address, "big", partitions=1)
        producer = AIOKafkaProducer(
            bootstrap_servers=address, max_request_size=MAX_REQUEST_BYTES, request_timeout_ms=3000
        )
        async with producer:
            with pytest.raises(KafkaError):
                await fill(producer, "big")
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"the disk of the data folder {disk} is full" in output


# --- the jars ---


def test_a_network_that_cannot_fetch_names_the_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{closed.getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        lines: list[str] = []
        with pytest.raises(BrokerError, match=r"cannot fetch Apache Kafka .*REQUESTS_CA_BUNDLE"):
            kafka_jars(lines.append)
    assert "fetching Apache Kafka" in lines[0]
    assert [path.suffix for path in (tmp_path / "switchboard").iterdir()] == [".lock"]


def test_a_damaged_jar_is_fetched_again_and_a_wrong_one_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good = kafka_jars(lambda _: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache_root() / f"kafka-{KAFKA_VERSION}"

    def copy(workshop: Path, target: Path) -> None:
        assert workshop.is_dir()
        shutil.copytree(good, target, dirs_exist_ok=True)

    def copy_wrongly(workshop: Path, target: Path) -> None:
        copy(workshop, target)
        (target / "lz4-java-1.10.2.jar").write_bytes(b"<html>please log in</html>")

    lines: list[str] = []
    with pytest.raises(BrokerError, match=r"lz4-java-1\.10\.2\.jar .*proxy"):
        kafka_jars(lines.append, copy_wrongly)
    assert not folder.exists()
    assert kafka_jars(lines.append, copy) == folder
    os.truncate(folder / "zstd-jni-1.5.6-10.jar", 1000)
    kafka_jars(lines.append, copy)
    assert "zstd-jni-1.5.6-10.jar is damaged" in lines[-1]
    kafka_jars(lines.append, copy_wrongly)  # all is well: nothing is fetched
    assert len(lines) == 3


# --- the process ---


def test_a_process_that_ignores_sigterm_is_killed_after_the_limit(tmp_path: Path) -> None:
    log = tmp_path / "log"
    deaf = "trap '' TERM; echo deaf; while :; do sleep 0.1; done"
    lock_fd = os.open(tmp_path, os.O_RDONLY)
    process = GuardedProcess(["sh", "-c", deaf], tmp_path, log, lock_fd, remove_folder=False)
    os.close(lock_fd)
    assert eventually(lambda: log.read_text() == "deaf\n")
    assert not process.end(timeout_s=0.3)
    assert process.exit_code() == -signal.SIGKILL
