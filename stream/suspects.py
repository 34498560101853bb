"""A polled window in; one that may kill the process runs with no other in the stages, and that is said first."""

from collections.abc import Awaitable, Callable

from stream.errors import PoisonRecordError
from stream.flight import Flight
from stream.kafka.attempts import Marks, Offsets
from stream.window import Window


async def beware(
    window: Window, marks: Marks, flight: Flight, commit: Callable[[Offsets], Awaitable[None]]
) -> bool:
    """Wait, mark, or give a record up, as the deaths near this place ask for.

    Args:
        window: just polled and counted in `flight`; its one record gets an error where it must not run again.
        marks: what is known of its partitions.
        flight: the windows in the stages.
        commit: writes offsets with their marks.

    Returns:
        True for one suspicious record: nothing may be read until it is committed.
    """
    if (marks.solo | marks.careful).isdisjoint(window.offsets):
        return False
    await flight.until(1)
    if marks.solo.isdisjoint(window.offsets):
        return False
    alone = marks.alone(window.offsets)
    if alone is not None:
        await commit(alone)
        return True
    marks.clear(window.offsets)
    message = "it ended the worker twice while alone in its window; it was not run again"
    window.items[0].error = PoisonRecordError("worker", "worker-killed", message)
    return True
