"""Calls for the tests on a real Kafka: fragments to send, what came of them, and the verifier's word for it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer

from stream.calls.state import CallState, decode_state
from stream.kafka.admin import prepare_topics
from stream.settings import Settings
from stream.topics import CALL_TRANSCRIPTS, CHURN_SCORES, CHURN_STATE
from stream.verify import VerifyOptions, verify
from tests.churn_fakes import FakeChurnBundle
from tests.counting import Count
from tests.kafka_tools import produce, read_all
from tests.walking import Events, Running, until

Fragment = tuple[bytes, bytes]


def fragment(call: str, seq: int, text: str | None = "", **fields: Any) -> Fragment:
    """Key and value of a fragment; speakers take turns."""
    words = f"word{seq} and more of it" if text == "" else text
    given = {"call_id": call, "seq": seq, "speaker": ("customer", "agent")[seq % 2], **fields}
    if words is not None:
        given["text"] = words
    return call.encode(), json.dumps(given).encode()


async def begin(settings: Settings) -> str:
    """Make the topics; returns that of calls."""
    await prepare_topics(settings, Events())
    return settings.topic(CALL_TRANSCRIPTS)


async def say(settings: Settings, *fragments: Fragment) -> None:
    """Send fragments in this order."""
    await produce(settings.kafka_bootstrap_servers, settings.topic(CALL_TRANSCRIPTS), fragments)


@dataclass
class Talk:
    """Calls at once, of each of which `fragments` were sent so far."""

    fragments: int = 0


@asynccontextmanager
async def talking(settings: Settings, calls: int, rate_per_s: float) -> AsyncIterator[Talk]:
    """Many calls at once, fragment by fragment, at a rate, for as long as the body takes: however slow a machine is."""
    talk, ends = Talk(), asyncio.Event()
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        enable_idempotence=True,
        request_timeout_ms=60_000,
    )

    async def send() -> None:
        while not ends.is_set():
            for call in range(calls):
                key, value = fragment(f"c{call}", talk.fragments)
                await producer.send(settings.topic(CALL_TRANSCRIPTS), value, key)
            talk.fragments += 1
            await asyncio.sleep(calls / rate_per_s)
        await producer.flush()

    await producer.start()
    sending = asyncio.ensure_future(send())
    try:
        yield talk
        ends.set()
        await sending
    finally:
        sending.cancel()
        await producer.stop()


async def answered(running: Running, count: int) -> None:
    """Wait until a walk has committed so many records in all."""

    await until(lambda: committed(running) >= count, why=count)


def committed(running: Running) -> int:
    """Records that a walk has committed so far."""
    seen = running.events.seen
    return sum(facts["records"] for name, facts in seen if name == "window_committed")


async def scores(settings: Settings) -> list[dict[str, Any]]:
    """What was said of fragments, each partition's in order."""
    records = await read_all(settings.kafka_bootstrap_servers, settings.topic(CHURN_SCORES))
    return [json.loads(record.value) for record in records]


async def states(settings: Settings) -> dict[str, CallState | None]:
    """The committed state of every call by `tenant/call_id`; None: a tombstone."""
    records = await read_all(settings.kafka_bootstrap_servers, settings.topic(CHURN_STATE))
    return {
        one.key.decode(): None if one.value is None else decode_state(one.key, one.value)
        for one in records
    }


async def proven(
    settings: Settings, *bundles: FakeChurnBundle, wait_s: float = 30, holds: bool = True
) -> Count:
    """All that was sent is answered exactly once, and every state is what an offline computation says.

    Args:
        bundles: that scored; none: the one of a fake walk.
        wait_s: until all is committed.
        holds: fail where it does not.
    """
    at_hand: dict[tuple[str, str], Any] = {
        (one.name, one.version): one for one in bundles or (FakeChurnBundle(),)
    }
    options = VerifyOptions(
        wait_s=wait_s, bundles=lambda name, version: at_hand.get((name, version))
    )
    counted = Count(await verify(settings, options, Events()))
    if holds:
        counted.must_be_exactly_once()
        assert counted.waiting == counted.states_unheard == counted.states_unjudged == 0, counted
    return counted
