"""What a base model's JSON files say it is: an encoder or not, who writes its graph, how it pools; reads no weights."""

from pathlib import Path
from typing import Any, Literal, cast

from models.encoder.base_weights import BaseModelError, read_json

Pooling = Literal["mean", "cls"]

# Written by `bert_graph` without torch.
_WRITTEN = ("bert", "distilbert", "roberta", "xlm-roberta", "camembert")
# Exported by `export` with the extra `train`; each is compared with transformers in the tests.
_EXPORTED = ("mpnet", "electra", "deberta", "deberta-v2", "albert")


def check_base_model(path: Path) -> None:
    """Refuse a base model that can never serve, from its `config.json` alone, before anything long starts.

    Raises:
        BaseModelError: it is no encoder of text, or one of an unknown kind, or `config.json` is missing or damaged.
    """
    config = cast("dict[str, Any]", read_json(path / "config.json"))
    kind = str(config.get("model_type", ""))
    takes = f"take an encoder: {', '.join((*_WRITTEN, *_EXPORTED))}"
    if config.get("is_encoder_decoder") or config.get("is_decoder"):
        raise BaseModelError(f"{path}: {kind!r} is a decoder, it writes text; {takes}")
    if kind not in (*_WRITTEN, *_EXPORTED):
        raise BaseModelError(
            f"{path}: model type {kind!r} is no encoder of text that is known here; {takes}"
        )


def is_written_here(path: Path) -> bool:
    """Whether `bert_graph` writes it, without torch."""
    return str(read_json(path / "config.json").get("model_type", "")) in _WRITTEN


def read_pooling(path: Path) -> Pooling:
    """`1_Pooling` of sentence-transformers; a plain encoder is mean pooled.

    Raises:
        BaseModelError: it has a module or a pooling that would be lost.
    """
    if not (path / "modules.json").is_file():
        return "mean"
    directory = "1_Pooling"
    for module in cast("list[dict[str, str]]", read_json(path / "modules.json")):
        kind = module["type"].rsplit(".", 1)[-1]
        if kind not in {"Transformer", "Pooling", "Normalize"}:
            raise BaseModelError(
                f"{path}: module {kind!r} of modules.json would be lost; take a base model without it"
            )
        directory = module["path"] if kind == "Pooling" else directory
    config = read_json(path / directory / "config.json")
    modes = [name for name, on in config.items() if name.startswith("pooling_mode_") and on is True]
    known: dict[tuple[str, ...], Pooling] = {
        ("pooling_mode_mean_tokens",): "mean",
        ("pooling_mode_cls_token",): "cls",
    }
    if tuple(modes) not in known:
        raise BaseModelError(f"{path}: pooling {modes} is not supported; mean and cls are")
    return known[tuple(modes)]
