"""How many records the next window may hold, so that its device time stays near a target. Pure; reads no clock.

A window costs some 6 ms of processor time beside its records (five requests, the broker's own work included). Behind
a long queue a longer window delays nobody who is not already waiting for much longer, so it grows with the queue.
"""

FIRST_WINDOW = 32
QUEUE_SHARE = 1 / 8  # of the queue's own device time, that a window may take
MOST_TARGETS = 4
WEIGHT = 0.2  # of the newest window in the moving average: settles within some ten windows


class Pace:
    """Learns the device time of a record and turns a target time into a number of records.

    Args:
        target_s: device time that one window shall take while no queue stands; up to four times that behind one.
        max_records: the most that a window may hold.
    """

    def __init__(self, target_s: float, max_records: int) -> None:
        self._target_s = target_s
        self._max_records = max_records
        self._record_s: float | None = None

    def records(self, waiting: int = 0) -> int:
        """Most records of the next window, at least one, when so many live ones wait."""
        if self._record_s is None:
            return min(FIRST_WINDOW, self._max_records)
        record_s = max(self._record_s, 1e-6)
        queue_s = waiting * record_s
        window_s = min(max(self._target_s, queue_s * QUEUE_SHARE), MOST_TARGETS * self._target_s)
        return max(1, min(self._max_records, int(window_s / record_s)))

    def note(self, records: int, device_s: float) -> None:
        """Learn from a computed window of `records` that took the device `device_s` seconds."""
        seen_s = device_s / max(1, records)
        self._record_s = (
            seen_s
            if self._record_s is None
            else self._record_s + WEIGHT * (seen_s - self._record_s)
        )
