"""Groups of records in, one stream with a moment for each out: mails by the rate, calls at the pace of speech.

A group is what belongs together: one mail, or the records of one call. Pure: knows neither clock nor Kafka.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count

from stream.simulate.outgoing import OutgoingRecord

Group = Sequence[OutgoingRecord]


def paced(groups: Iterable[Group], rate_per_s: float, pace: float) -> Iterator[OutgoingRecord]:
    """The records of all groups in the order of their moments; as many calls are in progress as it takes.

    Args:
        groups: may be endless.
        rate_per_s: of all records in the mean: a group begins when those before it, at this rate, would all be sent.
        pace: how many times faster than speech a call goes.

    Yields:
        Records with `due_s`; those of one group stay in their order.
    """
    waiting: list[tuple[float, int, OutgoingRecord]] = []
    numbers, begun = count(), 0
    for group in groups:
        begins_s = begun / rate_per_s
        while waiting and waiting[0][0] <= begins_s:
            due_s, _, record = heapq.heappop(waiting)
            yield replace(record, due_s=due_s)
        for record in group:
            heapq.heappush(waiting, (begins_s + record.after_s / pace, next(numbers), record))
        begun += len(group)
    while waiting:
        due_s, _, record = heapq.heappop(waiting)
        yield replace(record, due_s=due_s)


def mixed(mails: Iterable[OutgoingRecord], calls: Iterable[Group], share: float) -> Iterator[Group]:
    """Mails and calls beside each other, until one of them ends.

    Args:
        mails: each a group of its own.
        calls: the records of each.
        share: of all records, those of calls, in 0…1.
    """
    mail_source, call_source = iter(mails), iter(calls)
    sent = of_calls = 0
    while True:
        is_call = of_calls < share * (sent + 1)
        group = next(call_source, None) if is_call else [*_one(mail_source)]
        if not group:
            return
        sent += len(group)
        of_calls += len(group) if is_call else 0
        yield group


def _one(source: Iterator[OutgoingRecord]) -> Iterator[OutgoingRecord]:
    if (record := next(source, None)) is not None:
        yield record
