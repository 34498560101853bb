"""The built-in world through a real Kafka: what is sent open-loop arrives, poison and all."""

from aiokafka import AIOKafkaProducer

from stream.simulate import OutgoingRecord, World, send_open_loop
from tests.kafka_tools import create_topics, read_all


async def test_everything_the_world_sends_arrives_untouched(kafka: str, prefix: str) -> None:
    await create_topics(
        kafka, f"{prefix}inbound-emails", f"{prefix}inbound-emails-bulk", partitions=2
    )
    sent: dict[str, list[tuple[bytes | None, bytes | None]]] = {}
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await producer.start()

    async def send(record: OutgoingRecord) -> None:
        topic = f"{prefix}{record.topic}"
        sent.setdefault(topic, []).append((record.key, record.value))
        await producer.send_and_wait(topic, record.value, record.key)

    try:
        summary = await send_open_loop(send, World(2).traffic(), rate_per_s=500, count=300)
    finally:
        await producer.stop()

    assert (summary.sent, summary.failed) == (300, 0)
    for topic, expected in sent.items():
        arrived = [(record.key, record.value) for record in await read_all(kafka, topic)]
        assert sorted(arrived, key=repr) == sorted(expected, key=repr)
