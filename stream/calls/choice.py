"""A call's state and the loaded models in, the bundle that scores it out. Loads nothing.

A call stays with the bundle it began with while that is loaded and not rolled back; otherwise it goes on with the live
one. Its sums go with it where they mean the same there, else they begin anew: what was said is not kept.
"""

import hashlib
from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary

from models.bundle import Bundle
from models.churn.model import ChurnModel
from stream.calls.state import CallState


class ChurnModels(Protocol):
    """The churn models of a worker, the same for the length of a window."""

    def churn_for(self, tenant: str) -> Bundle | None:
        """The bundle for calls of a tenant that begin now; None: there is none."""
        ...

    def bundle_named(self, name: str, version: str) -> Bundle | None:
        """A bundle that calls in progress may stay with: loaded, and not rolled back."""
        ...


class Choice(NamedTuple):
    """The bundle, and whether a state's sums go on in it."""

    bundle: Bundle
    carries: bool


_projections: WeakKeyDictionary[ChurnModel, str] = WeakKeyDictionary()


def churn_of(bundle: Bundle) -> ChurnModel:
    """The model of a bundle of kind `churn`."""
    assert bundle.churn is not None, f"{bundle.name}/{bundle.version} scores no call: this is a bug"
    return bundle.churn


def sums_key(bundle: Bundle) -> str:
    """What sums must share to be one sum: encoder with its precision, and projection. Empty: it hears no text."""
    model = churn_of(bundle)
    if not model.space.textual:
        return ""
    found = _projections.get(model)
    if found is None:
        matrix = model.projection
        found = "" if matrix is None else hashlib.sha256(matrix.tobytes()).hexdigest()[:16]
        _projections[model] = found
    return f"{bundle.encoder.key}:{found}" if found else bundle.encoder.key


def choose(state: CallState | None, tenant: str, models: ChurnModels) -> Choice | None:
    """The bundle that scores a call now; None: no model is live for its tenant.

    A bundle that another worker runs in another precision is the same bundle: its sums go on (cosine 0.995 between
    int8 and float32, facts/exactly-once.md), for otherwise each rebalance would forget what was said.
    """
    if state is not None and (own := models.bundle_named(state.model, state.version)) is not None:
        return Choice(own, carries=state.size == churn_of(own).space.size)
    live = models.churn_for(tenant)
    if live is None:
        return None
    same = state is not None and (state.sums_key, state.size) == (
        sums_key(live),
        churn_of(live).space.size,
    )
    return Choice(live, carries=same)
