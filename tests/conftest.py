"""Fixtures of all tests: a real Kafka, fresh topic names, brokers to break, the public data folder."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from stream.broker import EmbeddedBroker
from tests.kafka_fixture import KafkaForTests, refuse

# no deadline: a law that holds on a quiet machine must not fail on a busy one
settings.register_profile("switchboard", deadline=None, max_examples=50)
settings.load_profile("switchboard")

KAFKA = pytest.StashKey[KafkaForTests]()
KAFKAS_OF_PROCESSES = pytest.StashKey[list[str]]()
NEEDS_KAFKA = {"kafka", "embedded_kafka"}
DATA_DIR = Path(
    os.environ.get("SWITCHBOARD_DATA_DIR", Path(__file__).parents[2] / "shared" / "data")
)


def pytest_make_parametrize_id(val: object) -> str | None:
    """A gzipped parameter holds the second it was made in: processes would call its test differently."""
    return "gzipped" if isinstance(val, bytes) and val.startswith(b"\x1f\x8b") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if NEEDS_KAFKA & set(getattr(item, "fixturenames", ())):
            item.add_marker("broker")
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker("shared")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start Kafka here: the first start fetches 45 MB, which no test's time limit allows for."""
    kafka = session.config.stash[KAFKA] = KafkaForTests()
    if session.config.option.collectonly:
        return
    needed = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if "embedded_kafka" in needed:
        kafka.fetch_embedded()
    if "kafka" in needed:
        kafka.start()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if kafka := session.config.stash.get(KAFKA, None):
        kafka.stop()
        # read by the process that prints the summary, where pytest-xdist runs tests in others
        getattr(session.config, "workeroutput", {})["kafka"] = kafka.description


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A process of pytest-xdist has ended; one that crashed has nothing to tell."""
    if told := getattr(node, "workeroutput", {}).get("kafka"):
        node.config.stash.setdefault(KAFKAS_OF_PROCESSES, []).append(told)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    own = [kafka.description] if (kafka := config.stash.get(KAFKA, None)) else []
    for description in dict.fromkeys(own + config.stash.get(KAFKAS_OF_PROCESSES, [])):
        terminalreporter.write_line(f"Kafka for these tests: {description}")


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> str:
    """Bootstrap servers of the Kafka that all tests share; use `prefix` for the names of topics and groups."""
    shared = pytestconfig.stash[KAFKA]
    if shared.bootstrap_servers is None:
        refuse(f"no Kafka for the tests: {shared.description}")
    return str(shared.bootstrap_servers)


@pytest.fixture
def prefix() -> str:
    """A fresh prefix for topics, groups and transactional ids, one per test."""
    return f"t{uuid.uuid4().hex[:10]}-"


@pytest.fixture(scope="session")
def embedded_kafka(pytestconfig: pytest.Config) -> None:
    """For tests that start a broker of their own, whatever the others talk to."""
    if reason := pytestconfig.stash[KAFKA].why_no_embedded:
        refuse(f"no embedded Kafka: {reason}")


@pytest.fixture
def broker_factory(embedded_kafka: None) -> Iterator[Callable[..., EmbeddedBroker]]:
    """Makes embedded brokers of the test's own, started, to stop and kill; they are stopped at its end.

    Keyword arguments are those of `EmbeddedBroker`; without `data_dir` the broker is ephemeral.
    """
    made: list[EmbeddedBroker] = []

    def make(**options: object) -> EmbeddedBroker:
        options.setdefault("ephemeral", "data_dir" not in options)
        broker = EmbeddedBroker(**options)  # pyright: ignore[reportArgumentType]
        broker.start()
        made.append(broker)
        return broker

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets, as named by SWITCHBOARD_DATA_DIR."""
    if not DATA_DIR.is_dir():
        pytest.skip(f"no public data folder at {DATA_DIR}; name it with SWITCHBOARD_DATA_DIR")
    return DATA_DIR
