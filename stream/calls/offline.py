"""Fragments of files in, a score for each out, by the fold of live calls: what `score-calls` is made of.

One table in memory is all partitions. It keeps the calls that were heard of last; nothing in it ages, for files have
no append times. Knows no Kafka, no file, and neither encoder nor profiles but through what it is given.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from models.bundle import Bundle
from stream.calls.fold import Profiles, fold_window
from stream.calls.reading import checked
from stream.calls.state import Ages, CallState, state_key
from stream.calls.steps import CallItem
from stream.calls.table import CallTable
from stream.calls.words import want_words
from stream.classify import Item
from stream.encoding import tokenize
from stream.errors import PoisonRecordError
from stream.outputs import Inbound
from stream.records import CallFragment, ChurnScore, Source
from stream.tenant_models import DEFAULT_TENANT

# 175 MB at 384 dimensions, 40 MB at 64: as many calls may be told at once.
MOST_CALLS = 50_000
_PARTITION = 0
_NEVER = Ages(2**62, 2**62)

Result = ChurnScore | PoisonRecordError


class Computes(Protocol):
    """The engine, as far as words go."""

    async def compute(self, items: Sequence[Item]) -> None:
        """Give every item with words its row, or its error."""
        ...


class OneModel:
    """One bundle scores all calls; that of a tenant its own alone."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def churn_for(self, tenant: str) -> Bundle | None:
        """The bundle, where it may score the tenant's calls."""
        return self._bundle if self._bundle.tenant in (DEFAULT_TENANT, tenant) else None

    def bundle_named(self, name: str, version: str) -> Bundle | None:
        """The bundle: no call began with another one."""
        return self._bundle


class FileCalls:
    """The calls of some files while they are read.

    Args:
        engine: computes words.
        bundle: scores.
        profiles: what is known of customers.
        forgets: told of each call before it is given up, because `most_calls` others were heard of since.
        most_calls: that are kept.

    Attributes:
        forgotten: calls that were given up.
    """

    def __init__(
        self,
        engine: Computes,
        bundle: Bundle,
        profiles: Profiles,
        forgets: Callable[[CallState], None] | None = None,
        most_calls: int = MOST_CALLS,
    ) -> None:
        self._engine = engine
        self._bundle = bundle
        self._models = OneModel(bundle)
        self._profiles = profiles
        self._forgets = forgets
        self._most_calls = most_calls
        self.forgotten = 0
        self._table = CallTable(_NEVER)
        self._table.load(_PARTITION, (), 0)
        self._heard: OrderedDict[bytes, None] = OrderedDict()

    async def score(
        self, fragments: Sequence[tuple[Source, CallFragment]], now_ms: int
    ) -> list[Result]:
        """Score the fragments of one window, in order.

        Raises:
            InferenceError: the churn model's run failed.
            FatalError: the device fails on what it is known to answer.
        """
        items = [self._item(source, fragment) for source, fragment in fragments]
        wanted = want_words(items, self._table, self._models)
        tokenize(wanted)
        await self._engine.compute(wanted)
        folded = iter(fold_window(_calls(items), self._table, self._models, self._profiles, now_ms))
        results = [next(folded) if item.error is None else item.error for item in items]
        self._keep()
        return results

    def state(self, tenant: str, call_id: str) -> CallState | None:
        """What is known of a call; None: nothing of it counted, or it was forgotten."""
        return self._table.find(_PARTITION, state_key(tenant, call_id))

    def _item(self, source: Source, fragment: CallFragment) -> Item:
        item = Item(Inbound(source, None, None, ()), 0)
        try:
            if self._models.churn_for(fragment.tenant) is None:
                raise self._not_its_tenant(fragment.tenant)
            item.call = CallItem(source, checked(fragment), 0)
        except PoisonRecordError as error:
            item.error = error
        return item

    def _not_its_tenant(self, tenant: str) -> PoisonRecordError:
        bundle = self._bundle
        return PoisonRecordError(
            "validate",
            "other-tenant",
            f"{bundle.name}/{bundle.version} learned from tenant {bundle.tenant!r} and scores no call of {tenant!r}; "
            "name a model of that tenant, or of all",
        )

    def _keep(self) -> None:
        """What the window made of its calls is so; of too many calls those not heard of for longest go."""
        for record in self._table.staged():
            self._heard[record.key] = None
            self._heard.move_to_end(record.key)
        self._table.merge({})
        while len(self._heard) > self._most_calls:
            key, _ = self._heard.popitem(last=False)
            state = self._table.find(_PARTITION, key)
            assert state is not None, "a call that was heard has a state: this is a bug"
            if self._forgets is not None:
                self._forgets(state)
            self.forgotten += 1
            self._table.stage(_PARTITION, key, None)
        self._table.merge({})
        self._table.agenda(_PARTITION).clear()


def _calls(items: Sequence[Item]) -> list[CallItem]:
    return [item.call for item in items if item.call is not None and item.error is None]
