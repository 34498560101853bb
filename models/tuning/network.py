"""The encoder and its heads in torch: token ids in, the unit-length embedding that serving computes and scores out.

Reads a base-model folder and writes one again; knows no rows, no loss and no optimiser.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from models.encoder.base_model import BaseModelError, read_base_model
from models.encoder.bert_graph import TINY
from models.encoder.files import TOKENIZER_NAME
from models.heads import LinearWeights
from models.tuning.device import Device, torch
from models.tuning.settings import TuneSettings

Tensor = torch.Tensor


class Network(torch.nn.Module):
    """An encoder of the BERT family with linear heads. What does not learn is frozen and draws no dropout.

    Args:
        base: folder of the base model.
        settings: which layers learn, and their dropout.
        starts: dense weights of the heads, in order.

    Raises:
        BaseModelError: the base model is none that serving could run.
    """

    def __init__(self, base: Path, settings: TuneSettings, starts: Sequence[LinearWeights]) -> None:
        super().__init__()
        plain = read_base_model(base)  # also refuses what could not be served afterwards
        self._pooling = plain.pooling
        self._pad_id = plain.pad_id
        self.encoder = _load(base, settings.dropout)
        self.heads = torch.nn.ModuleList(_linear(start) for start in starts)
        layers = _layers(self.encoder)
        first = settings.first_layer(len(layers))
        self.encoder.requires_grad_(False)
        self.tuned: list[torch.nn.Module] = [layer.requires_grad_(True) for layer in layers[first:]]

    def train(self, mode: bool = True) -> "Network":
        """Switch dropout on in the layers that learn."""
        super().train(False)
        for layer in self.tuned:
            layer.train(mode)
        return self

    def embed(self, rows: Sequence[Sequence[int]], device: Device) -> Tensor:
        """Token ids -> float32 [B, H] of length 1, as `models.encoder.bert_graph` pools and normalises."""
        ids, mask = (torch.from_numpy(part).to(device.name) for part in self._pad(rows))
        with device.autocast():
            hidden: Tensor = self.encoder(input_ids=ids, attention_mask=mask)[0]
        hidden = hidden.float()  # [B, T, H]
        # [B, T, H] -> [B, H]; the mean's denominator would not change the direction.
        is_cls = self._pooling == "cls"
        pooled = hidden[:, 0] if is_cls else (hidden * mask.unsqueeze(-1)).sum(dim=1)
        return torch.nn.functional.normalize(pooled, dim=-1, eps=TINY)

    def scores(self, embeddings: Tensor) -> list[Tensor]:
        """[B, H] -> per head [B, L]."""
        return [head(embeddings) for head in self.heads]

    def learning(self) -> dict[str, Tensor]:
        """The weights that learn, by name."""
        return {
            name: parameter
            for name, parameter in self.named_parameters()
            if parameter.requires_grad
        }

    def blend(self, begin: Mapping[str, Tensor], share: float) -> None:
        """Move the weights that learn to `begin + share * (now - begin)`."""
        with torch.no_grad():
            for name, parameter in self.learning().items():
                parameter.lerp_(begin[name], 1 - share)

    def save_base(self, base: Path, out_dir: Path) -> None:
        """Write the encoder as a base-model folder beside the files of the base that do not change."""
        if out_dir.exists():
            shutil.rmtree(out_dir)
        out_dir.mkdir(parents=True)
        encoder: Any = self.encoder
        encoder.save_pretrained(out_dir, safe_serialization=True)
        for name in (TOKENIZER_NAME, "tokenizer_config.json", "modules.json"):
            if (base / name).is_file():
                shutil.copyfile(base / name, out_dir / name)
        for config in base.glob("*/config.json"):  # `1_Pooling` of sentence-transformers
            (out_dir / config.parent.name).mkdir()
            shutil.copyfile(config, out_dir / config.parent.name / config.name)

    def _pad(self, rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        longest = max(map(len, rows))
        ids = np.full((len(rows), longest), self._pad_id, np.int64)
        mask = np.zeros((len(rows), longest), np.int64)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        return ids, mask


def _load(base: Path, dropout: float) -> torch.nn.Module:
    from transformers import AutoConfig, AutoModel, logging  # noqa: PLC0415 - seconds to import

    config = cast("Any", AutoConfig).from_pretrained(base)
    # BERT and RoBERTa name it one way, DistilBERT the other.
    names = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout")
    for name in names:
        if hasattr(config, name):
            setattr(config, name, dropout)
    options: dict[str, Any] = {
        "config": config,
        "dtype": torch.float32,
        "attn_implementation": "sdpa",
    }
    if config.model_type != "distilbert":
        options["add_pooling_layer"] = False
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # a pooler that is not read is no news
    try:
        return cast("Any", AutoModel).from_pretrained(base, **options)
    except (OSError, ValueError) as error:
        raise BaseModelError(f"{base} cannot be tuned: {error}; take another base model") from error
    finally:
        logging.set_verbosity(verbosity)


def _layers(encoder: torch.nn.Module) -> list[torch.nn.Module]:
    inner: Any = encoder
    return list(inner.transformer.layer if hasattr(inner, "transformer") else inner.encoder.layer)


def _linear(start: LinearWeights) -> torch.nn.Linear:
    labels, width = start.dense.shape
    head = torch.nn.Linear(width, labels)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(start.dense))
        head.bias.copy_(torch.from_numpy(start.bias))
    return head
