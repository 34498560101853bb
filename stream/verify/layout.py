"""A cluster's topics in; which partitions hold inputs, which outputs, and what may lie in those out. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from stream.kafka.admin import TopicState
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
from stream.verify.ledger import Kind, OutputTopic
from stream.verify.reading import Place

EMAILS = (INBOUND_EMAILS, INBOUND_EMAILS_BULK)


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

    def outputs(self, judged: Collection[str]) -> dict[Place, OutputTopic]:
        """Every output partition, with what may lie in it; `judged`: input topics."""
        emails, nothing = self.names(*EMAILS), frozenset[str]()
        others = {CALL_TRANSCRIPTS, CUSTOMER_PROFILES, CASE_OUTCOMES} - {*judged}
        rules = [
            (CLASSIFICATIONS, Kind.ANSWER, emails, nothing),
            (CLEANED_EMAILS, Kind.TEXT, emails, nothing),
            (DEAD_LETTERS, Kind.LETTER, self.names(*judged), self.names(*others)),
        ]
        if CALL_TRANSCRIPTS in judged:
            rules.append((CHURN_SCORES, Kind.ANSWER, self.names(CALL_TRANSCRIPTS), nothing))
        return {
            place: OutputTopic(place.topic, kind, causes, unjudged)
            for name, kind, causes, unjudged in rules
            for place in self.places(name)
        }
