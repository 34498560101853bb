"""Runs an encoder: texts to token ids to unit-length embeddings, for `stream.engine` and `models.encoder.embed` alike.

Reads an encoder directory and holds one session; knows no heads, no labels and no Kafka.
"""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.encoder.files import EncoderError, Precision, read_config, verify_file
from models.encoder.session import (
    InferenceError,
    ProviderName,
    RuntimeUnavailableError,
    open_session,
)
from models.encoder.tokens import TextTokenizer, TokenizedText

__all__ = ["Encoder", "EncoderError", "InferenceError", "RuntimeUnavailableError", "TokenizedText"]


class Encoder:
    """One encoder on one device. Thread-safe: several threads may tokenize and embed side by side.

    Args:
        path: directory with `encoder.json`, `tokenizer.json` and the graphs; every file used is verified.
        providers: `auto` takes the first of TensorRT, CUDA and CPU that works; names are a demand: the first
            must run the model and each must be had.
        threads: how many threads will call `embed` at once; each uses one core.
        precision: a precision that the directory holds, instead of the one that suits the provider.

    Raises:
        EncoderError: the directory is missing, damaged or inconsistent.
        RuntimeUnavailableError: a provider that was asked for cannot be had.
    """

    def __init__(
        self,
        path: Path,
        providers: Sequence[str] | str = "auto",
        threads: int = 1,
        precision: Precision | None = None,
    ) -> None:
        self._config = read_config(path)
        self._threads = threads
        tokenizer_path = verify_file(path, self._config.tokenizer)
        try:
            self._tokenizer = TextTokenizer(tokenizer_path, self._config.max_length_tokens)
        except ValueError as error:
            raise EncoderError(str(error)) from error
        if self._tokenizer.largest_id >= self._config.vocabulary_rows:
            # CUDA's Gather does not check: such an id would read foreign memory.
            raise EncoderError(
                f"{path}: token id {self._tokenizer.largest_id} has no row in the word table "
                f"({self._config.vocabulary_rows} rows); tokenizer and graph do not belong together"
            )
        self._session = open_session(path, self._config, providers, precision)

    @property
    def provider(self) -> ProviderName:
        """The provider that the session really runs on."""
        return self._session.provider

    @property
    def precision(self) -> Precision:
        """The graph's arithmetic."""
        return self._session.precision

    @property
    def key(self) -> str:
        """Content hash of graph, tokenizer, pooling and token limit; batches mix only equal keys."""
        return self._config.key(self._session.precision)

    @property
    def hidden_size(self) -> int:
        """Length of an embedding."""
        return self._config.hidden_size

    @property
    def max_length_tokens(self) -> int:
        """Longest row, special tokens included."""
        return self._config.max_length_tokens

    def tokenize(self, texts: Sequence[str]) -> list[TokenizedText]:
        """Encode texts in order; of a text that is too long, head and tail are kept."""
        return self._tokenizer.tokenize(texts)

    def embed(self, rows: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        """Compute one embedding per row of token ids, padding to the longest row.

        Args:
            rows: token ids with special tokens, each 1 to `max_length_tokens` long.

        Returns:
            float32 [B, H], rows in order and of length 1; `[0, H]` without rows. A row does not depend
            on its batch-mates (1e-5). A row that is not finite must be recognised by the caller.

        Raises:
            InferenceError: the device failed on this batch.
        """
        if not rows:
            return np.empty((0, self.hidden_size), np.float32)
        ids, mask = _pad(rows, self._config.pad_id)
        assert ids.shape[1] <= self.max_length_tokens, (
            f"a row of {ids.shape[1]} tokens, limit {self.max_length_tokens}; this is a bug"
        )
        return self._session.run(ids, mask)

    def warm_up(self, max_batch_tokens: int) -> None:
        """Run the shapes that traffic will bring, longest rows and fullest batches, on all threads at once.

        Afterwards the first real batch is no slower than later ones, and memory is near its plateau.
        """
        lengths = {2, 16, 64, self.max_length_tokens // 2, self.max_length_tokens}
        shapes = [
            (max(1, max_batch_tokens // length), length)
            for length in sorted(lengths)
            if length <= self.max_length_tokens
        ]
        batches = [[[self._config.pad_id] * length] * rows for rows, length in shapes]
        with ThreadPoolExecutor(self._threads, "warm-up") as pool:
            for batch in batches:
                list(pool.map(self.embed, [batch] * self._threads))


def _pad(
    rows: Sequence[Sequence[int]], pad_id: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of different lengths -> ids and mask, int64 [B, T]."""
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    assert lengths.min() > 0, "a row without tokens; this is a bug: special tokens are always there"
    places = np.arange(lengths.max(), dtype=np.int64)
    real: npt.NDArray[np.bool_] = places[None, :] < lengths[:, None]  # [1, T] < [B, 1] -> [B, T]
    ids = np.full(real.shape, pad_id, np.int64)
    # One pass over all tokens; row-major order of the mask is the order of the rows.
    ids[real] = np.fromiter(itertools.chain.from_iterable(rows), np.int64, int(lengths.sum()))
    return ids, real.astype(np.int64)
