"""Dead letters: what is too large for its topic, the list of them, and sending them again exactly once."""

import asyncio
import base64
import os
import random

import pytest
from aiokafka import AIOKafkaProducer

from stream.kafka.admin import prepare_topics
from stream.kafka.letters import Letter, read_letters, replay_letters
from stream.settings import Settings
from stream.topics import CLEANED_EMAILS, INBOUND_EMAILS
from tests.counting import all_answered
from tests.kafka_tools import Outgoing, create_topics, produce, read_all
from tests.walking import FAILS, Events, FakeBundle, FakeEncoder, mail, settings_for, walking

BAD = b'{"id":"bad","body":'
TRACE = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


async def letters_of(settings: Settings) -> list[Letter]:
    return [letter async for letter in read_letters(settings, Events())]


async def topics(kafka: str, settings: Settings, **limits: int) -> str:
    """All topics, some with a limit of their own; returns the live one."""
    for name, limit in limits.items():
        topic = settings.topic(name.replace("_", "-"))
        await create_topics(kafka, topic, partitions=1, settings={"max.message.bytes": str(limit)})
    await prepare_topics(settings, Events())
    return settings.topic(INBOUND_EMAILS)


async def test_an_output_larger_than_its_topic_takes_is_a_dead_letter_at_output(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    live = await topics(kafka, settings, cleaned_emails=20_000)
    records = [mail(number, "long " * 10_000 if number == 7 else "") for number in range(20)]
    await produce(kafka, live, records)
    async with walking(settings):
        counted = await all_answered(kafka, prefix, 20)
    counted.must_be_exactly_once()
    [letter] = await letters_of(settings)
    assert (letter.header("error-stage"), letter.header("error-type")) == ("output", "too-large")
    assert f"max.message.bytes=20000 of {prefix}{CLEANED_EMAILS}" in letter.header("error-message")
    assert (letter.key, letter.value) == records[7]


async def test_a_letter_too_large_for_its_topic_keeps_all_but_its_bytes_and_is_replayed_from_its_source(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    live = await topics(kafka, settings, dead_letters=100_000)
    huge = BAD + os.urandom(200_000)
    sent = [Outgoing(*mail(0)), Outgoing(b"k\xff", huge, [TRACE]), Outgoing(*mail(2))]
    await produce(kafka, live, sent)
    async with walking(settings):
        counted = await all_answered(kafka, prefix, 3)
        counted.must_be_exactly_once()
        [letter] = await letters_of(settings)
        assert (letter.key, letter.value, letter.header("payload")) == (b"k\xff", None, "too-large")
        assert letter.header("output-id") == f"{live}/0/1"
        assert TRACE in letter.headers
        assert await replay_letters(settings, Events(), again=False) == 1
        (await all_answered(kafka, prefix, 4)).must_be_exactly_once()
    [*_, again] = await read_all(kafka, live)
    assert (again.key, again.value) == (b"k\xff", huge)
    assert list(again.headers) == [TRACE, ("replay-of", f"{live}/0/1".encode())]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "filler",
    [b"a word or two " * 2_000_000, base64.b64encode(random.Random(1).randbytes(15_000_000))],
    ids=["words", "an attachment in base64"],
)
async def test_a_record_that_came_in_compressed_and_is_larger_than_any_request_does_not_stop_its_partition(
    kafka: str, prefix: str, filler: bytes
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    live = await topics(kafka, settings)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, compression_type="gzip", max_request_size=40_000_000
    )
    await producer.start()
    await producer.send_and_wait(live, BAD + filler, key=b"k")
    await producer.stop()
    await produce(kafka, live, [mail(1), mail(2)])
    async with walking(settings):
        counted = await all_answered(kafka, prefix, 3, timeout_s=25)
    counted.must_be_exactly_once()
    [letter] = await letters_of(settings)
    if letter.value is None:  # lz4 does not pack it, and unpacked it is larger than the topic takes
        assert letter.header("payload") == "too-large"
        events = Events()
        assert await replay_letters(settings, events, again=False) == 0
        assert events.count("letter_not_replayed") == 1
    else:
        assert letter.value == BAD + filler


@pytest.mark.timeout(60)
async def test_a_limit_lowered_while_the_worker_runs_loses_nothing(kafka: str, prefix: str) -> None:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # noqa: PLC0415

    from tests.kafka_tools import admin  # noqa: PLC0415

    settings = settings_for(kafka, prefix, topic_partitions=1)
    live = await topics(kafka, settings)
    async with walking(settings):
        await produce(kafka, live, [mail(0)])
        await all_answered(kafka, prefix, 1)
        change = {"max.message.bytes": "30000"}
        async with admin(kafka) as client:
            await client.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, f"{prefix}{CLEANED_EMAILS}", change)]
            )
        body = " ".join(f"{number:x}" for number in range(10_000))
        await produce(kafka, live, [mail(1), mail(2, body), mail(3)])
        counted = await all_answered(kafka, prefix, 4)
    counted.must_be_exactly_once()
    [letter] = await letters_of(settings)
    assert (letter.header("error-stage"), letter.header("error-type")) == ("output", "too-large")


@pytest.mark.timeout(60)
async def test_letters_are_replayed_once_and_a_second_time_only_when_asked_to(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix)
    live = await topics(kafka, settings)
    headers = [("x-twice", b"\x00\xff"), ("x-twice", b"again"), ("x-null", None), TRACE]
    bodies = {n: mail(n, f"{FAILS} {n}")[1] if n < 6 else None for n in range(7)}
    records = [Outgoing(b"k%d" % n, value, headers) for n, value in bodies.items()]
    places = await produce(kafka, live, records)
    assert len({partition for partition, _ in places}) > 1
    async with walking(settings):
        (await all_answered(kafka, prefix, 7)).must_be_exactly_once()
    listed = await letters_of(settings)
    assert sorted((letter.key, letter.value) for letter in listed if letter.value) == sorted(
        (b"k%d" % n, value) for n, value in bodies.items() if value
    )

    class Mended(FakeEncoder):
        def embed(self, rows: object) -> object:
            return super().embed([row[:1] for row in rows])

    assert await replay_letters(settings, Events(), again=False) == 7
    assert await replay_letters(settings, Events(), again=False) == 0
    async with walking(settings, {"default": FakeBundle(Mended())}):
        counted = await all_answered(kafka, prefix, 14)
    counted.must_be_exactly_once()
    assert (counted.answers, counted.letters) == (6, 8), "mended ones answered; a null stays one"
    replayed = [
        record for record in await read_all(kafka, live) if "replay-of" in dict(record.headers)
    ]
    assert len(replayed) == 7
    by_cause = {f"{live}/{partition}/{offset}": n for n, (partition, offset) in enumerate(places)}
    for record in replayed:
        n = by_cause.pop(dict(record.headers)["replay-of"].decode())
        assert (record.key, record.value) == (b"k%d" % n, bodies[n])
        assert [pair for pair in record.headers if pair[0] != "replay-of"] == headers

    assert await replay_letters(settings, Events(), again=False) == 1, "the null that came back"
    assert await replay_letters(settings, Events(), again=True) == 8


@pytest.mark.timeout(60)
async def test_of_two_replays_at_once_each_letter_is_sent_once(kafka: str, prefix: str) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    live = await topics(kafka, settings)
    await produce(kafka, live, [mail(n, f"{FAILS} {n}") for n in range(15)])
    async with walking(settings):
        (await all_answered(kafka, prefix, 15)).must_be_exactly_once()
    ends = await asyncio.gather(
        *(replay_letters(settings, Events(), again=False) for _ in range(2)), return_exceptions=True
    )
    for end in ends:
        assert isinstance(end, int) or "another one running" in str(end), ends
    await replay_letters(settings, Events(), again=False)
    causes = [
        dict(record.headers)["replay-of"]
        for record in await read_all(kafka, live)
        if "replay-of" in dict(record.headers)
    ]
    assert len(causes) == len(set(causes)) == 15


async def test_headers_of_the_sender_that_resemble_ours_are_kept(kafka: str, prefix: str) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    live = await topics(kafka, settings)
    own = [("source-system", b"crm"), ("error-budget", b"1"), ("payload-type", b"mail")]
    await produce(kafka, live, [Outgoing(b"k", BAD, own)])
    async with walking(settings):
        await all_answered(kafka, prefix, 1)
    [letter] = await letters_of(settings)
    assert [pair for pair in letter.headers if pair in own] == own
    assert await replay_letters(settings, Events(), again=False) == 1
    [*_, again] = await read_all(kafka, live)
    assert [pair for pair in again.headers if pair in own] == own
