"""What is live and what was decided, read from Kafka for one command."""

import asyncio
import logging

from rich.console import Console

from stream.cli.say import speaker
from stream.deployments.live import Decisions, Live, decisions_of
from stream.deployments.topic import read_topic
from stream.errors import BrokerUnavailableError
from stream.kafka.clients import Log
from stream.settings import Settings
from stream.topics import MODEL_DECISIONS, MODEL_DEPLOYMENTS

# A list is of use without Kafka too: wait no longer than a person waits.
LIST_WAITS_S = 3.0


def read_state(settings: Settings, log: Log | None = None) -> tuple[Live, Decisions]:
    """What is live, and what was decided.

    Raises:
        BrokerUnavailableError: no Kafka within the limit.
        FatalError: Kafka refuses.
    """
    say = log or speaker(Console(stderr=True, highlight=False, soft_wrap=True))

    async def read() -> tuple[Live, Decisions]:
        live = Live()
        live.add(await read_topic(settings, settings.topic(MODEL_DEPLOYMENTS), say))
        return live, decisions_of(await read_topic(settings, settings.topic(MODEL_DECISIONS), say))

    return asyncio.run(read())


def state_if_there(settings: Settings) -> tuple[Live, Decisions, str]:
    """As `read_state`, or nothing and a note where there is no Kafka."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the note says it once
    waits_s = min(settings.kafka_connect_timeout_s, LIST_WAITS_S)
    try:
        hurried = settings.model_copy(update={"kafka_connect_timeout_s": waits_s})
        return *read_state(hurried, lambda *_, **__: None), ""
    except BrokerUnavailableError as error:
        return Live(), Decisions(), f"what is live is not known: {error}"
