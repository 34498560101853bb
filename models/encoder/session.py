"""Opens an encoder's graph on a device and runs it, for `models.runtime`; the one file that knows ONNX Runtime.

Which provider, which precision suits it, and whether it is really the one that was asked for: asking ONNX
Runtime for CUDA can silently give CPU.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from models.encoder.files import EncoderConfig, EncoderError, Precision, verify_file

ProviderName = Literal["tensorrt", "cuda", "cpu"]

# Best first.
PROVIDERS: dict[ProviderName, str] = {
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
_INSTALL = "pip install 'switchboard-classifier[cpu]' (or [gpu], never both)"


class RuntimeUnavailableError(RuntimeError):
    """No session on a provider that was asked for; the message says the way out."""


class _NotHadError(Exception):
    """Why one choice of providers cannot be had."""


class InferenceError(RuntimeError):
    """A run failed on the device: out of memory, a lost device, a shape that the graph refuses."""


class Session:
    """One graph on one provider. Thread-safe: several threads may run it side by side."""

    def __init__(self, session: Any, provider: ProviderName, precision: Precision) -> None:
        self._session = session
        self.provider: ProviderName = provider
        self.precision: Precision = precision

    def run(
        self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Ids and mask, int64 [B, T] -> embeddings, float32 [B, H].

        Raises:
            InferenceError: the device failed on this batch.
        """
        feeds = {"input_ids": ids, "attention_mask": mask}
        try:
            return self._session.run(["embedding"], feeds)[0]
        except Exception as error:  # ONNX Runtime's errors share no base but this
            raise InferenceError(
                f"{type(error).__name__} on a batch of {list(ids.shape)}: {error}"
            ) from error


def open_session(
    path: Path, config: EncoderConfig, providers: Sequence[str] | str, precision: Precision | None
) -> Session:
    """Open the graph that suits the provider.

    Args:
        path: the encoder's directory.
        config: what its `encoder.json` says.
        providers: `auto`: the first of TensorRT, CUDA and CPU that works. Names, as a list or joined by
            commas: each must be had and the first must be the session's own; later ones take over nodes
            that earlier ones cannot run.
        precision: one that the directory holds, instead of the one that suits the provider.

    Raises:
        EncoderError: the graph is missing, damaged, or of no fitting precision.
        RuntimeUnavailableError: a provider that was asked for cannot be had.
    """
    try:
        import onnxruntime as ort  # noqa: PLC0415 - comes with an extra: the message must say which
    except ImportError as error:
        raise RuntimeUnavailableError(f"ONNX Runtime is not installed: {_INSTALL}") from error
    wanted = _parse(providers)
    choices: list[tuple[ProviderName, ...]] = (
        [wanted] if wanted else [(name,) for name in PROVIDERS]
    )
    reasons: list[str] = []
    for names in choices:
        try:
            return _open_on(ort, path, config, names, precision)
        except _NotHadError as error:
            reasons.append(f"{','.join(names)}: {error}")
    raise RuntimeUnavailableError(
        f"execution provider {','.join(wanted) or 'auto'} cannot be had with ONNX Runtime "
        f"{ort.__version__} ({'; '.join(reasons)}); install the extra that brings it ({_INSTALL}), "
        "check the driver, or set SWITCHBOARD_EXECUTION_PROVIDERS=cpu"
    )


def _open_on(
    ort: Any,
    path: Path,
    config: EncoderConfig,
    names: Sequence[ProviderName],
    precision: Precision | None,
) -> Session:
    built = cast("list[str]", ort.get_available_providers())  # a build list, not a probe
    if missing := [name for name in names if PROVIDERS[name] not in built]:
        raise _NotHadError(f"{','.join(missing)} is not in this build")
    chosen = _choose_precision(path, config, names[0], precision)
    file = verify_file(path, config.files[chosen])
    try:
        session = _open(ort, file, names)
    except Exception as error:  # a driver can fail in any way; ONNX Runtime's errors share no base
        raise _NotHadError(f"{type(error).__name__}: {error}") from error
    had = cast("list[str]", session.get_providers())
    if had[0] != PROVIDERS[names[0]] or any(PROVIDERS[name] not in had for name in names):
        raise _NotHadError(f"the session runs on {had}")
    return Session(session, names[0], chosen)


def _parse(providers: Sequence[str] | str) -> tuple[ProviderName, ...]:
    """The providers demanded; none when any will do."""
    names = providers.split(",") if isinstance(providers, str) else providers
    names = [name.strip().lower() for name in names]
    if names in ([], ["auto"]):
        return ()
    known: dict[str, ProviderName] = {name: name for name in PROVIDERS}
    for name in names:
        if name not in known:
            raise RuntimeUnavailableError(
                f"execution provider {name!r} is unknown; use auto or some of {list(known)}"
            )
    return tuple(known[name] for name in names)


def _choose_precision(
    path: Path, config: EncoderConfig, provider: ProviderName, precision: Precision | None
) -> Precision:
    candidates = (precision,) if precision else _PRECISIONS[provider]
    for candidate in candidates:
        if candidate in config.files:
            return candidate
    raise EncoderError(
        f"{path} holds {sorted(config.files)}, {provider} needs one of {list(candidates)}; "
        "build the encoder again"
    )


def _open(ort: Any, file: Path, names: Sequence[ProviderName]) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 3  # a provider that is not had is our error, not its warning
    # Python threads that share the session scale better than threads inside a run: 17.8k against 12.9k
    # tokens/s on two cores; spinning ones slow their neighbours further (8.6k).
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # A memory pattern is kept for every shape ever seen, and ours vary without end. The arena stays on: 2,400
    # runs of random shapes on two threads ended level at 137 MB; without it memory swung between 115 and 151.
    options.enable_mem_pattern = False
    settings = [_device_options(name) for name in names]
    return ort.InferenceSession(
        str(file), options, [PROVIDERS[name] for name in names], provider_options=settings
    )


def _device_options(name: ProviderName) -> dict[str, str]:
    # Doubling, the default, would take half of a card for one odd batch.
    return {"arena_extend_strategy": "kSameAsRequested"} if name == "cuda" else {}
