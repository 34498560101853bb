"""The order of reading, proved on a cluster in which work goes on between any two questions: no race is a fault."""

from collections.abc import Callable, Collection, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from stream.topics import CLASSIFICATIONS, CLEANED_EMAILS, INBOUND_EMAILS, TOPICS
from stream.verify.proof import VerifyOptions, _Proof
from stream.verify.reading import Place
from tests.unit.test_verify import KEY, VALUE, answer

SOURCE, ANSWERS, TEXTS = (
    Place(name, 0) for name in (INBOUND_EMAILS, CLASSIFICATIONS, CLEANED_EMAILS)
)
A_WINDOW = 3


class BusyCluster:
    """Stands for `reading.Cluster`: before each answer three inputs come in, and three are answered and committed."""

    def __init__(self) -> None:
        self.inputs = self.done = 0
        self.asked = 0
        for _ in range(5):
            self.work()

    def work(self) -> None:
        self.inputs += A_WINDOW
        if self.asked or self.inputs > 4 * A_WINDOW:
            self.done += A_WINDOW
        self.asked += 1

    def _ends(self, places: Collection[Place]) -> dict[Place, int]:
        self.work()
        sizes = {SOURCE: self.inputs, ANSWERS: self.done, TEXTS: self.done}
        return {place: sizes.get(place, 0) for place in places}

    async def ends(self, places: Collection[Place]) -> dict[Place, int]:
        return self._ends(places)

    async def stable_ends(self, places: Collection[Place]) -> dict[Place, int]:
        return self._ends(places)

    async def begins(self, places: Collection[Place]) -> dict[Place, int]:
        self.work()
        return dict.fromkeys(places, 0)

    async def committed(
        self, places: Collection[Place], within_s: float
    ) -> tuple[dict[Place, int], list[Place]]:
        self.work()
        return ({SOURCE: self.done} if SOURCE in places else {}), []

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
        if place == SOURCE:
            return SimpleNamespace(partition=0, offset=offset, key=KEY, value=VALUE, headers=())
        output = answer(f"{SOURCE.topic}/0/{offset}")
        headers = (("output-id", str(output.cause).encode()),)
        return SimpleNamespace(
            partition=0, offset=offset, key=output.key, value=output.value, headers=headers
        )

    async def has_record(self, place: Place, begin: int, end: int) -> bool:
        return begin < end


@pytest.mark.parametrize("wait_s", [None, 5])
async def test_a_cluster_at_work_is_clean_at_any_moment(wait_s: float | None) -> None:
    cluster: Any = BusyCluster()
    places = {topic.name: [Place(topic.name, 0)] for topic in TOPICS}
    verdict = await _Proof(cluster, places, VerifyOptions(wait_s=wait_s)).verdict()
    assert verdict.holds, verdict
    assert verdict.inputs > verdict.answers > 0
    assert verdict.waiting == verdict.inputs - verdict.answers
