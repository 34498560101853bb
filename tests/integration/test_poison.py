"""One bad record never fails its batch-mates: what cannot be processed lies in dead letters with untouched bytes."""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from stream.kafka.admin import prepare_topics
from stream.records import Classification, decode
from stream.topics import CLASSIFICATIONS, DEAD_LETTERS, INBOUND_EMAILS
from tests.counting import all_answered
from tests.kafka_tools import Outgoing, produce, read_all
from tests.walking import (
    FAILS,
    IS_NAN,
    KILLS,
    KILLS_READING,
    Events,
    FakeBundle,
    FakeEncoder,
    mail,
    settings_for,
    walking,
)
from tests.worker_process import WorkerProcess, worker_processes

TRACE = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
HEADERS = [TRACE, ("x-twice", b"\x00\xff"), ("x-twice", b"again"), ("x-null", None)]
REASON = (
    "error-stage",
    "error-type",
    "error-message",
    "source-topic",
    "source-partition",
    "source-offset",
    "failed-at",
    "output-id",
)


def nested_mime(depth: int) -> bytes:
    """A multipart in a multipart, and so on; a word in the middle."""
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(depth)
    )
    return (
        b"From: a@example.org\r\nSubject: deep\r\nMIME-Version: 1.0\r\n"
        + opening
        + b"Content-Type: text/plain\r\n\r\nA word at the bottom.\r\n"
    )


POISON: dict[str, tuple[bytes | None, str, str]] = {
    "bad UTF-8": (b'{"id":"p","body":"Gr\xff\xfe"}', "decode", "bad-utf8"),
    "bad JSON": (b'{"id":"p","body":', "decode", "bad-json"),
    "missing id": (b'{"body":"whose is this"}', "validate", "wrong-shape"),
    "wrong types": (b'{"id":7,"body":["a"]}', "validate", "wrong-shape"),
    "not an object": (b'["id","body"]', "validate", "wrong-shape"),
    "null value": (None, "decode", "null-value"),
    "no value at all": (b"", "decode", "bad-json"),
    "empty mail": (b'{"id":"p","subject":" ","body":" \\n "}', "clean", "empty-mail"),
    "deep JSON": (b'{"id":"p","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "decode", "bad-json"),
    "MIME nested 1,000 deep": (
        json.dumps({"id": "p", "raw": base64.b64encode(nested_mime(1000)).decode()}).encode(),
        "clean",
        "mime-too-deep",
    ),
    "fails the run": (mail(1, FAILS)[1], "infer", "model-failed"),
    "NaN": (mail(2, IS_NAN)[1], "infer", "not-a-number"),
}


def headers_of(record: ConsumerRecord) -> dict[str, Any]:
    return dict(record.headers)


@pytest.mark.timeout(60)
async def test_poison_inside_a_full_batch_goes_to_dead_letters_and_its_neighbours_are_classified(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1, max_batch_tokens=2048)
    live = f"{prefix}{INBOUND_EMAILS}"
    await prepare_topics(settings, Events())
    records = [Outgoing(*mail(number), [TRACE]) for number in range(100)]
    places = {3 + 4 * place: name for place, name in enumerate(POISON)}
    for place, name in places.items():
        records[place] = Outgoing(b"\x00key\xff" if place % 8 else None, POISON[name][0], HEADERS)
    records[60] = Outgoing(b"h", huge := mail(60, html="<p>word</p>" * 950_000)[1])
    assert len(huge) > 10_000_000
    await produce(kafka, live, records)

    encoder = FakeEncoder()
    async with walking(settings, {"default": FakeBundle(encoder)}) as running:
        counted = await all_answered(kafka, prefix, 100)
    counted.must_be_exactly_once()

    letters = {record.offset: record for record in await read_all(kafka, live)}
    found = {}
    for letter in await read_all(kafka, f"{prefix}{DEAD_LETTERS}"):
        headers = headers_of(letter)
        place = int(headers["source-offset"])
        found[places.get(place, place)] = (headers["error-stage"], headers["error-type"])
        original = letters[place]
        assert (letter.key, letter.value) == (original.key, original.value), places[place]
        assert headers["source-topic"].decode() == live
        assert headers["source-partition"] == b"0"
        assert headers["failed-at"].endswith(b"Z")
        assert headers["output-id"].decode() == f"{live}/0/{place}"
        assert [pair for pair in letter.headers if pair[0] not in REASON] == HEADERS
        assert b"word-that" not in headers["error-message"]
        assert b"bottom" not in headers["error-message"]
    assert found == {
        name: (stage.encode(), kind.encode()) for name, (_, stage, kind) in POISON.items()
    }
    for answer in await read_all(kafka, f"{prefix}{CLASSIFICATIONS}"):
        assert decode(answer.value, Classification).status == "classified"
        trace = None if answer.key == b"m60" else TRACE[1]
        assert headers_of(answer).get("traceparent") == trace
    assert max(encoder.runs) > 4, "records ran in batches"
    assert 1 in encoder.runs, "the failing batch was halved until one record stood alone"
    assert (
        running.metrics.registry.get_sample_value(
            "switchboard_dead_letters_total", {"stage": "infer", "type": "not-a-number"}
        )
        == 1
    )


async def test_a_sick_device_ends_the_worker_and_makes_no_dead_letters(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix)
    await prepare_topics(settings, Events())
    await produce(
        kafka,
        f"{prefix}{INBOUND_EMAILS}",
        [mail(number, f"{FAILS} {number}") for number in range(40)],
    )
    bundle = FakeBundle(FakeEncoder())
    bundle.sick = "0.3 instead of 0.9"
    with pytest.raises(Exception, match=r"device fails on a golden row of default/1: 0\.3"):
        async with walking(settings, {"default": bundle}) as running:
            await running.end()
    assert await read_all(kafka, f"{prefix}{DEAD_LETTERS}") == []


@pytest.fixture
def workers(kafka: str, prefix: str, tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    with worker_processes(kafka, prefix, tmp_path) as make:
        yield make


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("word", "place", "deaths"),
    [(KILLS, 150, 6), (KILLS_READING, 0, 4)],
    ids=["in the model, among others", "in reading, the first of all"],
)
async def test_a_record_that_kills_the_process_is_recognised_and_its_neighbours_are_classified(
    kafka: str,
    prefix: str,
    workers: Callable[..., WorkerProcess],
    word: str,
    place: int,
    deaths: int,
) -> None:
    await prepare_topics(settings_for(kafka, prefix), Events())
    live = f"{prefix}{INBOUND_EMAILS}"
    sent = await produce(kafka, live, [mail(n, word if n == place else "") for n in range(400)])
    worker = workers(worker_slot=0)
    orchestrator = asyncio.ensure_future(worker.restarting())
    try:
        counted = await all_answered(kafka, prefix, 400, timeout_s=100)
    finally:
        orchestrator.cancel()
    assert await worker.stop() == 0, worker.tail()
    counted.must_be_exactly_once()
    [letter] = await read_all(kafka, f"{prefix}{DEAD_LETTERS}")
    headers = headers_of(letter)
    partition, offset = sent[place]
    assert (headers["error-stage"], headers["error-type"]) == (b"worker", b"worker-killed")
    assert headers["output-id"].decode() == f"{live}/{partition}/{offset}"
    assert letter.value == mail(place, word)[1]
    assert set(worker.codes) == {-9}
    assert 4 <= len(worker.codes) <= deaths, "two in company, two alone, and those on the way there"
