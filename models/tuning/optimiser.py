"""How the weights of a tuning move: the optimiser of a network, and its rate at each step, to `loop`."""

from typing import Any

from models.tuning.device import torch
from models.tuning.network import Network
from models.tuning.settings import WARM_UP_SHARE, TuneSettings


def build_optimiser(network: Network, settings: TuneSettings) -> torch.optim.Optimizer:
    """AdamW; vectors (biases, norms) and heads do not decay."""
    groups: list[dict[str, Any]] = []
    for distance, layer in enumerate(reversed(network.tuned)):
        peak = settings.learning_rate * settings.layer_decay**distance
        for is_matrix in (True, False):
            own = [each for each in layer.parameters() if (each.ndim > 1) == is_matrix]
            decay = settings.weight_decay if is_matrix else 0.0
            groups.append({"params": own, "peak": peak, "lr": peak, "weight_decay": decay})
    heads = list(network.heads.parameters())
    peak = settings.head_learning_rate
    groups.append({"params": heads, "peak": peak, "lr": peak, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, fused=True)


def rate_share(step: int, total: int) -> float:
    """The learning rate's share of its highest: linearly up, then linearly down to zero."""
    warm = max(1, round(WARM_UP_SHARE * total))
    return (step + 1) / warm if step < warm else (total - step) / max(1, total - warm)
