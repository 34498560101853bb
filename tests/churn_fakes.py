"""Stand-ins for the tests of calls: a churn model made of numbers, its bundle, profiles, and who scores whom."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.churn.sums import to_fixed
from models.churn.vectors import FeatureSpace
from stream.calls.choice import sums_key
from stream.calls.fold import rows_needed
from stream.calls.state import Ages
from stream.calls.steps import CallItem
from stream.calls.table import CallTable
from stream.records import CallFragment, Source
from tests.fakes import FakeEncoder

HOUR_MS = 3_600_000
AGES = Ages(silent_ms=2 * HOUR_MS, ended_keep_ms=24 * HOUR_MS)


class FakeChurnModel:
    """A linear model with fixed weights; the interface of `models.churn.model.ChurnModel`.

    A row's probability is the same to the bit whoever its batch-mates are. `runs`: rows of each run.
    """

    def __init__(
        self,
        size: int = 16,
        projection: npt.NDArray[np.float32] | None = None,
        space: FeatureSpace | None = None,
        seed: int = 0,
    ) -> None:
        self.space = space or FeatureSpace(
            numerical=("months",),
            means=(20.0,),
            categorical={"plan": ("basic", "gold")},
            textual=("customer", "agent"),
            size=size,
        )
        self.projection = projection
        draw = np.random.default_rng(seed)
        self._weights = draw.normal(size=len(self.space.columns)).astype(np.float32)
        self._weights[self._weights == 0] = 1
        self.runs: list[int] = []

    def project(self, embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        if not self.space.textual:
            return np.zeros((len(embeddings), self.space.size), np.int64)
        return to_fixed(embeddings if self.projection is None else embeddings @ self.projection)

    def probabilities(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        self.runs.append(len(vectors))
        assert vectors.shape[1] == len(self.space.columns)
        scores = (vectors.astype(np.float64) * self._weights).sum(axis=1)  # [B, F] -> [B]
        return 1 / (1 + np.exp(-np.clip(scores / 10, -30, 30)))


class FakeChurnBundle:
    """What the fold and the compute stage look at of a `models.bundle.Bundle` of kind `churn`."""

    kind = "churn"
    heads = ()

    def __init__(
        self,
        name: str = "churn",
        version: str = "1",
        churn: FakeChurnModel | None = None,
        encoder_key: str = "encoder@fp32",
        hidden_size: int = 16,
    ) -> None:
        self.name = name
        self.version = version
        self.tenant = "default"
        self.churn = churn or FakeChurnModel(hidden_size)
        self.encoder = FakeEncoder(hidden_size, key=encoder_key)

    def golden_failure(self) -> str | None:
        return None

    def row(self, text: str) -> npt.NDArray[np.int64]:
        """What a call adds up of a text, int64 [D]; alone, so that a batch has no say."""
        (tokens,) = self.encoder.tokenize([text])
        return self.churn.project(self.encoder.embed([tokens.ids]))[0]


class FakeChurnModels:
    """Who scores whom, as `stream.tenant_models.Rules` says it."""

    def __init__(self, live: Mapping[str, Any], others: Sequence[Any] = ()) -> None:
        self._live = dict(live)
        self._named = {(one.name, one.version): one for one in (*others, *live.values())}

    def churn_for(self, tenant: str) -> Any:
        return self._live.get(tenant) or self._live.get("default")

    def bundle_named(self, name: str, version: str) -> Any:
        return self._named.get((name, version))


class FakeProfiles:
    """Profiles by (tenant, customer_id), changed at will; the interface of `stream.calls.profiles.ProfileTable`."""

    def __init__(self, known: Mapping[tuple[str, str], Any] | None = None) -> None:
        self.known = dict(known or {})

    def get_many(self, customers: Sequence[tuple[str, str]]) -> list[Any]:
        return [self.known.get(customer) for customer in customers]


def empty_table(*partitions: int, ages: Ages = AGES) -> CallTable:
    """A table that holds partitions in which nobody has called yet; without any: partition 0."""
    table = CallTable(ages)
    for partition in partitions or (0,):
        table.load(partition, (), 0)
    return table


def item(fragment: CallFragment, offset: int = 0, at_ms: int = 0, partition: int = 0) -> CallItem:
    """A fragment as it comes from the topic; its row is made by `with_rows`."""
    source = Source(topic="call-transcripts", partition=partition, offset=offset)
    return CallItem(source, fragment, at_ms)


def with_rows(items: Sequence[CallItem], table: CallTable, models: Any) -> Sequence[CallItem]:
    """The compute stage: every row that the fold will need."""
    for one, bundle in rows_needed(items, table, models):
        one.row, one.row_key = bundle.row(one.fragment.text or ""), sums_key(bundle)
    return items
