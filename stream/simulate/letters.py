"""Writes what a customer means to say: topic, priority, tags, subject, sentences; before any mail form.

Takes a seeded source of chance, gives `Letter`s to `world` (the labelled history) and to `forms` (mails
as they arrive); knows nothing of MIME, HTML or Kafka.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from stream.simulate.grammar import with_typos, without_umlauts
from stream.simulate.pen import Language, Pen
from stream.simulate.tenants import PRIORITIES, PRIORITY_WEIGHTS, TENANTS, USUAL_WEIGHTS, Tenant

MOST_SENTENCES = 12


@dataclass(frozen=True)
class Meaning:
    """What the writer wants: the right answers, were one to ask."""

    topic: str
    priority: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Letter:
    """One customer's words: `sentences` holds 1–12, `greeting` and `subject` may be empty."""

    tenant: Tenant
    language: Language
    customer_id: str
    sender: str
    attributes: Mapping[str, str]
    subject: str
    greeting: str
    sentences: tuple[str, ...]
    farewell: str
    meaning: Meaning

    @property
    def desk(self) -> str:
        """Who works on it: follows from topic and attribute."""
        return self.tenant.desk(self.meaning.topic, self.attributes[self.tenant.attribute])


def write_letter(rng: random.Random) -> Letter:
    """Write one customer's words about one matter, now and then with a smaller second one."""
    tenant = rng.choice(TENANTS)
    pen = Pen(rng, tenant, "de" if rng.random() < 0.5 else "en")
    topic = rng.choice(tenant.topics)
    priority = rng.choices(PRIORITIES, PRIORITY_WEIGHTS.get(topic, USUAL_WEIGHTS))[0]
    tags = tuple(sorted(tag for tag in tenant.tags if rng.random() < 0.13))
    hurried = rng.random() < 0.12  # says the matter and nothing else, so there is nothing to tag
    meaning = Meaning(topic, priority, () if hurried else tags)
    sentences = [pen.topic(topic, "matter")] if hurried else _sentences(pen, rng, tenant, meaning)
    typed = Typist(rng, pen.language)
    return Letter(
        tenant=tenant,
        language=pen.language,
        customer_id=f"{tenant.name[0].upper()}{rng.randint(100_000, 999_999)}",
        sender=pen.sender,
        attributes={tenant.attribute: rng.choice(tenant.attribute_values)},
        subject=typed(_subject(pen, rng, tenant, topic)),
        greeting=pen.phrase("greeting") if rng.random() < 0.8 else "",
        sentences=tuple(typed(sentence) for sentence in sentences),
        farewell=pen.phrase("farewell"),
        meaning=meaning,
    )


def _subject(pen: Pen, rng: random.Random, tenant: Tenant, topic: str) -> str:
    draw = rng.random()
    if draw < 0.04:
        return ""
    if draw < 0.40:  # people write "Question" above anything
        return pen.phrase("subject")
    if draw < 0.47:  # and answer old mails with new matters
        return pen.topic(rng.choice(tenant.topics), "subject")
    return pen.topic(topic, "subject")


def _sentences(pen: Pen, rng: random.Random, tenant: Tenant, meaning: Meaning) -> list[str]:
    """1–12 sentences in a natural order; the matter itself is missing now and then."""
    vague = rng.random() < 0.08
    said = [] if vague else [pen.topic(meaning.topic, "matter")]
    if rng.random() < 0.2:
        said.append(pen.topic(meaning.topic, "matter"))
    said += [pen.topic(meaning.topic, "detail") for _ in range(rng.choice((0, 1, 1, 2)) + vague)]
    around = [pen.phrase("filler") for _ in range(rng.choice((0, 0, 1, 1, 2, 3)))]
    around += [pen.phrase(f"tag.{tag}") for tag in meaning.tags]
    around += _stress(pen, rng, meaning.priority)
    if rng.random() < 0.2:
        around.append(pen.topic(rng.choice(tenant.topics), rng.choice(("matter", "detail"))))
    rng.shuffle(around)
    opening = [pen.phrase("opening")] if rng.random() < 0.5 else []
    closing = [pen.phrase("closing")] if rng.random() < 0.6 else []
    body = [*around, *said] if rng.random() < 0.25 else [*said, *around]
    return [*opening, *body, *closing][:MOST_SENTENCES]


def _stress(pen: Pen, rng: random.Random, priority: str) -> list[str]:
    """A sentence that says how urgent it is; some say nothing, and a few stress what is not urgent."""
    draw = rng.random()
    if priority != "normal" and draw < 0.7:
        return [pen.phrase(priority)]
    return [pen.phrase("high")] if draw > 0.97 else []


class Typist:
    """How one person types: one in three makes slips, some write all small or without umlauts."""

    def __init__(self, rng: random.Random, language: Language) -> None:
        self._rng = rng
        self._slips = rng.random() < 0.35
        self._small = rng.random() < 0.07
        self._plain = language == "de" and rng.random() < 0.1

    def __call__(self, sentence: str) -> str:
        """The sentence as this person types it."""
        if self._slips:
            sentence = with_typos(sentence, self._rng.choice((0, 0, 1, 2)), self._rng)
        if self._plain:
            sentence = without_umlauts(sentence)
        return sentence.lower() if self._small else sentence
