"""Finds for each outcome its call and its profile, for `dataset`: rows of three files in, examples out.

What has nothing to be joined with is counted, not refused. Knows no file.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from models.churn.call_rows import Call
from models.churn.outcome_rows import Outcome
from models.churn.profile_rows import Profile
from models.churn.row_files import RowFile
from models.churn.vectors import Features
from models.manifest import DEFAULT_TENANT

_SHOWN_IDS = 3
T = TypeVar("T")


def everyone(_: str) -> bool:
    """Every tenant consents."""
    return True


@dataclass(frozen=True)
class Example:
    """One outcome with what was known.

    Args:
        key: tenant and call, else tenant and customer; one among the examples.
        customer: tenant and customer; `key` where the customer is unknown.
        tenant: None: no file says.
        features: the profile; None: unknown.
        call: None: outcomes are joined with no calls.
        churned: left.
        time_s: when the call began, else when the outcome was known; None: nothing says.
    """

    key: str
    customer: str
    tenant: str | None
    features: Features | None
    call: Call | None
    churned: bool
    time_s: float | None


class _Index(Generic[T]):
    """Rows by id within their tenant; a file that names no tenant is of whichever is asked for."""

    def __init__(self, rows: Iterable[tuple[str | None, str | None, T]]) -> None:
        self._by_id: defaultdict[str, dict[str | None, list[T]]] = defaultdict(dict)
        for tenant, name, row in rows:
            if name:
                self._by_id[name].setdefault(tenant, []).append(row)

    def find(self, tenant: str | None, name: str | None) -> list[T]:
        """All rows of an id."""
        own = self._by_id.get(name or "", {})
        only = next(iter(own.values())) if tenant is None and len(own) == 1 else []
        return own.get(tenant) or own.get(None) or only

    def some(self) -> str:
        """A few ids, for messages."""
        return ", ".join(repr(name) for name in list(self._by_id)[:_SHOWN_IDS])


class Join:
    """Finds what belongs to an outcome, and counts what has nothing.

    Args:
        profiles, calls: what there is; None: joined without them.
        tenant: whose examples; `default`: everybody's.
        consents: whether a tenant lets its data be learned from.
    """

    def __init__(
        self,
        profiles: RowFile[Profile] | None,
        calls: RowFile[Call] | None,
        tenant: str = DEFAULT_TENANT,
        consents: Callable[[str], bool] = everyone,
    ) -> None:
        self._tenant, self._consents = tenant, consents
        self._has_calls, self._has_profiles = calls is not None, profiles is not None
        known, spoken = profiles.rows if profiles else (), calls.rows if calls else ()
        self._profiles = _Index((one.tenant, one.customer_id, one) for one in known)
        self._calls = _Index((one.tenant, one.call_id, one) for one in spoken)
        self._calls_of = _Index((one.tenant, one.customer_id, one) for one in spoken)
        self._unheard = len(spoken)
        self._keys: set[str] = set()
        self._counts: Counter[str] = Counter()

    def example(self, outcome: Outcome) -> Example | None:
        """The example of an outcome; None: it has none, which is counted."""
        call = self._call(outcome) if self._has_calls else None
        if self._has_calls and call is None:
            return None
        tenant = (call and call.tenant) or outcome.tenant
        customer_id = (call and call.customer_id) or outcome.customer_id
        found = self._profiles.find(tenant, customer_id)
        if not found and self._has_profiles:
            if call is None:
                what = (
                    "customers without a profile" if customer_id else "calls, with no calls to join"
                )
                return self._without(f"outcomes are of {what}")
            self._counts["calls are of customers without a profile; they stay"] += 1
        tenant = tenant or (found[0].tenant if found else None)
        name = call.call_id if call else customer_id
        key = f"{tenant or ''}/{name}"
        if key in self._keys:
            return self._without("outcomes are a second one of a call or customer")
        if not self._is_usable(tenant):
            return None
        self._keys.add(key)
        return Example(
            key=key,
            customer=f"{tenant or ''}/{customer_id}" if customer_id else key,
            tenant=tenant,
            features=found[0].features if found else None,
            call=call,
            churned=outcome.churned,
            time_s=call.began_s if call and call.began_s is not None else outcome.closed_s,
        )

    def some_ids(self) -> tuple[str, str]:
        """A few ids of calls and of customers with a profile, for messages."""
        return self._calls.some(), self._profiles.some()

    def notes(self) -> list[str]:
        """What was counted, in words."""
        if self._has_calls and (left := self._unheard - len(self._keys)):
            self._counts["calls have no outcome, or none that can be used"] = left
        return [f"{count} {what}" for what, count in sorted(self._counts.items())]

    def _call(self, outcome: Outcome) -> Call | None:
        if outcome.call_id is not None:
            calls = self._calls.find(outcome.tenant, outcome.call_id)
            return calls[0] if calls else self._without("outcomes are of calls that are not there")
        calls = self._calls_of.find(outcome.tenant, outcome.customer_id)
        if len(calls) > 1:
            return self._without(
                "outcomes are of customers with several calls; say which (call_id)"
            )
        return calls[0] if calls else self._without("outcomes are of customers without a call")

    def _is_usable(self, tenant: str | None) -> bool:
        """A tenant's model never learns from another tenant, and from none that did not consent."""
        if self._tenant != DEFAULT_TENANT and tenant not in {None, self._tenant}:
            self._without("outcomes are of other tenants")
        elif not self._consents(tenant or self._tenant):
            self._without("outcomes are of tenants that did not consent to training")
        else:
            return True
        return False

    def _without(self, what: str) -> None:
        self._counts[what] += 1
