"""The product's own verifier, as the integration tests use it: wait until all is answered, compare, fail with names."""

from dataclasses import dataclass
from typing import Any

from stream.tenants import ALL_ALIKE, Tenants
from stream.topics import CLASSIFICATIONS, DEAD_LETTERS
from stream.verify import Found, Verdict, VerifyOptions, verify
from tests.kafka_tools import read_all
from tests.walking import settings_for


@dataclass(frozen=True)
class Count:
    """A verdict with the words of a test."""

    verdict: Verdict

    def __getattr__(self, name: str) -> Any:
        """A number of the verdict, or the names of a kind of fault: `inputs`, `letters`, `lost`, `duplicated`, …"""
        value = getattr(self.verdict, name)
        return value.names if isinstance(value, Found) else value

    def faults(self) -> dict[str, tuple[int, tuple[str, ...]]]:
        """What was found, by kind: how many, and the first names."""
        found = self.verdict.faults()
        return {name: (fault.count, fault.names) for name, fault in found.items() if fault.count}

    def must_be_exactly_once(self) -> None:
        """Fail with what is wrong, a few names of each."""
        assert not self.faults(), f"{self.faults()} of {self.verdict}"
        assert self.answers + self.letters == self.inputs, self.verdict


COUNTED: list[Count] = []  # of the running test, for the report of the fault suite


async def count(
    kafka: str, prefix: str, wait_s: float | None = None, tenants: Tenants = ALL_ALIKE
) -> Count:
    """Compare both e-mail topics with all outputs, as `switchboard verify` does."""
    settings, options = settings_for(kafka, prefix), VerifyOptions(wait_s=wait_s)
    verdict = await verify(settings, options, _silent, tenants)
    COUNTED.append(Count(verdict))
    return COUNTED[-1]


async def outputs_so_far(kafka: str, prefix: str) -> int:
    """Committed answers and letters."""
    return sum(
        [len(await read_all(kafka, f"{prefix}{name}")) for name in (CLASSIFICATIONS, DEAD_LETTERS)]
    )


async def all_answered(
    kafka: str, prefix: str, inputs: int, *, timeout_s: float = 30, tenants: Tenants = ALL_ALIKE
) -> Count:
    """Wait until all that was sent is committed, at least so many records, then compare."""
    counted = await count(kafka, prefix, timeout_s, tenants)
    why = f"not all answered after {timeout_s} s: {counted.verdict}"
    assert not counted.overdue, why
    assert counted.answers + counted.letters >= inputs, why
    return counted


def _silent(event: str, **facts: object) -> None:
    """Nobody listens."""
