"""The rule of a worker slot: who gives way when two processes were given the same one. Pure; `member` asks it.

The group is the only judge: the member that stands there under the slot's `group.instance.id` holds the slot, and
whoever joins last stands there (KIP-345). A dead predecessor looks like a living one until its session ends, and a
restarted worker must not wait for that. So a newcomer always takes the place, and what follows tells who is right:

    holder       nobody stood there when it came, or nobody took the place back from it within `CHALLENGE_S`
    challenger   somebody stood there: a predecessor that died, which never comes back, or one that lives, which does

    who finds another member in its place      what it does
    a challenger                               ends: the slot is in use
    one that was not heard for `FROZEN_S`      ends: the other one is its successor, and takes no second interruption
    a holder that was well                     takes the place back, at most `MOST_FENCES` times in `FENCES_WITHIN_S`

Producers are no judges: Kafka fences one also when its transaction only took too long.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

# A living holder notices within a heartbeat (3 s) and takes the place back; its challenger notices within another.
CHALLENGE_S = 15.0
FROZEN_S = 10.0
# Two that started in the same instant are both holders, a rival in a crash loop comes time and again: not for ever.
MOST_FENCES = 5
FENCES_WITHIN_S = 60.0


class Slot:
    """What one process knows of its slot.

    Args:
        number: the slot.
        group_id: the group it is a slot of.
        log: gets `slot_was_occupied` and `slot_taken_back`.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        number: int,
        group_id: str,
        log: Callable[..., Any],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._number = number
        self._group_id = group_id
        self._log = log
        self._clock = clock
        self._challenging = False
        self._challenge_ends_s = float("inf")
        self._fenced_at_s: deque[float] = deque()

    def enter(self) -> None:
        """Somebody stands in the place where this process joins for the first time."""
        self._challenging = True
        self._log("slot_was_occupied", slot=self._number)

    def joined(self) -> None:
        """The place is ours now; a challenge lasts from the first time on."""
        self._challenge_ends_s = min(self._challenge_ends_s, self._clock() + CHALLENGE_S)

    def refusal(self, silent_s: float) -> str | None:
        """Another member stands in our place: why to end, or None to take it back.

        Args:
            silent_s: seconds between the last time the broker heard us and now.
        """
        now_s = self._clock()
        self._fenced_at_s.append(now_s)
        while self._fenced_at_s[0] <= now_s - FENCES_WITHIN_S:
            self._fenced_at_s.popleft()
        if self._challenging and now_s < self._challenge_ends_s:
            return self._in_use("its holder took it back")
        if silent_s >= FROZEN_S:
            return self._in_use(
                f"it was taken while this process was not heard for {silent_s:.0f} s"
            )
        if len(self._fenced_at_s) > MOST_FENCES:
            times = len(self._fenced_at_s)
            return self._in_use(f"it was taken {times} times within a minute, as by a restart loop")
        self._log("slot_taken_back", slot=self._number)
        return None

    def _in_use(self, why: str) -> str:
        return (
            f"slot {self._number} is in use: another worker of group {self._group_id} has it ({why}); "
            "give each worker its own slot"
        )
