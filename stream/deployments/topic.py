"""A topic with one partition in, its entries out: all of them first, then what comes. Outside every group.

What failed is read anew from its start, and so is a topic that was deleted and made again: `stream.kafka.whole_topic`.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (aiokafka types its records by their deserialisers, which we do not use)

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from stream.deployments.live import Entry
from stream.errors import FatalError
from stream.kafka import whole_topic
from stream.kafka.clients import Log
from stream.settings import Settings

READ_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Reading:
    """Some records; `end`, of a reading from the start of the topic: the offset behind its last one."""

    entries: Sequence[Entry]
    end: int | None = None


async def read_topic(settings: Settings, topic: str, log: Log) -> list[Entry]:
    """All records below the end of this moment.

    Args:
        settings: how to reach Kafka.
        topic: its whole name; a topic that does not exist has no records.
        log: told while Kafka is waited for.

    Raises:
        BrokerUnavailableError: no Kafka within the limit.
        FatalError: Kafka refuses, or does not let the end be read.
    """
    try:
        async with (
            asyncio.timeout(settings.kafka_connect_timeout_s + READ_TIMEOUT_S),
            aclosing(follow_topic(settings, topic, log)) as readings,
        ):
            return list((await anext(readings)).entries)
    except TimeoutError as error:
        raise FatalError(
            f"{topic} cannot be read within {READ_TIMEOUT_S:g} s; look at the brokers and the rights of this user"
        ) from error


async def follow_topic(settings: Settings, topic: str, log: Log) -> AsyncGenerator[Reading, None]:
    """All records of now as the first item, which may be empty; then what comes, as it comes, for ever.

    After a failure again all records of then, with their `end`, and so on.

    Raises:
        BrokerUnavailableError, FatalError: before the first item only.
    """
    entries: list[Entry] = []
    reading, is_whole = 0, False
    async with aclosing(whole_topic.follow_topic(settings, topic, log)) as parts:
        async for part in parts:
            if part.reading != reading:
                reading, is_whole, entries = part.reading, False, []
            entries += [Entry(one.offset, one.key, one.value) for one in part.records]
            if part.ends is not None or is_whole:
                end = None if part.ends is None else part.ends.get(0, 0)
                is_whole = True
                yield Reading(entries, end)
                entries = []
