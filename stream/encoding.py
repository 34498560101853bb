"""Records with words in, grouped for an encoder and handed their rows out: a mail meets heads, a fragment its call."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from models.bundle import Bundle
from models.runtime import Encoder
from stream.calls.choice import churn_of, sums_key
from stream.classify import Item

Row = npt.NDArray[np.float32]


def by_encoder(items: Sequence[Item]) -> list[tuple[Encoder, list[Item]]]:
    """Items that wait for a model, grouped by the encoder they share across tenants and heads."""
    groups: dict[str, tuple[Encoder, list[Item]]] = {}
    for item in items:
        if item.waits_for_model and item.bundle is not None:
            encoder = item.bundle.encoder
            groups.setdefault(encoder.key, (encoder, []))[1].append(item)
    return list(groups.values())


def answer_mails(rows: Sequence[tuple[Item, Row]]) -> None:
    """Let each row meet the heads of its own tenant's model."""
    for bundle, members in _by_bundle(rows):
        answers = bundle.predict(
            np.stack([row for _, row in members]),
            [item.text for item, _ in members],
            [item.cleaned.tenant if item.cleaned else "" for item, _ in members],
        )
        for (item, _), answer in zip(members, answers, strict=True):
            item.answers = answer


def project_fragments(rows: Sequence[tuple[Item, Row]]) -> None:
    """Let each fragment's row become what its call's model adds up."""
    for bundle, members in _by_bundle(rows):
        fixed = churn_of(bundle).project(np.stack([row for _, row in members]))  # [B, H] -> [B, D]
        for (item, _), row in zip(members, fixed, strict=True):
            assert item.call is not None, "a mail is no fragment: this is a bug"
            item.call.row, item.call.row_key = row, sums_key(bundle)


def _by_bundle(rows: Sequence[tuple[Item, Row]]) -> Iterator[tuple[Bundle, list[tuple[Item, Row]]]]:
    found: dict[int, list[tuple[Item, Row]]] = defaultdict(list)
    for item, row in rows:
        found[id(item.bundle)].append((item, row))
    for members in found.values():
        bundle = members[0][0].bundle
        assert bundle is not None, "only items with a model are computed: this is a bug"
        yield bundle, members


def tokenize(items: Sequence[Item]) -> None:
    """Give every item that waits for a model its tokens."""
    for encoder, members in by_encoder(items):
        texts = [item.text for item in members]
        for item, tokenized in zip(members, encoder.tokenize(texts), strict=True):
            item.tokens, item.truncated = tokenized.ids, tokenized.truncated
