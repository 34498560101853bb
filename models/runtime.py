"""Runs an encoder: texts to token ids to unit-length embeddings, for `stream.classify` and `models.train` alike.

Reads an encoder directory and holds one ONNX Runtime session; knows no heads, no labels and no Kafka. The
only file that knows ONNX Runtime.
"""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from models.encoder_files import (
    EncoderConfig,
    EncoderError,
    Precision,
    read_config,
    verify_file,
)
from models.tokens import TextTokenizer, TokenizedText

__all__ = ["Encoder", "EncoderError", "InferenceError", "RuntimeUnavailableError", "TokenizedText"]

ProviderName = Literal["tensorrt", "cuda", "cpu"]

_INSTALL = "pip install 'switchboard-classifier[cpu]' (or [gpu], never both)"
_FULL_NAMES: dict[ProviderName, str] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
# Best first. TensorRT builds its own kernels from the raw graph; int8 as written here has CPU kernels only.
_PRECISIONS: dict[ProviderName, tuple[Precision, ...]] = {
    "tensorrt": ("fp32",),
    "cuda": ("fp16", "fp32"),
    "cpu": ("int8", "fp32"),
}


class InferenceError(RuntimeError):
    """A run failed on the device: out of memory, a lost device, a shape that the graph refuses."""


class RuntimeUnavailableError(RuntimeError):
    """No session on a provider that was asked for; the message says the way out."""


@dataclass(frozen=True)
class _Loaded:
    session: Any
    provider: ProviderName
    precision: Precision


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
        loaded = _load(path, self._config, _wanted(providers), precision)
        self._session, self._provider, self._precision = (
            loaded.session,
            loaded.provider,
            loaded.precision,
        )

    @property
    def provider(self) -> ProviderName:
        """The provider that the session really runs on."""
        return self._provider

    @property
    def precision(self) -> Precision:
        """The graph's arithmetic."""
        return self._precision

    @property
    def key(self) -> str:
        """Content hash of graph, tokenizer, pooling and token limit; batches mix only equal keys."""
        return self._config.key(self._precision)

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
        feeds = {"input_ids": ids, "attention_mask": mask}
        try:
            return self._session.run(["embedding"], feeds)[0]
        except Exception as error:  # noqa: BLE001  # ONNX Runtime's errors share no base but this
            raise InferenceError(
                f"{type(error).__name__} on a batch of {list(ids.shape)}: {error}"
            ) from error

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
    real = np.arange(lengths.max()) < lengths[:, None]  # [T] < [B, 1] -> [B, T]
    ids = np.full(real.shape, pad_id, np.int64)
    # One pass over all tokens; row-major order of the mask is the order of the rows.
    ids[real] = np.fromiter(itertools.chain.from_iterable(rows), np.int64, int(lengths.sum()))
    return ids, real.astype(np.int64)


def _wanted(providers: Sequence[str] | str) -> tuple[ProviderName, ...] | None:
    """The providers demanded, or None when any will do."""
    names = [providers] if isinstance(providers, str) else list(providers)
    if names in ([], ["auto"]):
        return None
    known: dict[str, ProviderName] = {name: name for name in _FULL_NAMES}
    for name in names:
        if name not in known:
            raise RuntimeUnavailableError(
                f"execution provider {name!r} is unknown; use auto or a list of {list(known)}"
            )
    return tuple(known[name] for name in names)


def _load(
    path: Path,
    config: EncoderConfig,
    wanted: tuple[ProviderName, ...] | None,
    precision: Precision | None,
) -> _Loaded:
    try:
        import onnxruntime as ort  # noqa: PLC0415 - comes with an extra: the message must say which
    except ImportError as error:
        raise RuntimeUnavailableError(f"ONNX Runtime is not installed: {_INSTALL}") from error
    built = set(
        ort.get_available_providers()
    )  # what the package was built with, not what works here
    choices = (
        [wanted] if wanted else [(name,) for name in _FULL_NAMES if _FULL_NAMES[name] in built]
    )
    for names in choices:
        missing = [name for name in names if _FULL_NAMES[name] not in built]
        if not missing:
            chosen = _choose_precision(path, config, names[0], precision)
            file = verify_file(path, config.files[chosen])
            session = _open_session(ort, file, names)
            had = session.get_providers()
            missing = [name for name in names if _FULL_NAMES[name] not in had]
            if not missing and had[0] == _FULL_NAMES[names[0]]:
                return _Loaded(session, names[0], chosen)
    asked = ",".join(wanted or ("auto",))
    raise RuntimeUnavailableError(
        f"execution provider {asked} cannot be had here (ONNX Runtime {ort.__version__} was built with "
        f"{sorted(built)}); install the extra that brings it ({_INSTALL}), check the driver, "
        "or set SWITCHBOARD_EXECUTION_PROVIDERS=cpu"
    )


def _choose_precision(
    path: Path, config: EncoderConfig, provider: ProviderName, precision: Precision | None
) -> Precision:
    for candidate in (precision,) if precision else _PRECISIONS[provider]:
        if candidate in config.files:
            return candidate
    raise EncoderError(
        f"{path} holds {sorted(config.files)}, {provider} needs one of "
        f"{[precision] if precision else list(_PRECISIONS[provider])}; build the encoder again"
    )


def _open_session(ort: Any, file: Path, names: Sequence[ProviderName]) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 3  # falling back is our error, not its warning
    options.intra_op_num_threads = (
        1  # threads that share the session scale better than threads inside a run
    )
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.enable_mem_pattern = False
    full = [_FULL_NAMES[name] for name in names]
    return ort.InferenceSession(str(file), options, providers=full)
