"""How many records the next window may hold, so that its device time stays near a target. Pure; reads no clock."""

FIRST_WINDOW = 32
WEIGHT = 0.2  # of the newest window in the moving average: settles within some ten windows


class Pace:
    """Learns the device time of a record and turns a target time into a number of records.

    Args:
        target_s: device time that one window shall take; the wait of a live record behind a running window.
        max_records: the most that a window may hold.
    """

    def __init__(self, target_s: float, max_records: int) -> None:
        self._target_s = target_s
        self._max_records = max_records
        self._record_s: float | None = None

    def records(self) -> int:
        """Most records of the next window, at least one."""
        if self._record_s is None:
            return min(FIRST_WINDOW, self._max_records)
        return max(1, min(self._max_records, int(self._target_s / max(self._record_s, 1e-6))))

    def note(self, records: int, device_s: float) -> None:
        """Learn from a computed window of `records` that took the device `device_s` seconds."""
        seen_s = device_s / max(1, records)
        self._record_s = (
            seen_s
            if self._record_s is None
            else self._record_s + WEIGHT * (seen_s - self._record_s)
        )
