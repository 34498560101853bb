"""An answered record in, its outputs out: answer and cleaned text, or a dead letter. Knows the topics' size limits."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from stream.classify import Item, classification
from stream.errors import PoisonRecordError
from stream.kafka.admin import TopicState
from stream.outputs import Output, dead_letter, json_output, output_headers
from stream.topics import CLASSIFICATIONS, CLEANED_EMAILS, DEAD_LETTERS


class Results:
    """Writes what is said about a record; `topics` by name without prefix, as the cluster has them."""

    def __init__(self, topics: Mapping[str, TopicState]) -> None:
        self._answers = topics[CLASSIFICATIONS]
        self._texts = topics[CLEANED_EMAILS]
        self._letters = topics[DEAD_LETTERS]

    def outputs_of(self, item: Item) -> Sequence[Output]:
        """Exactly one record for `classifications` or `dead-letters`; never raises for what a record holds."""
        source, now = item.inbound.source, datetime.now(UTC)
        answers, texts, letters = self._answers, self._texts, self._letters
        if item.error is None and item.cleaned is not None:
            cleaned, headers = item.cleaned, output_headers(source, item.inbound.headers)
            answer = classification(item, now)
            try:
                return (
                    json_output(
                        answers.name, cleaned.id, answer, headers, answers.max_message_bytes
                    ),
                    json_output(texts.name, cleaned.id, cleaned, headers, texts.max_message_bytes),
                )
            except PoisonRecordError as error:
                item.error = error
        assert item.error is not None, "an item is either cleaned or failed: this is a bug"
        return (
            dead_letter(letters.name, item.inbound, item.error, now, letters.max_message_bytes),
        )
