"""The broker's disk fills up while a worker writes, and Kafka dies of it: with room again all goes on."""

import asyncio
import contextlib
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.kafka.admin import prepare_topics
from stream.topics import INBOUND_EMAILS
from tests.broker_process import ready_line
from tests.cluster import quiet_port
from tests.counting import all_answered
from tests.kafka_fixture import refuse
from tests.kafka_tools import produce
from tests.walking import Events, FakeBundle, FakeEncoder, mail, settings_for, until, walking

DISK_MB = 220
LEFT_MB = 6  # less than the worker is going to write
RECORDS = 250
NOISE = random.Random(6)


class SmallDisk:
    """A disk of its own at `folder`, for the commands that `wrapper` runs; whoever stands outside sees it as `seen`."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        folder.mkdir()
        mount = f'mount -t tmpfs -o size={megabytes}m tmpfs "$0" && echo mounted && exec sleep 600'
        # the mount lives as long as this sleep, longer than the broker that fills it
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, str(folder)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout
        if self._holder.stdout.readline() != "mounted\n":
            self.close()
            refuse("a small disk needs user namespaces (unshare), which this machine refuses")
        pid = str(self._holder.pid)
        self.wrapper = ("nsenter", "-t", pid, "-U", "-m", "--preserve-credentials", "--wdns=.")
        self.seen = Path(f"/proc/{pid}/root{folder}")

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()


@pytest.fixture
def small_disk(embedded_kafka: None, tmp_path: Path) -> Iterator[SmallDisk]:
    if not shutil.which("unshare") or not shutil.which("nsenter"):
        refuse("a small disk needs unshare and nsenter, which this machine does not have")
    disk = SmallDisk(tmp_path / "disk", DISK_MB)
    yield disk
    disk.close()


@contextlib.contextmanager
def broker(disk: SmallDisk, folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "stream", "broker", "--port", str(port), "--data-dir"]
    with subprocess.Popen(
        [*disk.wrapper, *command, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.timeout(150)
async def test_a_disk_that_fills_up_under_a_worker_and_has_room_again_costs_no_record(
    small_disk: SmallDisk, prefix: str, tmp_path: Path
) -> None:
    port, folder = quiet_port(), tmp_path / "disk"
    settings = settings_for(
        f"127.0.0.1:{port}", prefix, kafka_connect_timeout_s=60, transaction_timeout_ms=2_000
    )
    kafka, live = settings.kafka_bootstrap_servers, settings.topic(INBOUND_EMAILS)
    ballast = small_disk.seen / "ballast"
    events, bundles = Events(), {"default": FakeBundle(FakeEncoder(0.01))}
    async with contextlib.AsyncExitStack() as ends:
        with broker(small_disk, folder, port) as first:
            await asyncio.to_thread(ready_line, first)
            await prepare_topics(settings, events)
            # 60 kB each that do not pack: the worker writes about as much as it reads
            await produce(
                kafka, live, [mail(n, NOISE.randbytes(30_000).hex()) for n in range(RECORDS)]
            )
            free_mb = shutil.disk_usage(small_disk.seen).free // 1_000_000
            ballast.write_bytes(bytes((free_mb - LEFT_MB) * 1_000_000))
            running = await ends.enter_async_context(walking(settings, bundles, events))
            output, _ = await asyncio.to_thread(first.communicate, timeout=60)
            assert f"the disk of the data folder {folder} is full" in output
        written = events.count("window_committed")
        assert written, "it wrote before the disk was full"
        await until(lambda: events.count("kafka_not_reached") or running.task.done(), 30)
        assert not running.task.done(), "it waits for the broker, and says so"
        ballast.unlink()
        with broker(small_disk, folder, port) as second:
            await asyncio.to_thread(ready_line, second)
            await produce(kafka, live, [mail(n) for n in range(100)])
            counted = await all_answered(kafka, prefix, RECORDS + 100, timeout_s=60)
            await ends.aclose()  # the worker ends before its broker
    counted.must_be_exactly_once()
