"""Token counts in, micro-batches out: which texts of one window run together. Pure; knows no device and no clock."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DeviceLimits:
    """What suits a device: measured on two cores with the int8 artefact, a plan for a GPU.

    Attributes:
        max_batch_tokens: rows × longest row of one run.
        threads: runs side by side.
    """

    max_batch_tokens: int
    threads: int


def device_limits(provider: str, cores: int) -> DeviceLimits:
    """The limits for a session's actual provider.

    On CPU long texts gain nothing from company (batch 32 in arrival order wastes 57 % on padding and halves the
    speed), so runs stay at 256 padded tokens, one thread each; a GPU wants few large runs, and one at a time.
    """
    if provider == "cpu":
        return DeviceLimits(max_batch_tokens=256, threads=cores)
    return DeviceLimits(max_batch_tokens=16_384, threads=1)


def cut_batches(lengths: Sequence[int], max_batch_tokens: int) -> list[list[int]]:
    """Cut one window of texts into micro-batches that waste little padding.

    Args:
        lengths: tokens of each text, each at least 1; index = place in the window.
        max_batch_tokens: rows × longest row that one run may hold. A text longer than this runs alone.

    Returns:
        Places by micro-batch, longest texts first (so that parallel runs end together). Every place appears
        exactly once; the caller puts results back into window order.

    Source: token-budget batching as in text-embeddings-inference, `core/src/queue.rs`.
    """
    batches: list[list[int]] = []
    rows_that_fit = 0
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if not batches or len(batches[-1]) >= rows_that_fit:
            batches.append([])
            rows_that_fit = max(1, max_batch_tokens // max(1, lengths[place]))
        batches[-1].append(place)
    return batches
