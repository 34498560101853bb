"""Creates and checks the topics of `stream.topics` on a cluster; says what is missing. Moves no records."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# (aiokafka's admin responses are untyped)

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from stream.errors import FatalError
from stream.kafka.clients import Log, connection, start_when_ready
from stream.settings import Settings
from stream.topics import TOPICS, Topic, creation_config, partition_count

SETTLE_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class TopicState:
    """One topic as the cluster has it; `partitions` 0: it is missing; `max_message_bytes` 0: not told (yet)."""

    name: str
    partitions: int
    max_message_bytes: int


async def describe_topics(
    admin: AIOKafkaAdminClient, names: Iterable[str]
) -> dict[str, TopicState]:
    """Partition counts and size limits of the topics, missing ones with 0 partitions."""
    wanted = list(names)
    found: dict[str, int] = {}
    for row in await admin.describe_topics(wanted):
        found[row["topic"]] = 0 if row["error_code"] else len(row["partitions"])
    limits = await _size_limits(admin, [name for name in wanted if found.get(name)])
    return {name: TopicState(name, found.get(name, 0), limits.get(name, 0)) for name in wanted}


async def _size_limits(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    if not names:
        return {}
    key = "max.message.bytes"
    found = await _configs(
        admin, [ConfigResource(ConfigResourceType.TOPIC, name, {key: None}) for name in names]
    )
    return {name: int(values[key]) for name, values in found.items() if key in values}


async def _configs(
    admin: AIOKafkaAdminClient, resources: list[ConfigResource]
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for _, _, _, name, entries, *_ in response.resources:
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found


async def prepare_topics(settings: Settings, log: Log) -> dict[str, TopicState]:
    """Create what is missing (setting), then describe; keys are the names without prefix.

    Raises:
        FatalError: topics are missing and may not be created, would have one replica on a cluster of several, or
            one must have as many partitions as another and has not.
        BrokerUnavailableError: no Kafka.
    """
    admin = AIOKafkaAdminClient(**connection(settings))
    await start_when_ready(_Admin(admin), settings, log)
    try:
        states = await describe_topics(admin, [settings.topic(topic.name) for topic in TOPICS])
        missing = [topic for topic in TOPICS if not states[settings.topic(topic.name)].partitions]
        if missing:
            await _create(admin, settings, missing, log)
        states = await _settled(admin, states)
        found = {topic.name: states[settings.topic(topic.name)] for topic in TOPICS}
        _refuse_other_partitions(found)
        return found
    finally:
        await admin.close()


async def _settled(
    admin: AIOKafkaAdminClient, states: dict[str, TopicState]
) -> dict[str, TopicState]:
    """Wait until the brokers tell partitions and size limit of every topic: fresh ones are known a little later."""
    deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
    while open_ := [
        name for name, state in states.items() if not (state.partitions and state.max_message_bytes)
    ]:
        if time.monotonic() > deadline_s:
            raise FatalError(
                f"max.message.bytes of {', '.join(open_)} cannot be read; give this user the right to describe "
                "topics and their configuration"
            )
        await asyncio.sleep(0.05)
        states = await describe_topics(admin, states)
    return states


def _refuse_other_partitions(found: Mapping[str, TopicState]) -> None:
    """A call's state lies in the partition number of its fragments, so both topics count alike."""
    for topic in TOPICS:
        if topic.same_partitions_as is None:
            continue
        own, other = found[topic.name], found[topic.same_partitions_as]
        if own.partitions != other.partitions:
            raise FatalError(
                f"{own.name} has {own.partitions} partitions and {other.name} has {other.partitions}; they must be "
                f"equal: while no call is in progress, delete {own.name} and create it with {other.partitions}"
            )


async def _create(
    admin: AIOKafkaAdminClient, settings: Settings, missing: list[Topic], log: Log
) -> None:
    names = ", ".join(settings.topic(topic.name) for topic in missing)
    if not settings.create_topics:
        raise FatalError(
            f"topics are missing: {names}; run `switchboard topics create` or set create_topics=true"
        )
    await _refuse_single_replica(admin, settings)
    new = [
        NewTopic(
            settings.topic(topic.name),
            partition_count(topic, settings),
            -1,  # the broker's default replication (KIP-464); aiokafka takes -1 only beside an assignment
            replica_assignments={},
            topic_configs=dict(creation_config(topic, settings)),
        )
        for topic in missing
    ]
    response = await admin.create_topics(new)
    for name, code, *detail in response.topic_errors:
        error_type = for_code(code)
        if code and error_type is not TopicAlreadyExistsError:  # another worker was quicker
            raise FatalError(
                f"topic {name} was not created: {error_type.__name__} {detail}; create it by hand"
            )
    log("topics_created", topics=names)


async def _refuse_single_replica(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    cluster = await admin.describe_cluster()
    brokers = cluster["brokers"]
    if len(brokers) < 2 or settings.allow_single_replica:
        return
    node, key = str(brokers[0]["node_id"]), "default.replication.factor"
    found = await _configs(admin, [ConfigResource(ConfigResourceType.BROKER, node, {key: None})])
    if found.get(node, {}).get(key) == "1":
        raise FatalError(
            f"{key}=1 on a cluster of {len(brokers)} brokers: one lost disk would lose records; raise it on the "
            "brokers, create the topics by hand, or set allow_single_replica=true"
        )


class _Admin:
    """aiokafka's admin client with the start and stop of its other clients."""

    def __init__(self, admin: AIOKafkaAdminClient) -> None:
        self._admin = admin

    async def start(self) -> None:
        await self._admin.start()

    async def stop(self) -> None:
        await self._admin.close()
