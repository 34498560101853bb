"""The built-in world: labelled history to train on, and endless mail traffic of the same customers.

Gives `TrainingRow`s to the training of the demo's model and `OutgoingRecord`s to the sender. All of it
follows from the seed. Knows nothing of Kafka's client, of models or of the clock.
"""

from collections.abc import Callable, Iterator
from random import Random

import msgspec

from models.labels import TrainingRow
from stream.records import InboundEmail, Labels, encode
from stream.simulate import forms
from stream.simulate.grammar import chance
from stream.simulate.letters import Letter, Meaning, write_letter
from stream.simulate.outgoing import OutgoingRecord
from stream.simulate.poison import any_poison
from stream.topics import INBOUND_EMAILS, INBOUND_EMAILS_BULK

_Maker = Callable[[forms.Desk], forms.Mail]

# Of 100 records: how many come in which form. Poison is far above real life, so that a minute shows some.
_FORMS: dict[_Maker, int] = {
    forms.plain: 47,
    forms.hypertext: 20,
    forms.mime: 18,
    forms.reply: 8,
    forms.machine: 5,
}
_SKIPPED = (forms.reply, forms.machine)
_POISON = 2
_BULK_SHARE = 0.1
_WRONG_LABELS = 0.02


class World:
    """One world of tenants and customers; equal seeds give equal worlds.

    Args:
        seed: history and traffic of one seed never repeat each other's mails.
    """

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed

    def history(self, count: int) -> Iterator[TrainingRow]:
        """Cleaned, labelled mails of the past; a few labels are wrong, as people's are.

        Args:
            count: how many rows; heads are `topic`, `desk` and `priority` (multi-class), `tags` (multi-label); `desk`
                follows from topic and attribute.
        """
        rng = chance(self.seed, "history")
        for number in range(count):
            letter = write_letter(rng)
            signed = f"\n\n{letter.farewell}\n{letter.sender}" if rng.random() < 0.3 else ""
            yield TrainingRow(
                id=f"h{self.seed}-{number:06}",
                subject=letter.subject,
                body=forms.words(letter) + signed,
                language=letter.language,
                tenant=letter.tenant.name,
                attributes=dict(letter.attributes),
                customer_id=letter.customer_id,
                labels=_labels(letter, _mislabelled(letter, rng)),
            )

    def traffic(self) -> Iterator[OutgoingRecord]:
        """Mails without end: most live, some backfilled on the bulk topic, a few that are poison."""
        rng = chance(self.seed, "traffic")
        makers, weights = [*_FORMS, None], [*_FORMS.values(), _POISON]
        number = 0
        while True:
            mail_id = f"w{self.seed}-{number:08}"
            maker = rng.choices(makers, weights)[0]
            yield _poisoned(mail_id, rng) if maker is None else _mail(maker, mail_id, rng)
            number += 1


def _mail(maker: _Maker, mail_id: str, rng: Random) -> OutgoingRecord:
    letter = write_letter(rng)
    mail = maker(forms.Desk(letter, mail_id, rng))
    return OutgoingRecord(
        topic=INBOUND_EMAILS_BULK if rng.random() < _BULK_SHARE else INBOUND_EMAILS,
        key=letter.customer_id.encode(),
        value=to_wire(mail.email),
        caption=mail.caption,
        record_id=mail_id,
        truth=None if maker in _SKIPPED else _labels(letter, letter.meaning),
    )


def _poisoned(mail_id: str, rng: Random) -> OutgoingRecord:
    value = any_poison(mail_id, rng)
    return OutgoingRecord(INBOUND_EMAILS, mail_id.encode(), value, record_id=mail_id)


def to_wire(email: InboundEmail) -> bytes:
    """The JSON of an e-mail as a lean producer writes it: fields that say nothing are left out."""
    fields: dict[str, object] = msgspec.to_builtins(email)
    return encode({name: value for name, value in fields.items() if value not in (None, {})})


def _labels(letter: Letter, meaning: Meaning) -> Labels:
    return {
        "topic": meaning.topic,
        "desk": letter.desk,
        "priority": meaning.priority,
        "tags": list(meaning.tags),
    }


def _mislabelled(letter: Letter, rng: Random) -> Meaning:
    meaning = letter.meaning
    if rng.random() >= _WRONG_LABELS:
        return meaning
    return Meaning(rng.choice(letter.tenant.topics), meaning.priority, meaning.tags)
