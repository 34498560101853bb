"""One value at a time from one stage to the next; the giver waits for room before it makes the value."""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Handoff(Generic[T]):
    """A place for one value between two tasks. `room` first, `put` then; `take` gives None once it is closed."""

    def __init__(self) -> None:
        self._empty = asyncio.Event()
        self._empty.set()
        self._values: asyncio.Queue[T | None] = asyncio.Queue()

    async def room(self) -> None:
        """Wait until the last value was taken."""
        await self._empty.wait()

    def put(self, value: T) -> None:
        """Hand over; `room` has been awaited and there is one giver."""
        assert self._empty.is_set(), "put without room: this is a bug"
        self._empty.clear()
        self._values.put_nowait(value)

    async def take(self) -> T | None:
        """The next value, in order; None when the giver has closed."""
        value = await self._values.get()
        self._empty.set()
        return value

    def close(self) -> None:
        """No more values come."""
        self._values.put_nowait(None)
