"""A file of texts in, records to produce out: what every Kafka benchmark sends."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models.bundle import Bundle
from stream.clean import CleanOptions, clean
from stream.kafka.clients import plain_producer
from stream.records import decode_inbound_email
from stream.settings import Settings
from stream.simulate import read_emails
from stream.topics import INBOUND_EMAILS


@dataclass(frozen=True)
class Mail:
    """One record to send; an e-mail unless its topic says something else."""

    key: bytes
    value: bytes
    topic: str = INBOUND_EMAILS


def mails_of(path: Path, count: int) -> list[Mail]:
    """`count` mails of the file, repeated when it is shorter, spread over the partitions."""
    records = itertools.islice(read_emails(path, repeat=True), count)
    return [
        Mail(f"k{number}".encode(), record.value or b"") for number, record in enumerate(records)
    ]


def texts_of(mails: Sequence[Mail], bundle: Bundle) -> list[str]:
    """What the model sees of these mails: cleaned and joined as serving does."""
    texts: list[str] = []
    for mail in mails:
        cleaned = clean(decode_inbound_email(mail.value), datetime.now(UTC), None, CleanOptions())
        texts.append(bundle.text(cleaned.subject, cleaned.body, cleaned.attributes))
    return texts


async def send_all(settings: Settings, mails: Sequence[Mail]) -> None:
    """Produce all at once; returns when the broker has them."""
    producer = plain_producer(settings)
    await producer.start()
    for mail in mails:
        await producer.send(settings.topic(mail.topic), mail.value, mail.key)
    await producer.stop()
