"""Hostile sizes and shapes through the whole walk, really cleaned: each has one output, its neighbours go on."""

import base64
import json
import random
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stream.topics import CLASSIFICATIONS, DEAD_LETTERS
from tests.counting import all_answered
from tests.integration.test_dead_letters import topics
from tests.integration.test_poison import nested_mime
from tests.kafka_tools import Outgoing, admin, produce, read_all
from tests.walking import Events, mail, settings_for, walking

NOISE = random.Random(4)
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LETTER = "letter"
MEBI = 1024 * 1024
KAFKAS_OWN_LIMIT_BYTES = 1_048_588  # where nobody says another


def of(
    value: object, key: bytes | None = b"k", headers: Sequence[tuple[str, bytes]] = ()
) -> Outgoing:
    """A record with this value: bytes as they are, anything else as JSON."""
    data = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    return Outgoing(key, data, headers)


def good(**fields: object) -> dict[str, object]:
    return {"id": "good", "subject": "card", "body": "My card has not arrived yet.", **fields}


def hex_text(length: int) -> str:
    return NOISE.randbytes(length // 2).hex()


# what becomes of it: `classified`, or stage and type of its dead letter
SHAPES: dict[str, tuple[Outgoing, str]] = {
    "one byte": (of(b"{"), "decode/bad-json"),
    "one digit": (of(b"7"), "validate/wrong-shape"),
    "null value": (of(None), "decode/null-value"),
    "null key and null value": (of(None, None), "decode/null-value"),
    "an id of 257": (of(good(id="x" * 257)), "validate/wrong-shape"),
    "an id of 256, four bytes each": (
        Outgoing(b"k", json.dumps(good(id="🂡" * 256), ensure_ascii=False).encode()),
        "classified",
    ),
    "15 MB of text": (of(good(body=hex_text(15_000_000))), "classified"),
    "15 MB of noise": (of(NOISE.randbytes(15_000_000)), "decode/bad-json"),
    "15 MB of HTML": (of({"id": "h", "html": "<p>a <b>word" * 1_250_000}), "classified"),
    "MIME 500 deep": (
        of({"id": "m", "raw": base64.b64encode(nested_mime(500)).decode()}),
        "clean/mime-too-deep",
    ),
    "10,000 attributes": (
        of(good(attributes={f"name {n}": f"value {n}" for n in range(10_000)})),
        "classified",
    ),
    "a key of 1 MB": (of(good(), NOISE.randbytes(MEBI)), "classified"),
    "a key of 1 MB on poison": (of(b"[]", NOISE.randbytes(MEBI)), "validate/wrong-shape"),
    "65,536 headers": (of(good(), headers=[("h", b"")] * 65_536), "classified"),
    "65,536 headers on poison": (of(b"[]", headers=[("h", b"")] * 65_536), "validate/wrong-shape"),
    "a header of 3 MB": (of(good(), headers=[("h", NOISE.randbytes(3 * MEBI))]), "classified"),
    "a header of 3 MB on poison": (
        of(b"[]", headers=[("h", NOISE.randbytes(3 * MEBI))]),
        "validate/wrong-shape",
    ),
    "a trace of 3 MB": (
        of(good(), headers=[("traceparent", NOISE.randbytes(3 * MEBI))]),
        "classified",
    ),
    "50,000 traces": (of(good(), headers=[("traceparent", TRACE)] * 50_000), "classified"),
    "a language of 3 MB": (of(good(language=hex_text(3_000_000))), "output/too-large"),
    "a customer of 3 MB": (of(good(customer_id=hex_text(3_000_000))), "classified"),
}


async def send(kafka: str, topic: str, records: Sequence[Outgoing], **options: object) -> None:
    """As any client could: also a record without key and value, which aiokafka refuses to take as such."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka,
        max_request_size=100 * MEBI,
        value_serializer=lambda value: None if value == NO_VALUE else value,
        **options,
    )
    async with producer:
        sent = [
            await producer.send(
                topic,
                NO_VALUE if record.value is None else record.value,
                record.key,
                partition=0,
                headers=list(record.headers),
            )
            for record in records
        ]
        for delivery in sent:
            await delivery


NO_VALUE = "no value"


def fate(record: ConsumerRecord) -> str:
    headers = dict(record.headers)
    if stage := headers.get("error-stage"):
        return f"{stage.decode()}/{headers['error-type'].decode()}"
    return json.loads(record.value)["status"]


async def fates(kafka: str, prefix: str) -> dict[int, str]:
    """By source offset: the status of the answer, or why there is a dead letter."""
    found = {}
    for topic in (CLASSIFICATIONS, DEAD_LETTERS):
        for record in await read_all(kafka, f"{prefix}{topic}"):
            offset = int(dict(record.headers)["output-id"].decode().rsplit("/", 1)[1])
            found[offset] = fate(record)
    return found


@pytest.mark.timeout(120)
async def test_every_hostile_shape_at_once_has_its_one_output_and_its_neighbours_are_classified(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    live = await topics(kafka, settings, classifications=KAFKAS_OWN_LIMIT_BYTES)
    records = [record for hostile, _ in SHAPES.values() for record in (hostile, of(good()))]
    await send(kafka, live, records)
    async with walking(settings):
        counted = await all_answered(kafka, prefix, len(records), timeout_s=60)
    counted.must_be_exactly_once()
    found = await fates(kafka, prefix)
    wanted = {name: what for name, (_, what) in SHAPES.items()}
    assert {name: found[2 * place] for place, name in enumerate(SHAPES)} == wanted
    assert {found[2 * place + 1] for place in range(len(SHAPES))} == {"classified"}
    for letter in await read_all(kafka, f"{prefix}{DEAD_LETTERS}"):
        original = records[int(dict(letter.headers)["source-offset"])]
        assert (letter.key, letter.value) == (original.key, original.value)


@pytest.mark.timeout(60)
async def test_ten_thousand_records_of_ten_bytes_in_one_batch_are_ten_thousand_letters(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    live = await topics(kafka, settings)
    tiny = [of(b'{"a":%04d}' % n) for n in range(1000, 11_000)]
    await send(kafka, live, tiny, linger_ms=2000, max_batch_size=MEBI, compression_type="lz4")
    async with walking(settings):
        counted = await all_answered(kafka, prefix, len(tiny), timeout_s=45)
    counted.must_be_exactly_once()
    assert counted.letters == len(tiny)


@pytest.mark.timeout(90)
async def test_topics_that_take_little_take_many_records_that_fit_and_a_letter_of_each_that_does_not(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    live = await topics(
        kafka, settings, classifications=4_000, cleaned_emails=20_000, dead_letters=100_000
    )
    packed = [
        of(b"[" + b"0" * 3_000_000, b"zeros"),
        of(base64.b64encode(NOISE.randbytes(3_000_000)), b"base64"),
        of(b"[]", NOISE.randbytes(300_000)),
        of(b"[]", None, [("h", NOISE.randbytes(300_000))]),
        of(base64.b64encode(NOISE.randbytes(3_000_000)), None),
    ]
    many = [Outgoing(*mail(number, hex_text(8_000))) for number in range(300)]
    await send(kafka, live, [*packed, *many, *packed], compression_type="gzip")
    poison = [of(b"[" + NOISE.randbytes(40_000)) for _ in range(20)]
    await send(kafka, live, poison)
    events = Events()
    async with walking(settings, events=events):
        counted = await all_answered(kafka, prefix, 330, timeout_s=60)
    counted.must_be_exactly_once()
    assert (counted.answers, counted.letters) == (300, 30)
    letters = await read_all(kafka, f"{prefix}{DEAD_LETTERS}")
    kept = {int(dict(one.headers)["source-offset"]) for one in letters if one.value is not None}
    assert kept == {0, 3, 305, 308, *range(310, 330)}, "what fits is kept"
    assert not events.count("transaction_lost"), "sizes are known before anything is sent"


@pytest.mark.timeout(60)
async def test_answers_whose_topic_takes_less_from_now_on_become_letters_and_smaller_ones_go_on(
    kafka: str, prefix: str
) -> None:
    settings = settings_for(kafka, prefix, topic_partitions=1)
    live = await topics(kafka, settings)
    async with walking(settings):
        await produce(kafka, live, [mail(0)])
        await all_answered(kafka, prefix, 1)
        limit = {"max.message.bytes": "3000"}
        async with admin(kafka) as client:
            topic = f"{prefix}{CLASSIFICATIONS}"
            await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, limit)])
        long = good(language=hex_text(5000))
        await produce(kafka, live, [*(mail(n) for n in range(1, 100)), of(long), mail(101)])
        counted = await all_answered(kafka, prefix, 102)
    counted.must_be_exactly_once()
    assert {place: what for place, what in (await fates(kafka, prefix)).items() if "/" in what} == {
        100: "output/too-large"
    }
