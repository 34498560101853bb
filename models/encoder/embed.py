"""Embeds many texts with the session that serves: texts in, one embedding each out, for training and evaluation.

Length-sorted token-budget batches on a few threads; knows no labels and no files.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np

from models.heads import Float32Array
from models.runtime import Encoder

# Padded tokens per run. CPU: above 512 padding costs more than batching gains (all-MiniLM-L6-v2, int8).
BUDGET_TOKENS = {"cpu": 256}
DEVICE_BUDGET_TOKENS = 16_384
TOKENIZE_AT_ONCE = 256

Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Embedded:
    """Embeddings float32 [N, H] in the texts' order, and how many texts were longer than the encoder reads."""

    embeddings: Float32Array
    truncated: int


def embed_texts(
    encoder: Encoder, texts: Sequence[str], threads: int, advance: Advance | None = None
) -> Embedded:
    """Embed texts.

    Args:
        encoder: the session; a text's embedding does not depend on its batch-mates (1e-5).
        texts: of any length.
        threads: runs at once.
        advance: told texts done and texts in all, from this thread.

    Raises:
        ValueError: an embedding is not finite; the encoder is broken.
    """
    embeddings = np.zeros((len(texts), encoder.hidden_size), np.float32)
    with ThreadPoolExecutor(threads, "embed") as pool:
        parts = [
            texts[start : start + TOKENIZE_AT_ONCE]
            for start in range(0, len(texts), TOKENIZE_AT_ONCE)
        ]
        tokenized = [text for part in pool.map(encoder.tokenize, parts) for text in part]
        budget = BUDGET_TOKENS.get(encoder.provider, DEVICE_BUDGET_TOKENS)
        batches = _cut([len(text.ids) for text in tokenized], budget)
        running = {
            pool.submit(encoder.embed, [tokenized[place].ids for place in batch]): batch
            for batch in batches
        }
        done = 0
        for run in as_completed(running):
            embeddings[running[run]] = run.result()
            done += len(running[run])
            if advance is not None:
                advance(done, len(texts))
    if not np.isfinite(embeddings).all():
        raise ValueError("the encoder gives values that are not finite; build it again, or as fp32")
    return Embedded(embeddings, sum(text.truncated for text in tokenized))


def _cut(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Places by batch, longest texts first; rows x longest row stays in the budget, one text always fits."""
    batches: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        last = batches[-1] if batches else []
        if last and (len(last) + 1) * lengths[last[0]] <= budget:
            last.append(place)
        else:
            batches.append([place])
    return batches
