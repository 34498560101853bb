"""Fitting heads as a whole: what rows, schemas and options do to what is chosen."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the extra heads")

from models.fitting.fit_heads import FitOptions, FittedHead, fit_heads
from models.labels import TrainingRow
from models.rows.dataset import schemas_of

ROWS = 80


def twins() -> tuple[list[TrainingRow], np.ndarray]:
    """Two tenants with the same texts and other names for them: only the tenant tells the labels apart."""
    rows: list[TrainingRow] = []
    embeddings = np.zeros((ROWS, 8), np.float32)
    for place in range(ROWS):
        tenant, matter = ("acme", "globex")[place % 2], place // 2 % 2
        rows.append(
            TrainingRow(
                id=str(place),
                body="".join(chr(97 + int(digit)) for digit in str(place)),
                tenant=tenant,
                labels={"topic": f"{tenant}-{'card' if matter else 'loan'}"},
            )
        )
        embeddings[place, matter] = 1.0
        embeddings[place, 2 + place // 4 % 6] = 0.1
    return rows, embeddings


def fitted(schemas: dict[str, dict[str, tuple[str, ...]]]) -> FittedHead:
    rows, embeddings = twins()
    options = FitOptions(ROWS, 1, 1, schemas=schemas)
    (head,) = fit_heads(rows, embeddings, ["" for _ in rows], options, lambda *_: None).heads
    return head


def test_a_head_is_chosen_and_calibrated_under_the_schemas_that_will_serve() -> None:
    rows, _ = twins()
    alone, together = fitted(schemas_of(rows)), fitted({})
    assert max(together.choice.scores.values()) < 0.7
    assert min(alone.choice.scores.values()) == 1.0
    # right every time within a schema, so it may be surer than where half of its answers are wrong
    assert alone.choice.temperature < together.choice.temperature
