"""Fragments in, those whose words must be embedded out, each with its words and the bundle that says how."""

from collections.abc import Sequence

from stream.calls.choice import ChurnModels
from stream.calls.fold import rows_needed
from stream.calls.table import CallTable
from stream.classify import Item


def want_words(items: Sequence[Item], table: CallTable, models: ChurnModels) -> list[Item]:
    """The items whose words must be embedded (again), as `rows_needed` says; those with an error are left alone."""
    by_call = {
        id(item.call): item for item in items if item.call is not None and item.error is None
    }
    calls = [item.call for item in by_call.values() if item.call is not None]
    wanted: list[Item] = []
    for call, bundle in rows_needed(calls, table, models):
        item = by_call[id(call)]
        item.bundle, item.text = bundle, call.fragment.text or ""
        wanted.append(item)
    return wanted
