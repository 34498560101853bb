"""Time that passes in, calls that ended by silence or are forgotten out: staged like what a window changes.

The fold comes to the same by itself when a fragment comes after all (`Ages.at`), so nothing depends on how soon a
sweep runs: it makes room, and tells others that a call is over. Its transaction carries the offsets of the partition.
"""

import time
from collections.abc import Callable
from heapq import heappop, heappush

from msgspec.structs import replace

from stream.calls.table import CallTable

MOST_AT_ONCE = 1000  # of one transaction: about 4 MB at D = 384; the rest follows in the next


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class Ageing:
    """Sweeps a table. When nothing is due that is one look at the top of a heap.

    Args:
        table: whose calls grow old.
        clock_ms: wall clock, to be compared with the broker's append times: it should rather be slow.
    """

    def __init__(self, table: CallTable, clock_ms: Callable[[], int] = _wall_clock_ms) -> None:
        self._table = table
        self._clock_ms = clock_ms

    def is_due(self, partition: int) -> bool:
        """Whether by the clock something became of a call. Any thread may ask."""
        now_ms = self._clock_ms()
        return any(moment_ms <= now_ms for moment_ms, _ in self._table.agenda(partition)[:1])

    def sweep(
        self,
        partition: int,
        behind_ms: int | None = None,
        is_ours: Callable[[bytes], bool] = lambda _: True,
        most: int = MOST_AT_ONCE,
    ) -> int:
        """Stage what became of the calls of one partition; after the fold of the same window.

        Args:
            partition: held by the table.
            behind_ms: append time of the last record that was folded while more are waiting: what was said lies in
                them, and silence is none yet. None: the partition is read to its end, the clock says how late it is.
            is_ours: of a key; a call that other workers answer by now is theirs: what we hold of it is old.
            most: that may be staged.

        Returns:
            How many calls were staged.
        """
        now_ms = self._clock_ms()
        if behind_ms is not None:  # a time from a clock that is far ahead ends no other call
            now_ms = min(behind_ms, now_ms)
        agenda = self._table.agenda(partition)
        due: list[tuple[int, bytes]] = []
        while agenda and agenda[0][0] <= now_ms and len(due) < most:
            due.append(heappop(agenda))
        staged = 0
        for moment_ms, key in due:
            if self._table.is_staged(partition, key):  # the window says more; look again after it
                heappush(agenda, (moment_ms, key))
                continue
            state = self._table.find(partition, key)
            if state is None or not is_ours(key):
                continue  # forgotten since, or given away
            life = self._table.ages.at(state.life, now_ms)
            if life == state.life:
                heappush(agenda, (self._table.ages.due_ms(state.life), key))
                continue
            self._table.stage(partition, key, None if life is None else replace(state, life=life))
            heappush(agenda, (moment_ms, key))  # as long as the transaction has not ended
            staged += 1
        return staged
