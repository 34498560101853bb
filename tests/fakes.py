"""Small stand-ins for the tests: an encoder without files, and a tiny base model that is built in a moment."""

import json
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from models.runtime import TokenizedText

TINY_WORDS = (  # noqa: SIM905  # a vocabulary reads better as words
    "[PAD] [UNK] [CLS] [SEP] my card is lost stolen where invoice bill wrong please help refund money back printer "
    "broken screen the a not has arrived yet hello question about i have karte rechnung"
).split()


class FakeEncoder:
    """Embeds a text as the mean of fixed random vectors of its words; the interface of `models.runtime.Encoder`."""

    def __init__(
        self, hidden_size: int = 16, max_length_tokens: int = 32, key: str = "fake"
    ) -> None:
        self.hidden_size = hidden_size
        self.max_length_tokens = max_length_tokens
        self.key = key
        self.provider = "cpu"
        self.precision = "fp32"
        self._words = np.random.default_rng(0).normal(size=(997, hidden_size)).astype(np.float32)
        self.runs: list[int] = []

    def tokenize(self, texts: Sequence[str]) -> list[TokenizedText]:
        limit = self.max_length_tokens
        ids = [
            [0, *(zlib.crc32(word.encode()) % 997 for word in text.lower().split())]
            for text in texts
        ]
        return [TokenizedText(one[:limit], len(one) > limit) for one in ids]

    def embed(self, rows: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        self.runs.append(len(rows))
        if not rows:
            return np.empty((0, self.hidden_size), np.float32)
        means = np.stack([self._words[list(row)].mean(axis=0) for row in rows])
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    def warm_up(self, max_batch_tokens: int) -> None:
        """Nothing is cold here."""


class InlinePool(Executor):
    """Runs what is submitted at once, in the caller's thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def write_tiny_bert(directory: Path, hidden_size: int = 16, layers: int = 1) -> Path:
    """Write a random BERT with its tokenizer as the hub would carry it: two heads, 64 positions."""
    directory.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(7)
    inner, words = 2 * hidden_size, len(TINY_WORDS)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (words, hidden_size),
        "embeddings.position_embeddings.weight": (64, hidden_size),
        "embeddings.token_type_embeddings.weight": (2, hidden_size),
        "embeddings.LayerNorm.weight": (hidden_size,),
        "embeddings.LayerNorm.bias": (hidden_size,),
    }
    for layer in range(layers):
        name = f"encoder.layer.{layer}."
        for part, (out, into) in {
            "attention.self.query": (hidden_size, hidden_size),
            "attention.self.key": (hidden_size, hidden_size),
            "attention.self.value": (hidden_size, hidden_size),
            "attention.output.dense": (hidden_size, hidden_size),
            "intermediate.dense": (inner, hidden_size),
            "output.dense": (hidden_size, inner),
        }.items():
            shapes[f"{name}{part}.weight"] = (out, into)
            shapes[f"{name}{part}.bias"] = (out,)
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"{name}{part}.weight"] = (hidden_size,)
            shapes[f"{name}{part}.bias"] = (hidden_size,)
    tensors = {
        name: (
            np.ones(shape, np.float32)
            if name.endswith("LayerNorm.weight")
            else draw.normal(size=shape).astype(np.float32) * 0.3
        )
        for name, shape in shapes.items()
    }
    save_file(tensors, directory / "model.safetensors")
    config = {
        "model_type": "bert",
        "hidden_size": hidden_size,
        "num_attention_heads": 2,
        "num_hidden_layers": layers,
        "intermediate_size": inner,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "max_position_embeddings": 64,
        "vocab_size": words,
    }
    (directory / "config.json").write_text(json.dumps(config))
    special = [
        {
            "id": place,
            "content": TINY_WORDS[place],
            "special": True,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
        }
        for place in range(4)
    ]
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: place for place, word in enumerate(TINY_WORDS)},
            "unk_token": "[UNK]",
        },
    }
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer))
    return directory


def write_tiny_rows(path: Path, count: int = 120) -> Path:
    """Write rows with a multi-class head, a multi-label head, and rows that miss either."""
    topics = {
        "card": "my card is lost stolen where",
        "invoice": "invoice bill wrong rechnung money",
        "hardware": "printer screen broken not",
    }
    draw = np.random.default_rng(3)
    lines: list[str] = []
    for place in range(count):
        topic = list(topics)[place % 3]
        words = draw.choice(topics[topic].split(), 4).tolist()
        tags = [word for word in ("lost", "wrong", "broken") if word in words]
        wants_refund = place % 4 == 0
        text = " ".join(
            [*words, *(["refund", "please"] if wants_refund else ["hello"]), f"n{place}x"]
        )
        labels: dict[str, object] = {"topic": topic, "tags": [*tags, *(["refund"] * wants_refund)]}
        if place % 5 == 1:
            del labels["tags"]
        if place % 7 == 1:
            del labels["topic"]
        lines.append(
            json.dumps({"id": str(place), "subject": None, "body": text, "labels": labels})
        )
    path.write_text("\n".join(lines) + "\n")
    return path
