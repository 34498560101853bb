"""Gives the tests one real Kafka: the address that was named, else a container where Docker answers, else embedded."""

import contextlib
import gc
import os
import warnings
from collections.abc import Callable

import pytest

from stream.broker import BrokerError, EmbeddedBroker
from stream.broker.jars import java_program, kafka_jars
from stream.broker.properties import BEHAVIOUR

ADDRESS = "SWITCHBOARD_KAFKA_BOOTSTRAP_SERVERS"
IMAGE = "confluentinc/cp-kafka:8.1.0"  # Kafka 4.1: KIP-890 transactions, as embedded


def refuse(reason: str) -> None:
    """Skip here, fail in CI: there a missing broker must not look like success."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class KafkaForTests:
    """Started before the first test that needs it, outside that test's time limit, and shared by all."""

    def __init__(self) -> None:
        self.bootstrap_servers: str | None = None
        self.description = "not needed"
        self.why_no_embedded: str | None = None
        self._stop: Callable[[], object] = lambda: None

    def fetch_embedded(self) -> None:
        """For tests with brokers of their own; never raises, `why_no_embedded` tells."""
        try:
            java_program()
            kafka_jars(lambda _: None)
        except BrokerError as error:
            self.why_no_embedded = str(error)

    def start(self) -> None:
        """Never raises: what went wrong is told by `description` and fails or skips the tests that need Kafka."""
        if address := os.environ.get(ADDRESS):
            self.bootstrap_servers, self.description = address, f"{address} ({ADDRESS})"
            return
        no_docker = self._start_container()
        if self.bootstrap_servers is None:
            self._start_embedded(no_docker)

    def stop(self) -> None:
        self._stop()

    def _start_container(self) -> str:
        """Returns why there is no container; empty when there is one."""
        if not docker_answers():
            return "no Docker engine answers"
        from docker.errors import DockerException  # noqa: PLC0415  # as below
        from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415  # as below

        container = KafkaContainer(IMAGE).with_kraft()
        for name, value in BEHAVIOUR.items():
            container.with_env(f"KAFKA_{name.upper().replace('.', '_')}", value)
        try:
            container.start()
        except (
            DockerException,
            TimeoutError,
            RuntimeError,
        ) as error:  # no image without a registry
            container.stop()
            return f"Docker answers, but {IMAGE} does not start: {error}"
        self._stop = container.stop
        self.bootstrap_servers = container.get_bootstrap_server()
        self.description = f"{self.bootstrap_servers} (container {IMAGE})"
        return ""

    def _start_embedded(self, why: str) -> None:
        broker = EmbeddedBroker(ephemeral=True)
        try:
            broker.start()
        except BrokerError as error:
            self.description = f"none: {error} ({why})"
            return
        self._stop = broker.stop
        self.bootstrap_servers = broker.bootstrap_servers
        self.description = f"{self.bootstrap_servers} (embedded; {why})"


def docker_answers() -> bool:
    import docker  # noqa: PLC0415  # half a second that unit tests need not pay

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # docker leaves its socket open when nobody answers
        answers = False
        with contextlib.suppress(docker.errors.DockerException):
            answers = docker.from_env(timeout=5).ping()
        gc.collect()
    return answers
