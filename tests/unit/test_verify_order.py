"""The order of reading, proved on a cluster in which work goes on between any two questions: no race is a fault."""

import json
from collections.abc import Callable, Collection, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from stream.kafka.admin import TopicState
from stream.tenants import ALL_ALIKE, Period, Tenants, TenantSettings
from stream.topics import CLASSIFICATIONS, CLEANED_EMAILS, INBOUND_EMAILS, TOPICS
from stream.verify.groups import Groups
from stream.verify.layout import Layout
from stream.verify.proof import VerifyOptions, _Proof
from stream.verify.reading import Place
from tests.unit.test_verify import answer

SOURCE, ANSWERS, TEXTS = (
    Place(name, 0) for name in (INBOUND_EMAILS, CLASSIFICATIONS, CLEANED_EMAILS)
)
A_WINDOW = 3
LAYOUT = Layout({topic.name: TopicState(topic.name, 1, 1_000_000) for topic in TOPICS})


def dedicated(period: Period) -> Tenants:
    return Tenants({"acme": TenantSettings(dedicated=period)})


class BusyCluster:
    """Stands for `reading.Cluster`: before each answer inputs come in, and groups answer and commit some of theirs.

    Every other input is acme's; an input's time is its offset.

    Args:
        groups: who answers what.
        paces: of each group, how far it gets at most while `A_WINDOW` inputs come in.
        stops: of each group, the offset that it never passes.
    """

    def __init__(
        self, groups: Groups, paces: Collection[int], stops: Collection[int | None]
    ) -> None:
        self.groups = groups
        self.paces, self.stops = list(paces), list(stops)
        self.inputs = 5 * A_WINDOW
        self.positions = [0] * len(groups.ids)
        self.answered: list[int] = []  # in the order of the log
        for _ in range(5):
            self.work()

    def work(self) -> None:
        self.inputs += A_WINDOW
        for group, (pace, stop) in enumerate(zip(self.paces, self.stops, strict=True)):
            begin = self.positions[group]
            end = min(begin + pace, self.inputs, self.inputs if stop is None else stop)
            self.answered += [
                offset
                for offset in range(begin, end)
                if self.groups.number_of(self.mail(offset), offset) == group
            ]
            self.positions[group] = max(begin, end)

    def mail(self, offset: int) -> bytes:
        tenant = ("acme", "globex")[offset % 2]
        return json.dumps({"id": "1", "tenant": tenant, "body": "x"}).encode()

    def _ends(self, places: Collection[Place]) -> dict[Place, int]:
        self.work()
        outputs = len(self.answered)
        sizes = {SOURCE: self.inputs, ANSWERS: outputs, TEXTS: outputs}
        return {place: sizes.get(place, 0) for place in places}

    async def ends(self, places: Collection[Place]) -> dict[Place, int]:
        return self._ends(places)

    async def stable_ends(self, places: Collection[Place]) -> dict[Place, int]:
        return self._ends(places)

    async def begins(self, places: Collection[Place]) -> dict[Place, int]:
        self.work()
        return dict.fromkeys(places, 0)

    async def first_since(
        self, places: Collection[Place], moment_ms: int
    ) -> dict[Place, tuple[int, int]]:
        self.work()
        is_there = SOURCE in places and moment_ms < self.inputs
        return {SOURCE: (moment_ms, moment_ms)} if is_there else {}

    async def committed(
        self, group: int, places: Collection[Place], within_s: float
    ) -> tuple[dict[Place, int], list[Place]]:
        self.work()
        return ({SOURCE: self.positions[group]} if SOURCE in places else {}), []

    async def records(
        self,
        spans: Mapping[Place, range],
        on_record: Callable[[Place, Any], None],
        settled_at_s: float = 0,
    ) -> dict[Place, int]:
        self.work()
        for place, span in spans.items():
            for offset in span:
                on_record(place, self.record(place, offset))
        return {}

    def record(self, place: Place, offset: int) -> Any:
        at = {"partition": 0, "offset": offset, "timestamp": offset}
        if place == SOURCE:
            return SimpleNamespace(**at, key=b"key", value=self.mail(offset), headers=())
        output = answer(f"{SOURCE.topic}/0/{self.answered[offset]}")
        headers = (("output-id", str(output.cause).encode()),)
        return SimpleNamespace(**at, key=output.key, value=output.value, headers=headers)

    async def has_record(self, place: Place, begin: int, end: int) -> bool:
        return begin < end


@pytest.mark.parametrize("wait_s", [None, 5])
@pytest.mark.parametrize(
    ("tenants", "paces", "stops"),
    [
        (ALL_ALIKE, [4], [None]),
        (dedicated(Period(0)), [4, 5], [None, None]),
        (dedicated(Period(9)), [9, 4], [None, None]),
        (dedicated(Period(9, 20)), [4, 7], [None, 21]),  # its workers went home
        (dedicated(Period(10**9)), [4, 0], [None, None]),  # and here they did not come yet
    ],
    ids=["one group", "two", "the dedicated one behind", "its time over", "its time to come"],
)
async def test_a_cluster_at_work_is_clean_at_any_moment(
    tenants: Tenants, paces: list[int], stops: list[int | None], wait_s: float | None
) -> None:
    groups = Groups("g", tenants)
    cluster: Any = BusyCluster(groups, paces, stops)
    verdict = await _Proof(cluster, LAYOUT, VerifyOptions(wait_s=wait_s), groups).verdict()
    assert verdict.holds, verdict
    assert verdict.inputs > verdict.answers > 0
    assert verdict.waiting == verdict.inputs - verdict.answers


async def test_waiting_ends_when_its_time_is_over_and_names_the_group_that_is_behind() -> None:
    groups = Groups("g", dedicated(Period(9)))
    cluster: Any = BusyCluster(groups, [9, 4], [None, 12])
    verdict = await _Proof(cluster, LAYOUT, VerifyOptions(wait_s=0), groups).verdict()
    assert verdict.overdue.names[-1].startswith(
        "inbound-emails/0: committed 12 in group g.acme, end"
    )
    assert {name for name, found in verdict.faults().items() if found.count} == {"overdue"}
