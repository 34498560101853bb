"""Which labels a tenant's mail may get, as masks that are ready before the first mail; to `models.bundle` and training.

Built once from the manifest's `schemas`. Knows neither scores nor where schemas come from.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.labels import HeadSpec

BoolArray = npt.NDArray[np.bool_]
Schemas = Mapping[str, Mapping[str, Sequence[str]]]


class SchemaMasks:
    """The masks of one model. Thread-safe: nothing in it changes.

    Args:
        schemas: tenant -> head -> the labels that its mail may get. A head that a tenant's schema does not name may
            give it nothing; a tenant that is not named may get all.
        heads: of the model, in the order of its scores.

    Raises:
        ValueError: a schema names a head or a label that the model does not have.
    """

    def __init__(self, schemas: Schemas, heads: Sequence[HeadSpec]) -> None:
        self._places = {tenant: place for place, tenant in enumerate(schemas, start=1)}
        _check(schemas, heads)
        # Per head [S + 1, L]: row 0 is for tenants without a schema.
        self._masks = [
            np.array(
                [
                    [True] * len(head.labels),
                    *(
                        [label in set(own.get(head.name, ())) for label in head.labels]
                        for own in schemas.values()
                    ),
                ],
                np.bool_,
            )
            for head in heads
        ]

    def of(self, tenants: Sequence[str] | None) -> list[BoolArray] | None:
        """Per head what each row may get, bool [B, L]; None where no tenant of the batch has a schema."""
        if tenants is None or self._places.keys().isdisjoint(tenants):
            return None
        rows = np.fromiter((self._places.get(one, 0) for one in tenants), np.int64, len(tenants))
        return [mask[rows] for mask in self._masks]  # [S + 1, L] -> [B, L]


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
