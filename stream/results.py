"""An answered record in, its outputs out: answer and cleaned text, or a dead letter. Knows the topics' size limits."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from stream.classify import Item, classification
from stream.errors import FatalError, LostTransactionError, PoisonRecordError
from stream.kafka.admin import TopicState
from stream.outputs import Output, dead_letter, json_output, output_headers
from stream.topics import (
    CHURN_SCORES,
    CHURN_STATE,
    CLASSIFICATIONS,
    CLEANED_EMAILS,
    DEAD_LETTERS,
)

LEAST_LETTER_BYTES = 64 * 1024


class Results:
    """Writes what is said about a record; `topics` by name without prefix, as the cluster has them."""

    def __init__(self, topics: Mapping[str, TopicState]) -> None:
        self._topics = dict(topics)
        self._letter_bytes = topics[DEAD_LETTERS].max_message_bytes

    @property
    def smallest_limit_bytes(self) -> int:
        """Of the topics that are written to."""
        names = (CLASSIFICATIONS, CLEANED_EMAILS, CHURN_SCORES, CHURN_STATE, DEAD_LETTERS)
        return min(self._topics[name].max_message_bytes for name in names)

    def fit(self, topics: Mapping[str, TopicState], error: LostTransactionError) -> None:
        """Fit what the broker refused: a topic's limit was lowered, or a dead letter packs less than estimated.

        Args:
            topics: as the cluster has them now.
            error: the refusal.

        Raises:
            FatalError: nothing can be made smaller any more.
        """
        if topics != self._topics:
            self._topics = dict(topics)
            self._letter_bytes = topics[DEAD_LETTERS].max_message_bytes
        elif self._letter_bytes >= LEAST_LETTER_BYTES:
            self._letter_bytes //= (
                2  # larger ones keep all but their bytes, which lie at the source
            )
        else:
            message = f"{error}, though it fits the topic; raise the broker's message.max.bytes"
            raise FatalError(message) from error

    def outputs_of(self, item: Item) -> Sequence[Output]:
        """Exactly one answer, or one for `dead-letters`; never raises for what a record holds.

        An answer is a record for `churn-scores`, or one for `classifications` beside one for `cleaned-emails`.

        None at all for a record that is passed over: workers of another group answer it.
        """
        if item.passed_over:
            return ()
        now = datetime.now(UTC)
        if item.error is None:
            try:
                return self._answers(item, now)
            except PoisonRecordError as error:
                item.error = error
        letters = self._topics[DEAD_LETTERS].name
        return (dead_letter(letters, item.inbound, item.error, now, self._letter_bytes),)

    def _answers(self, item: Item, now: datetime) -> Sequence[Output]:
        headers = output_headers(item.inbound.source, item.inbound.headers)
        if item.score is not None:
            to = self._topics[CHURN_SCORES]
            return (
                json_output(to.name, item.score.call_id, item.score, headers, to.max_message_bytes),
            )
        cleaned = item.cleaned
        assert cleaned is not None, "an item is scored, cleaned or failed: this is a bug"
        answer = classification(item, now)
        to, texts = self._topics[CLASSIFICATIONS], self._topics[CLEANED_EMAILS]
        return (
            json_output(to.name, cleaned.id, answer, headers, to.max_message_bytes),
            json_output(texts.name, cleaned.id, cleaned, headers, texts.max_message_bytes),
        )
