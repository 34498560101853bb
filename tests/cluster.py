"""Three Kafka brokers in one KRaft quorum, each broker and controller in one; stopped, killed and started one by one.

Made of the parts of `stream.broker`. Replication 3, min ISR 2, for the group's offsets and the transactions' log too:
the loss of any one broker must stop nobody for good.
"""

import asyncio
import contextlib
import json
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.client import CoordinationType
from aiokafka.errors import KafkaError

from stream.broker.jars import java_program, kafka_jars
from stream.broker.jvm import GuardedProcess, run_once
from stream.broker.node import java_command
from stream.broker.probe import HOST, answering_cluster, refusal
from stream.broker.properties import server_properties
from tests.kafka_tools import admin

CLUSTER_ID = "sWiTcHbOaRdThReeBroker"
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 20.0


def quiet_port() -> int:
    """A port below those that the system gives to clients, which would take one of a broker that is down."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        if refusal(port) is None:
            return port


@dataclass
class Member:
    """One broker: what stays of it between its runs, and its process while it runs."""

    number: int
    folder: Path
    port: int
    controller_port: int
    process: GuardedProcess | None = field(default=None, repr=False)

    @property
    def runs(self) -> bool:
        return self.process is not None

    def quorum(self) -> tuple[int, int]:
        """(epoch, leader) of the controllers as this one has written them down."""
        state = self.folder / "kafka-logs" / "__cluster_metadata-0" / "quorum-state"
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(state.read_text())
            return found["leaderEpoch"], found["leaderId"]
        return -1, -1


class Cluster:
    """`size` brokers on loopback; ports and folders are kept from run to run."""

    def __init__(self, folder: Path, size: int = 3, replication: int = 3) -> None:
        self._java = java_command(java_program(), kafka_jars(lambda _: None), heap_mb=256)
        self._replication = replication
        self.members = [
            Member(number, folder / f"broker-{number}", quiet_port(), quiet_port())
            for number in range(1, size + 1)
        ]

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(f"{HOST}:{member.port}" for member in self.members)

    def start(self) -> None:
        """Start those that do not run; returns when each answers."""
        for member in self.members:
            if not member.folder.exists():
                self._format(member)
            if not member.runs:
                self._launch(member)
        deadline_s = time.monotonic() + START_TIMEOUT_S
        for member in self.members:
            while answering_cluster(member.port) != CLUSTER_ID:
                assert member.process is not None
                log = (member.folder / "broker.log").read_text(errors="replace")[-3000:]
                assert member.process.exit_code() is None, log
                assert time.monotonic() < deadline_s, log
                time.sleep(0.1)

    def stop(self, member: Member) -> None:
        """SIGTERM: it hands its leaderships over before it ends."""
        assert member.process is not None
        process, member.process = member.process, None
        process.end(STOP_TIMEOUT_S)

    def kill(self, member: Member) -> None:
        """SIGKILL."""
        assert member.process is not None
        process, member.process = member.process, None
        process.kill()

    def close(self) -> None:
        """Kill all: nobody needs what they hold."""
        for member in self.members:
            if member.runs:
                self.kill(member)

    def controller(self) -> Member:
        """The active controller, by the newest epoch that a running member knows."""
        _, number = max(member.quorum() for member in self.members if member.runs)
        return self.members[number - 1]

    async def leader(self, topic: str, partition: int = 0) -> Member:
        """The leader of a partition."""
        async with admin(self._alive()) as client:
            [found] = await client.describe_topics([topic])
        [number] = [
            part["leader"] for part in found["partitions"] if part["partition"] == partition
        ]
        return self.members[number - 1]

    async def coordinator(self, of: CoordinationType, name: str) -> Member:
        """The coordinator of a group or of a transactional id."""
        async with admin(self._alive()) as client:
            number = await client._client.coordinator_lookup(of, name)
        return self.members[number - 1]

    async def replicas(self, topics: Sequence[str]) -> list[int]:
        """How many each partition of these topics has."""
        async with admin(self._alive()) as client:
            found = await client.describe_topics(list(topics))
        return [len(part["replicas"]) for topic in found for part in topic["partitions"]]

    async def whole(self, *topics: str, timeout_s: float = 60) -> None:
        """Wait until all members are known to the cluster, and every replica of these topics is in sync."""
        deadline_s = time.monotonic() + timeout_s
        while missing := await self._missing(topics):
            assert time.monotonic() < deadline_s, f"{missing} members or replicas are missing"
            await asyncio.sleep(0.2)

    async def _missing(self, topics: Sequence[str]) -> int:
        try:
            async with admin(self._alive()) as client:
                known = await client.describe_cluster()
                found = await client.describe_topics(list(topics)) if topics else []
        except KafkaError:
            return len(self.members)
        parts = [part for topic in found for part in topic["partitions"]]
        replicas = sum(len(part["replicas"]) - len(part["isr"]) for part in parts)
        return len(self.members) - len(known["brokers"]) + replicas

    def _alive(self) -> str:
        return ",".join(f"{HOST}:{member.port}" for member in self.members if member.runs)

    def _format(self, member: Member) -> None:
        """The first by Kafka's tool, the others as copies under a name of their own: a JVM each is seconds."""
        first = self.members[0]
        logs = member.folder / "kafka-logs"
        member.folder.mkdir(parents=True)
        self._write_properties(member)
        if member is first:
            tool = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID]
            properties = ["-c", str(member.folder / "server.properties")]
            command = [*self._java, *tool, *properties]
            log = member.folder / "broker.log"
            assert run_once(command, member.folder, log, 60) == 0, log.read_text()
            return
        shutil.copytree(first.folder / "kafka-logs", logs)
        identity = logs / "meta.properties"
        lines = [
            line for line in identity.read_text().splitlines() if not line.startswith("directory")
        ]
        named = [f"node.id={member.number}" if "node.id" in line else line for line in lines]
        identity.write_text("\n".join(named) + "\n")

    def _write_properties(self, member: Member) -> None:
        text = server_properties(member.port, member.controller_port, member.folder / "kafka-logs")
        in_sync = max(1, self._replication - 1)
        voters = ",".join(
            f"{other.number}@{HOST}:{other.controller_port}" for other in self.members
        )
        own = {
            "node.id": member.number,
            "controller.quorum.voters": voters,
            "default.replication.factor": self._replication,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": self._replication,
            "transaction.state.log.replication.factor": self._replication,
            "transaction.state.log.min.isr": in_sync,
        }
        # of two lines with one name Java takes the later one
        lines = "".join(f"{name}={value}\n" for name, value in own.items())
        (member.folder / "server.properties").write_text(text + lines)

    def _launch(self, member: Member) -> None:
        member.process = GuardedProcess(
            [*self._java, "kafka.Kafka", str(member.folder / "server.properties")],
            member.folder,
            member.folder / "broker.log",
            keep_fd=2,
            remove_folder=False,
        )


@contextlib.contextmanager
def cluster_of(folder: Path, size: int = 3, replication: int = 3) -> Iterator[Cluster]:
    """A running cluster that is gone at the end."""
    cluster = Cluster(folder, size, replication)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()
