"""Which labels a tenant's mail may get, as masks that are ready before the first mail; to `models.bundle` and training.

Built once from the manifest's `schemas`. Knows neither scores nor where schemas come from.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.labels import HeadSpec

BoolArray = npt.NDArray[np.bool_]
Schemas = Mapping[str, Mapping[str, Sequence[str]]]

# Among tenants of schemas: all those that are not named there.
EVERYONE = "*"
# What mail says that is no named tenant's.
UNNAMED = frozenset({"", "default"})


class SchemaMasks:
    """The masks of one model. Thread-safe: nothing in it changes.

    Args:
        schemas: tenant -> head -> the labels that its mail may get. A head that a tenant's schema does not name may
            give it nothing. A tenant that is not named may get the labels of `EVERYONE`; all where that is no key.
        heads: of the model, in the order of its scores.

    Raises:
        ValueError: a schema names a head or a label that the model does not have.
    """

    def __init__(self, schemas: Schemas, heads: Sequence[HeadSpec]) -> None:
        _check(schemas, heads)
        everyone = {head.name: head.labels for head in heads}
        named = [tenant for tenant in schemas if tenant != EVERYONE]
        self._places = {tenant: place for place, tenant in enumerate(named, start=1)}
        # Per head [S + 1, L]: row 0 is for tenants that are not named.
        own = [schemas.get(EVERYONE, everyone), *(schemas[tenant] for tenant in named)]
        self._masks = [
            np.array([_mask(head, labels.get(head.name, ())) for labels in own], np.bool_)
            for head in heads
        ]
        self._is_open = EVERYONE not in schemas

    def of(self, tenants: Sequence[str]) -> list[BoolArray] | None:
        """Per head what each row may get, bool [B, L]; None: all rows may get everything.

        Args:
            tenants: [B], whose each row is; empty: nobody's that is named.
        """
        if self._is_open and self._places.keys().isdisjoint(tenants):
            return None
        rows = np.fromiter((self._places.get(one, 0) for one in tenants), np.int64, len(tenants))
        return [mask[rows] for mask in self._masks]  # [S + 1, L] -> [B, L]


def _mask(head: HeadSpec, labels: Sequence[str]) -> list[bool]:
    allowed = set(labels)
    return [label in allowed for label in head.labels]


def _check(schemas: Schemas, heads: Sequence[HeadSpec]) -> None:
    known = {head.name: frozenset(head.labels) for head in heads}
    for tenant, own in schemas.items():
        for name, labels in own.items():
            if name not in known:
                raise ValueError(
                    f"the schema of tenant {tenant!r} names head {name!r}, there are {sorted(known)}"
                )
            if unknown := sorted(set(labels) - known[name]):
                raise ValueError(
                    f"the schema of tenant {tenant!r} allows {unknown} for head {name!r}, which it cannot give"
                )
