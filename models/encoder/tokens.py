"""Turns texts into token ids, as many as the encoder reads, for `models.runtime`; alone in knowing `tokenizers`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

# Before the import: encode_batch would start a thread per core beside the threads that run the model, and
# warn at every fork. One thread tokenises about fifty times as fast as one core computes.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tokenizers import Tokenizer

# Of what fits, this share is kept from the start and the rest from the end: a mail says what it wants first.
# Source: Sun et al. 2019, "How to Fine-Tune BERT for Text Classification", section 5.3.1 (head + tail).
HEAD_SHARE = 0.75
# Tokenizers truncate after encoding, so a megabyte would be encoded whole. Real mail has 4-5 characters a token.
CHARACTERS_PER_TOKEN = 10


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """One text as the encoder reads it: ids with special tokens, and whether its middle was left out."""

    ids: list[int]
    truncated: bool


class TextTokenizer:
    """A `tokenizer.json` with our own truncation. Thread-safe; releases the GIL while it encodes.

    Args:
        path: the file; its own truncation and padding settings are ignored.
        max_length_tokens: longest row, special tokens included.

    Raises:
        ValueError: the file is no tokenizer, or the limit leaves no room for text.
    """

    def __init__(self, path: Path, max_length_tokens: int) -> None:
        try:
            self._tokenizer: Any = Tokenizer.from_buffer(path.read_bytes())
        except Exception as error:  # the library raises bare Exception for any bad file
            raise ValueError(f"{path} is no tokenizer ({error}); copy the bundle again") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._limit = max_length_tokens
        self._before, self._after = self._count_special_tokens()
        room = max_length_tokens - self._before - self._after
        if room < 2:
            raise ValueError(
                f"max_length_tokens={max_length_tokens} leaves no room for text; raise it"
            )
        self._head = max(1, round(room * HEAD_SHARE))
        self._tail = room - self._head

    @property
    def largest_id(self) -> int:
        """The largest id that any text can give."""
        vocabulary = cast("dict[str, int]", self._tokenizer.get_vocab(with_added_tokens=True))
        return max(vocabulary.values())

    def tokenize(self, texts: Sequence[str]) -> list[TokenizedText]:
        """Encode texts; the middle of one that is too long is left out, special tokens never are."""
        cut = [self._cut(text) for text in texts]
        try:
            encodings = self._tokenizer.encode_batch_fast(cut)
        except (TypeError, UnicodeError):  # a lone surrogate must not hurt its neighbours
            whole = [text.encode("utf-8", "replace").decode() for text in cut]
            encodings = self._tokenizer.encode_batch_fast(whole)
        return [
            self._shorten(encoding.ids, cut_before=len(short) < len(text))
            for encoding, short, text in zip(encodings, cut, texts, strict=True)
        ]

    def _count_special_tokens(self) -> tuple[int, int]:
        special = cast("list[int]", self._tokenizer.encode("a").special_tokens_mask)
        before = special.index(0) if 0 in special else len(special)
        after = special[::-1].index(0) if 0 in special else 0
        return before, after

    def _cut(self, text: str) -> str:
        room = self._limit * CHARACTERS_PER_TOKEN
        if len(text) <= room:
            return text
        head = round(room * HEAD_SHARE)
        return f"{text[:head]} {text[len(text) - (room - head) + 1 :]}"

    def _shorten(self, ids: list[int], *, cut_before: bool) -> TokenizedText:
        if len(ids) <= self._limit:
            return TokenizedText(ids, cut_before)
        end = len(ids) - self._after
        kept = ids[: self._before + self._head] + ids[end - self._tail : end] + ids[end:]
        return TokenizedText(kept, truncated=True)
