"""A cluster's topics in; which partitions hold inputs, which outputs, and what may lie in those out. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from stream.kafka.admin import TopicState
from stream.outputs import OUTPUT_ID
from stream.topics import (
    CALL_TRANSCRIPTS,
    CASE_OUTCOMES,
    CHURN_SCORES,
    CLASSIFICATIONS,
    CLEANED_EMAILS,
    CUSTOMER_PROFILES,
    DEAD_LETTERS,
    INBOUND_EMAILS,
    INBOUND_EMAILS_BULK,
)
from stream.verify.ledger import Kind, OutputRecord, OutputTopic
from stream.verify.reading import Place, Record

EMAILS = (INBOUND_EMAILS, INBOUND_EMAILS_BULK)
INPUTS = (*EMAILS, CALL_TRANSCRIPTS)


@dataclass(frozen=True)
class Layout:
    """The topics of a cluster, by name without prefix."""

    topics: Mapping[str, TopicState]

    def places(self, *names: str) -> list[Place]:
        """Partitions of these topics."""
        states = [self.topics[name] for name in names]
        return [Place(state.name, number) for state in states for number in range(state.partitions)]

    def names(self, *names: str) -> frozenset[str]:
        """Full names."""
        return frozenset(self.topics[name].name for name in names)

    def outputs(self) -> dict[Place, OutputTopic]:
        """Every output partition, with what may lie in it."""
        emails, calls = self.names(*EMAILS), self.names(CALL_TRANSCRIPTS)
        others = self.names(CUSTOMER_PROFILES, CASE_OUTCOMES)
        rules = (
            (CLASSIFICATIONS, Kind.ANSWER, emails),
            (CLEANED_EMAILS, Kind.TEXT, emails),
            (CHURN_SCORES, Kind.ANSWER, calls),
            (DEAD_LETTERS, Kind.LETTER, emails | calls),
        )
        return {
            place: OutputTopic(
                place.topic, kind, causes, others if kind is Kind.LETTER else frozenset()
            )
            for name, kind, causes in rules
            for place in self.places(name)
        }


def output_of(record: Record) -> OutputRecord:
    """What is looked at of an output."""
    headers: dict[str, bytes | None] = dict(reversed(record.headers))  # of two the first counts
    cause = headers.get(OUTPUT_ID)
    return OutputRecord(
        record.partition,
        record.offset,
        record.key,
        record.value,
        None if cause is None else cause.decode(errors="replace"),
        headers.get("payload"),
        (_text(headers, "error-stage"), _text(headers, "error-type")),
    )


def _text(headers: Mapping[str, bytes | None], name: str) -> str:
    return (headers.get(name) or b"").decode(errors="replace")
