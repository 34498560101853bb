"""Topics at start: created as the table says, refused where a wrong cluster would lose records."""

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stream.errors import FatalError
from stream.kafka.admin import prepare_topics
from stream.topics import TOPICS
from tests.e2e.conftest import switchboard
from tests.kafka_tools import admin, create_topics
from tests.walking import Events, settings_for


async def test_missing_topics_are_created_with_their_settings_and_a_second_start_changes_nothing(
    kafka: str, prefix: str
) -> None:
    settings, events = settings_for(kafka, prefix, topic_partitions=3), Events()
    created = await prepare_topics(settings, events)
    assert set(created) == {topic.name for topic in TOPICS}
    assert created["inbound-emails"].partitions == 3
    assert created["inbound-emails"].max_message_bytes == 16 * 1024 * 1024
    assert created["dead-letters"].max_message_bytes == 17 * 1024 * 1024
    assert created["model-decisions"].partitions == 1
    assert await prepare_topics(settings, events) == created
    assert events.count("topics_created") == 1


async def test_created_topics_keep_the_brokers_time_and_their_own_retention(
    kafka: str, prefix: str
) -> None:
    await prepare_topics(settings_for(kafka, prefix, dead_letter_retention_days=3), Events())
    wanted = {"message.timestamp.type": None, "retention.ms": None}
    resource = ConfigResource(ConfigResourceType.TOPIC, f"{prefix}dead-letters", wanted)
    async with admin(kafka) as client:
        [response] = await client.describe_configs([resource])
    [(_, _, _, _, entries, *_)] = response.resources
    found = {entry[0]: entry[1] for entry in entries}
    assert found == {
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(3 * 24 * 3600 * 1000),
    }


async def test_a_churn_state_with_other_partitions_than_the_calls_is_refused(
    kafka: str, prefix: str
) -> None:
    await create_topics(kafka, f"{prefix}call-transcripts", partitions=3)
    with pytest.raises(
        FatalError, match=r"churn-state has 4 partitions and \S+call-transcripts has 3"
    ):
        await prepare_topics(settings_for(kafka, prefix), Events())


async def test_missing_topics_that_may_not_be_created_are_named_with_the_way_out(
    kafka: str, prefix: str
) -> None:
    with pytest.raises(FatalError, match="switchboard topics create"):
        await prepare_topics(settings_for(kafka, prefix, create_topics=False), Events())


@pytest.mark.timeout(60)
def test_the_commands_create_and_check(kafka: str, prefix: str) -> None:
    cluster = ["--kafka-bootstrap-servers", kafka, "--topic-prefix", prefix]
    missing = switchboard("topics", "check", *cluster)
    assert missing.returncode == 1
    assert f"{prefix}inbound-emails" in missing.stderr
    assert switchboard("topics", "create", *cluster).returncode == 0
    found = switchboard("topics", "check", *cluster)
    assert found.returncode == 0
    assert f"{prefix}classifications  partitions=4" in found.stdout
