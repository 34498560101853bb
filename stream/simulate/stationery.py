"""People, signatures, legal footers and earlier messages in five languages, for mails that are wrapped in them.

Reads `texts/mail.<language>.txt` and a seeded source of chance, gives lines to `clients` and `wrapping`. The wording is
that of mail programs, companies and gateways; nothing here is taken from the tables by which `stream.clean` knows them.
"""

import random
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stream.simulate.grammar import expand, read_table

LANGUAGES = ("en", "de", "fr", "es", "pt")
_FIRST_DAY = datetime(2025, 1, 6, 7, 0, tzinfo=UTC)
_BRANDS = ("Nordbank", "Telvia", "Codewerk", "Halden Credit", "Office24")
_NOT_HOST = re.compile("[^a-z0-9]+")


@dataclass(frozen=True)
class Person:
    """Who writes; of the company's own people only name, address and firm are known."""

    name: str
    address: str
    firm: str
    host: str
    city: str
    street: str
    postcode: str


@dataclass(frozen=True)
class Message:
    """An earlier message: who wrote what to whom, and when."""

    sender: Person
    to: Person
    subject: str
    sent_at: datetime
    lines: tuple[str, ...]


class Stationery:
    """What one writer's mails are made of, in one language; equal chance gives equal words.

    Args:
        rng: the source of chance.
        language: one of `LANGUAGES`; any other is written in English.
        writer: the customer's name; drawn where it is None.
        brand: the company that the customer writes to; drawn where it is None.
    """

    def __init__(
        self,
        rng: random.Random,
        language: str,
        writer: str | None = None,
        brand: str | None = None,
    ) -> None:
        self.rng = rng
        self.language = language if language in LANGUAGES else "en"
        self._table = read_table(f"mail.{self.language}")
        self.writer = self._person(writer or self.line("name"))
        self.agent = self._agent(brand or rng.choice(_BRANDS))

    def has(self, section: str) -> bool:
        """Whether this language has it: not every mail program is sold everywhere."""
        return section in self._table

    def line(self, section: str, **slots: str) -> str:
        """One line of a section."""
        return self._filled(self.rng.choice(self._table[section]), slots)

    def block(self, section: str, message: Message) -> list[str]:
        """All lines of a section, about a message."""
        slots = self._about(message)
        return [self._filled(line, slots) for line in self._table[section]]

    def attribution(self, section: str, message: Message) -> str:
        """The line by which a program introduces a quoted message."""
        return self.line(section, **self._about(message))

    def card(self) -> list[str]:
        """Name, office, company, address and numbers of the writer, as under a business mail."""
        writer, rng = self.writer, self.rng
        numbers = [self._filled(line, {}) for line in self._table["telephone"]]
        lines = [writer.name]
        lines += [self.line("job")] if rng.random() < 0.7 else []
        lines += [writer.firm] if rng.random() < 0.9 else []
        if rng.random() < 0.7:
            lines += [writer.street, f"{writer.postcode} {writer.city}"]
        lines += rng.sample(numbers, rng.randint(1, min(2, len(numbers))))
        lines += [writer.address] if rng.random() < 0.6 else []
        lines += [f"www.{writer.host}"] if rng.random() < 0.5 else []
        return lines

    def notices(self) -> list[str]:
        """One to three paragraphs that a company puts below all its mails."""
        rng = self.rng
        firm = {
            "firm": self.writer.firm,
            "host": self.writer.host,
            "city": self.writer.city,
            "street": self.writer.street,
            "postcode": self.writer.postcode,
        }
        chosen = [name for name in ("imprint", "notice") if rng.random() < 0.6] or ["notice"]
        chosen += [name for name in ("print", "virus") if rng.random() < 0.15]
        return [self.line(name, **firm) for name in chosen]

    def history(self, count: int) -> list[Message]:
        """`count` messages, the newest first, written by the company and the customer in turn, about other matters."""
        subject = self.line("quoted_subject")
        sent_at = _FIRST_DAY + timedelta(minutes=self.rng.randrange(60 * 24 * 500))
        found: list[Message] = []
        for number in range(count):
            by_agent = number % 2 == 0
            sender, to = (self.agent, self.writer) if by_agent else (self.writer, self.agent)
            lines = self._answer(to) if by_agent else self._question(to)
            found.append(Message(sender, to, subject, sent_at, tuple(lines)))
            sent_at -= timedelta(minutes=self.rng.randrange(10, 60 * 48))
        return found

    def _answer(self, to: Person) -> list[str]:
        rng = self.rng
        matters = rng.sample(self._table["agent_matter"], rng.randint(2, 3))
        lines = [self.line("hello", to=to.name, first=to.name.split()[0]), ""]
        lines.append(self.line("agent_start"))
        lines += [self._filled(matter, {}) for matter in matters]
        lines += [self.line("agent_end"), "", self.line("farewell"), self.agent.name]
        return lines

    def _question(self, to: Person) -> list[str]:
        hello = self.line("hello", to=to.name, first=to.name.split()[0])
        matter, farewell = self.line("customer_matter"), self.line("farewell")
        return [hello, "", matter, "", farewell, self.writer.name]

    def _person(self, name: str) -> Person:
        firm = self.line("firm")
        host = f"{_host(firm)}.example"
        address = f"{_host(name.split(maxsplit=1)[0])}.{_host(name.rsplit(maxsplit=1)[-1])}@{host}"
        postcode = str(self.rng.randint(10_000, 99_999))
        return Person(name, address, firm, host, self.line("city"), self.line("street"), postcode)

    def _agent(self, brand: str) -> Person:
        host = f"{_host(brand)}.example"
        name = self.line("desk", brand=brand, agent=self.line("name"))
        return Person(name, f"support@{host}", brand, host, "", "", "")

    def _filled(self, line: str, slots: dict[str, str]) -> str:
        return expand(line, self.rng, lambda name: slots.get(name) or self._slot(name))

    def _slot(self, name: str) -> str:
        rng = self.rng
        if name in ("month", "weekday"):
            return rng.choice(self._table[f"{name}s"])
        if name == "boss":
            return self.line("name")
        if name in ("street", "city", "firm"):
            return self.line(name)
        bounds = {
            "number": (1, 180),
            "small": (10, 99),
            "area": (201, 989),
            "code": (1000, 9999),
            "digits": (100_000, 999_999),
            "amount": (5, 900),
            "day": (1, 28),
            "ref": (1_000_000, 9_999_999),
        }
        return str(rng.randint(*bounds[name]))

    def _about(self, message: Message) -> dict[str, str]:
        at, table = message.sent_at, self._table
        half_en = "AM" if at.hour < 12 else "PM"
        half = half_en if self.language == "en" else f"{half_en[0].lower()}. m."
        return {
            "who": message.sender.name,
            "address": message.sender.address,
            "to": message.to.name,
            "to_address": message.to.address,
            "subject": message.subject,
            "weekday": table["weekdays"][at.weekday()],
            "weekday_short": table["weekdays_short"][at.weekday()],
            "month": table["months"][at.month - 1],
            "month_short": table["months_short"][at.month - 1],
            "month1": str(at.month),
            "month2": f"{at.month:02}",
            "day": str(at.day),
            "day2": f"{at.day:02}",
            "year": str(at.year),
            "year2": f"{at.year % 100:02}",
            "hour": f"{at.hour:02}",
            "hour12": str(at.hour % 12 or 12),
            "half": half,
            "minute": f"{at.minute:02}",
            "second": f"{at.minute * 7 % 60:02}",
        }


def _host(name: str) -> str:
    """A name as it stands in an address: small ASCII letters and dashes."""
    bare = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return _NOT_HOST.sub("-", bare.replace("'", "")).strip("-")
