"""Settings in, the two Faust apps out that run beside the walk; `faust_guard` runs each.

    classifications    ─▶ the views: labels are counted, from now on
    customer-profiles  ─▶ dead letters of profiles that cannot be read, at least once, from the first record on

Faust is here for what may be late or repeated (design: the walk never depends on it). Each app has a group of its own,
`<group_id>-views` and `<group_id>-profiles`, so that the workers share its topic.
"""

from typing import Any

import faust
from faust.types import StreamT

from stream.calls.bad_profiles import ProfileLetters
from stream.errors import PoisonRecordError
from stream.faust_reader import polled, raw_topic, reading_app
from stream.kafka.clients import Log
from stream.live_counts import LiveCounts
from stream.metrics import Metrics
from stream.records import Classification, decode
from stream.settings import Settings
from stream.topics import CLASSIFICATIONS, CUSTOMER_PROFILES


def make_app(settings: Settings, counts: LiveCounts) -> faust.App:
    """The views: a new app, not started, to be made and run in the loop it will live in.

    A new group begins at the end of the topic: the counts are live counts, not history.

    Args:
        settings: Kafka's address, credentials, the group and the topic's name.
        counts: outlives the app, so a restarted app counts on.
    """
    app = reading_app(settings, f"{settings.group_id}-views", "latest")

    async def count_labels(results: StreamT[Any]) -> None:
        async for records, done in polled(results):
            for record in records:
                try:
                    counts.add(
                        decode(record.value, Classification), record.partition, record.offset
                    )
                except PoisonRecordError:
                    counts.add_undecodable(record.partition, record.offset)
            done()

    app.agent(raw_topic(app, settings.topic(CLASSIFICATIONS)), name="count_labels")(count_labels)
    return app


def make_profiles_app(settings: Settings, metrics: Metrics, log: Log) -> faust.App:
    """The dead letters of profiles: a new app, not started, to be made and run in the loop it will live in.

    A poll counts as done when the letters of all its bad profiles are in Kafka, so that none is ever missing; after a
    crash some come again, with the same `output-id`.

    Args:
        settings: Kafka's address, credentials, the group and the topics' names.
        metrics: count the letters.
        log: told when they cannot be written.
    """
    app = reading_app(settings, f"{settings.group_id}-profiles", "earliest")
    letters = ProfileLetters(settings, metrics, log)
    app.at_end = letters.close

    async def write_dead_letters(profiles: StreamT[Any]) -> None:
        async for records, done in polled(profiles):
            await letters.write(records)
            done()

    topic = raw_topic(app, settings.topic(CUSTOMER_PROFILES))
    app.agent(topic, name="write_dead_letters")(write_dead_letters)
    return app
