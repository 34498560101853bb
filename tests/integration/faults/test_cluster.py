"""Exactly once on three brokers while a leader, a coordinator or the controller stops, is killed, comes back."""

import asyncio
import itertools
from collections.abc import Iterator

import pytest
from aiokafka.client import CoordinationType

from stream.kafka.admin import prepare_topics
from stream.pipeline import Walk
from stream.topics import CLASSIFICATIONS, INBOUND_EMAILS, TOPICS
from tests.cluster import Cluster, Member, cluster_of
from tests.counting import all_answered
from tests.e2e.conftest import switchboard
from tests.integration.faults.form import is_long
from tests.walking import (
    Events,
    FakeBundle,
    FakeEncoder,
    Running,
    settings_for,
    traffic,
    until,
    walking,
)

RATE_PER_S = 150
BURST = 300
DOWN_S = 1.0
ROLES = (
    "leader of inputs",
    "leader of answers",
    "controller",
    "coordinator of the group",
    "coordinator of transactions",
)
# each story is told on one load; in the short form all of it on one
STORIES = (
    [[fault] for fault in itertools.product(ROLES, ("stop", "kill"), ("bounce", "gone"))]
    if is_long()
    else [
        [
            ("leader of inputs", "kill", "bounce"),
            ("controller", "stop", "bounce"),
            ("coordinator of transactions", "kill", "gone"),
        ]
    ]
)


@pytest.fixture(scope="module")
def cluster(embedded_kafka: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_of(tmp_path_factory.mktemp("cluster")) as made:
        yield made


async def who_is(role: str, cluster: Cluster, walk: Walk, prefix: str) -> Member:
    match role:
        case "leader of inputs":
            return await cluster.leader(f"{prefix}{INBOUND_EMAILS}")
        case "leader of answers":
            return await cluster.leader(f"{prefix}{CLASSIFICATIONS}")
        case "coordinator of the group":
            return await cluster.coordinator(CoordinationType.GROUP, f"{prefix}group")
        case "coordinator of transactions":
            name = walk._transactions._id
            return await cluster.coordinator(CoordinationType.TRANSACTION, name)
        case _:
            return cluster.controller()


async def load_until(told: asyncio.Event, kafka: str, topic: str) -> int:
    """Send mails as long as the story lasts; returns how many."""
    sent = 0
    while not told.is_set():
        await traffic(kafka, topic, range(sent, sent + BURST), RATE_PER_S)
        sent += BURST
    return sent


async def windows_more(running: Running, count: int) -> None:
    """Wait until the walk has committed so many windows more than now."""
    wanted = running.events.count("window_committed") + count
    await until(
        lambda: running.events.count("window_committed") >= wanted or running.task.done(),
        60,
        running.events.seen[-5:],
    )
    assert not running.task.done(), running.task.exception()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: ", ".join(map(" ".join, story)))
async def test_a_broker_of_three_that_leaves_under_load_costs_no_record_and_doubles_none(
    cluster: Cluster, prefix: str, story: list[tuple[str, str, str]]
) -> None:
    kafka, live = cluster.bootstrap_servers, f"{prefix}{INBOUND_EMAILS}"
    settings = settings_for(kafka, prefix, kafka_connect_timeout_s=60)
    await asyncio.to_thread(cluster.start)
    await cluster.whole()
    await prepare_topics(settings, Events())
    told = asyncio.Event()
    async with walking(settings, {"default": FakeBundle(FakeEncoder(0.001))}) as running:
        sending = asyncio.ensure_future(load_until(told, kafka, live))
        await windows_more(running, 5)
        for role, way, then in story:
            member = await who_is(role, cluster, running.walk, prefix)
            await asyncio.to_thread(getattr(cluster, way), member)
            if then == "bounce":
                await asyncio.sleep(DOWN_S)
                await asyncio.to_thread(cluster.start)
                await cluster.whole(live)
            await windows_more(running, 10)
        told.set()
        async with asyncio.timeout(90):
            records = await sending
        counted = await all_answered(kafka, prefix, records, timeout_s=60)
    counted.must_be_exactly_once()
    assert not counted.letters


async def test_topics_are_created_with_the_clusters_replication(
    cluster: Cluster, prefix: str
) -> None:
    await asyncio.to_thread(cluster.start)
    await cluster.whole()
    place = ["--kafka-bootstrap-servers", cluster.bootstrap_servers, "--topic-prefix", prefix]
    created = await asyncio.to_thread(switchboard, "topics", "create", *place)
    assert created.returncode == 0, created.stderr
    replicas = await cluster.replicas([f"{prefix}{topic.name}" for topic in TOPICS])
    assert set(replicas) == {3}


@pytest.mark.timeout(60)
async def test_one_replica_on_several_brokers_is_refused_unless_asked_for(
    embedded_kafka: None, prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with cluster_of(tmp_path_factory.mktemp("pair"), size=2, replication=1) as pair:
        await pair.whole()
        place = ["--kafka-bootstrap-servers", pair.bootstrap_servers, "--topic-prefix", prefix]
        refused = await asyncio.to_thread(switchboard, "topics", "create", *place)
        assert refused.returncode == 1
        assert "default.replication.factor=1 on a cluster of 2 brokers" in refused.stderr
        assert "allow_single_replica" in refused.stderr
        asked = [*place, "--allow-single-replica", "true"]
        created = await asyncio.to_thread(switchboard, "topics", "create", *asked)
        assert created.returncode == 0, created.stderr
        replicas = await pair.replicas([f"{prefix}{topic.name}" for topic in TOPICS])
        assert set(replicas) == {1}
