"""One customer's pen: fills lines of the text tables in one language, for one tenant, with a seeded chance.

Gives sentences to `letters` and `forms`; knows nothing of labels.
"""

import random
from collections.abc import Callable
from typing import Literal

from stream.simulate.grammar import Table, expand, read_table
from stream.simulate.tenants import Tenant

Language = Literal["en", "de"]
Part = Literal["subject", "matter", "detail"]


class Pen:
    """Expands lines in one language for one tenant and customer; equal chance gives equal words."""

    def __init__(self, rng: random.Random, tenant: Tenant, language: Language) -> None:
        self._rng = rng
        self._tenant = tenant
        self.language: Language = language
        self._phrases = read_table(f"phrases.{language}")
        self._topics = read_table(f"topics.{language}")
        self._calls = read_table(f"calls.{language}")
        self._said: set[str] = set()
        self.sender = self.phrase("sender")

    def phrase(self, section: str) -> str:
        """A sentence of a section of the phrases."""
        return self._from(self._phrases, section)

    def topic(self, topic: str, part: Part) -> str:
        """A sentence about a topic."""
        return self._from(self._topics, f"{topic}.{part}")

    def spoken(self, section: str) -> str:
        """What is said on the phone."""
        return self._from(self._calls, section)

    def _from(self, table: Table, section: str) -> str:
        fresh = [line for line in table[section] if line not in self._said]
        line = self._rng.choice(fresh or table[section])
        self._said.add(line)  # nobody says a thing twice, unless there is nothing else to say
        return expand(line, self._rng, self._slot)

    def _slot(self, name: str) -> str:
        makers: dict[str, Callable[[], str]] = {
            "amount": self._amount,
            "date": self._date,
            "ref": self._reference,
            "phone": self._phone,
            "days": lambda: str(self._rng.randint(2, 40)),
            "code": lambda: str(self._rng.randint(1000, 9999)),
            "year": lambda: str(self._rng.randint(2008, 2025)),
            "version": lambda: f"{self._rng.randint(3, 12)}.{self._rng.randint(0, 20)}",
            "product": lambda: self._rng.choice(self._tenant.products),
            "company": lambda: self._tenant.company,
            "sender_company": lambda: self.phrase("surname"),
            "name": lambda: self.sender,
        }
        return makers[name]() if name in makers else self.phrase(name)

    def _amount(self) -> str:
        whole = self._rng.choice((5, 12, 49, 89, 240, 1_250, 18_000))
        value = whole + self._rng.randrange(whole) + self._rng.randrange(100) / 100
        if self.language == "de":
            return f"{value:.2f} €".replace(".", ",")
        return f"{self._rng.choice(('£', '€', 'EUR '))}{value:.2f}"

    def _date(self) -> str:
        day, month = self._rng.randint(1, 28), self._rng.randint(1, 12)
        return f"{day:02}.{month:02}.2026" if self.language == "de" else f"{day}/{month}/2026"

    def _reference(self) -> str:
        divider = self._rng.choice(("-", "/", ""))
        return f"{self._rng.choice('ABKRTX')}{divider}{self._rng.randint(10_000, 9_999_999)}"

    def _phone(self) -> str:
        prefix = "0171" if self.language == "de" else "+44 7700"
        return f"{prefix} {self._rng.randint(100_000, 999_999)}"
