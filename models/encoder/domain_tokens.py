"""Gives a base model words of its own domain: tokenizer and word table grow, nothing else changes; to training.

A base model's folder in, another folder out, that `base_model` and transformers read alike. Knows no graph and no
torch.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
from tokenizers import AddedToken, Tokenizer

from models.encoder.base_weights import BaseModelError, Float32Array, Weights, read_json
from models.encoder.files import TOKENIZER_NAME

LONGEST_TOKEN = 100  # characters; a sentence among the words is a mistake
_STEM = "embeddings.word_embeddings.weight"


def extend_base(base: Path, tokens: Sequence[str], out_dir: Path) -> Path:
    """Write a base model that knows the tokens whole; equal inputs give equal bytes.

    A new token's row is the mean of the rows of the pieces it was before (Hewitt 2021, "Initializing New Word
    Embeddings for Pretrained Language Models"), so that the model starts where it was. A token is found as a whole
    word, after the tokenizer's own normalisation, and takes the space before it along.

    Args:
        base: directory of the base model.
        tokens: words of the domain; repeats and words that the tokenizer knows whole already are passed over.
        out_dir: created; it must not exist, or be empty.

    Returns:
        `out_dir`; `base` itself where every token was known already.

    Raises:
        BaseModelError: a token is empty, too long or swallowed by the tokenizer's normalisation, or a file of the
            base model is missing or damaged.
    """
    saved, tokenizer = _read_tokenizer(base), _read_tokenizer(base)
    tokenizer.no_padding()  # a setting of the file, which `saved` keeps
    tokenizer.no_truncation()
    new = [word for word in _checked(tokens) if not _is_known(tokenizer, word)]
    if not new:
        return base
    pieces = [_ids(tokenizer, word) for word in new]
    for one in (saved, tokenizer):
        one.add_tokens(
            [AddedToken(word, single_word=True, lstrip=True, normalized=True) for word in new]
        )
    places = [_place(base, tokenizer, word) for word in new]
    shutil.copytree(base, out_dir, dirs_exist_ok=True)
    saved.save(str(out_dir / TOKENIZER_NAME))
    rows = _grow_table(base, out_dir, pieces, places)
    config = cast("dict[str, Any]", read_json(base / "config.json")) | {"vocab_size": rows}
    raw = msgspec.json.format(msgspec.json.encode(config), indent=2)
    (out_dir / "config.json").write_bytes(raw + b"\n")
    return out_dir


def _checked(tokens: Sequence[str]) -> list[str]:
    words = list(dict.fromkeys(token.strip() for token in tokens))
    for word in words:
        if not word or len(word) > LONGEST_TOKEN or not word.isprintable():
            raise BaseModelError(
                f"domain token {word!r} is no word; give 1 to {LONGEST_TOKEN} printable characters"
            )
    return words


def _read_tokenizer(base: Path) -> Any:
    path = base / TOKENIZER_NAME
    if not path.is_file():
        raise BaseModelError(f"{base} has no {TOKENIZER_NAME}; save it again with a fast tokenizer")
    try:
        return cast("Any", Tokenizer.from_file(str(path)))
    except Exception as error:  # the library raises bare Exception for any bad file
        raise BaseModelError(f"{path} is no tokenizer ({error}); fetch the model again") from error


def _ids(tokenizer: Any, word: str) -> list[int]:
    # As inside a sentence: after a space, which some tokenizers keep as part of a word.
    return cast("list[int]", tokenizer.encode(f" {word}", add_special_tokens=False).ids)


def _is_known(tokenizer: Any, word: str) -> bool:
    ids = _ids(tokenizer, word)
    unknown = cast("dict[str, Any]", msgspec.json.decode(tokenizer.to_str())["model"])
    marker = unknown.get("unk_token")
    at = tokenizer.token_to_id(marker) if isinstance(marker, str) else unknown.get("unk_id")
    return len(ids) == 1 and ids[0] != at


def _place(base: Path, tokenizer: Any, word: str) -> int:
    ids, place = _ids(tokenizer, word), cast("int | None", tokenizer.token_to_id(word))
    if place is None or ids != [place]:
        raise BaseModelError(
            f"{base}: domain token {word!r} does not come out whole (ids {ids}): the tokenizer's "
            "normalisation changes it; leave it out"
        )
    return place


def _grow_table(
    base: Path, out_dir: Path, pieces: Sequence[Sequence[int]], places: Sequence[int]
) -> int:
    """Write the new rows; gives how many rows the table has now."""
    name, file, table = _find_table(base)
    rows = max(len(table), max(places) + 1)
    # Ids between the old end and the new tokens, which no text gives: a row that is no text's.
    filler = np.broadcast_to(table.mean(axis=0), (rows - len(table), table.shape[1]))
    grown = np.concatenate([table, filler])
    for ids, place in zip(pieces, places, strict=True):
        known = [x for x in ids if x < len(table)]
        grown[place] = table[known].mean(axis=0) if known else table.mean(axis=0)
    (out_dir / file.name).write_bytes(_with_array(file.read_bytes(), name, grown))
    return rows


def _find_table(base: Path) -> tuple[str, Path, Float32Array]:
    """The word table: its name in the files, the file that holds it, the rows."""
    weights = Weights(base)
    name, file = weights.find(_STEM)
    return name, file, weights[_STEM]


def _with_array(content: bytes, name: str, array: Float32Array) -> bytes:
    """A safetensors file with one array replaced; all others keep their bytes and types, bfloat16 too.

    Source: the format's description in the README of huggingface/safetensors: the header's length in eight bytes,
    the header in JSON, the arrays without gaps.
    """
    start = 8 + int.from_bytes(content[:8], "little")
    header = cast("dict[str, dict[str, Any]]", msgspec.json.decode(content[8:start]))
    others = {key: one for key, one in header.items() if key not in {name, "__metadata__"}}
    parts: list[bytes] = []
    fields: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0

    def append(key: str, kind: str, shape: Sequence[int], data: bytes) -> None:
        nonlocal end
        parts.append(data)
        fields[key] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + len(data)]}
        end += len(data)

    for key, one in sorted(others.items(), key=lambda pair: pair[1]["data_offsets"]):
        begin, stop = one["data_offsets"]
        append(key, one["dtype"], one["shape"], content[start + begin : start + stop])
    data = np.ascontiguousarray(array, np.float32)
    append(name, "F32", data.shape, data.tobytes())
    raw = msgspec.json.encode(fields)
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw + b"".join(parts)
