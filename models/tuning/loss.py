"""The joint loss of all heads, where each row counts for the heads that it answers. Knows no encoder."""

from collections.abc import Sequence

import numpy as np

from models.heads import Float32Array
from models.tuning.device import torch
from models.tuning.task import IntArray, TuneHead

Tensor = torch.Tensor


def batch_loss(
    scores: Sequence[Tensor],
    heads: Sequence[TuneHead],
    run: IntArray,
    batch: IntArray,
    taught_share: float,
) -> Tensor:
    """What one run adds to the loss of its batch, a scalar; the sum over a batch's runs is the batch's loss.

    A head's loss is the mean over the rows of the batch that answer it, so that rows without an answer neither count
    nor dilute; heads are summed by weight over the sum of the weights. Multi-class: cross-entropy; multi-label: binary
    cross-entropy, summed over the labels.

    Args:
        scores: per head [R, L], of the run's rows.
        heads: in the same order.
        run: places of its rows among those of the heads.
        batch: places of the whole batch's rows.
        taught_share: how far what is learned lies on the way from a row's answer to what it is taught.
    """
    weights = sum(head.weight for head in heads)
    total = torch.zeros((), device=scores[0].device)
    for own, head in zip(scores, heads, strict=True):
        known = head.known[run]
        if known.any() and head.weight:
            count = int(head.known[batch].sum())
            rows = own[torch.from_numpy(known).to(own.device)]  # [R, L] -> [K, L]
            places = run[known]
            answers, taught = head.targets[places], head.taught[places]
            wanted = answers + taught_share * (taught - answers)
            summed = summed_loss(rows, head, wanted.astype(np.float32))
            total = total + summed * (head.weight / weights / count)
    return total


def summed_loss(scores: Tensor, head: TuneHead, wanted: Float32Array) -> Tensor:
    """The loss of rows that answer the head: scores [K, L] against what is wanted [K, L] -> scalar."""
    targets = torch.from_numpy(wanted).to(scores.device)
    if head.kind == "multiclass":
        return torch.nn.functional.cross_entropy(scores, targets, reduction="sum")
    return torch.nn.functional.binary_cross_entropy_with_logits(scores, targets, reduction="sum")


def score_head(scores: Tensor, head: TuneHead, places: IntArray) -> tuple[float, float]:
    """A head's mean loss against answers, and its accuracy (multi-label: micro F1 at 0.5), of rows that answer it."""
    loss = float(summed_loss(scores, head, head.targets[places])) / max(1, len(places))
    truth = head.targets[places] > 0
    given = scores.cpu().numpy()
    if head.kind == "multiclass":
        return loss, float(truth[np.arange(len(truth)), given.argmax(axis=1)].mean())
    said = given > 0
    both = int(said.sum()) + int(truth.sum())
    return loss, 2 * float((said & truth).sum()) / both if both else 0.0
