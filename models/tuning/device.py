"""Where an encoder is tuned, and in which arithmetic: imports torch for this house, with the settings it needs."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

# Before torch: threads that spin while they wait slow their neighbours (an epoch of 8 s took up to 124 s), and cuBLAS
# sums in a fixed order only with its own workspace.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import torch

# Padded tokens of one run. CPU: shorter rows beside shorter rows; the gradients of runs are summed up. A GPU is full
# long before this, and BERT-base keeps about 1 MB of activations a token.
RUN_TOKENS = {"cpu": 1024, "cuda": 16_384}


@dataclass(frozen=True)
class Device:
    """A device and its arithmetic.

    Args:
        name: `cpu` or `cuda`.
        is_bf16: products are computed in bfloat16 with float32 sums; weights stay float32.
        threads: of the CPU.
    """

    name: str
    is_bf16: bool
    threads: int

    @property
    def run_tokens(self) -> int:
        """Padded tokens that one run may hold."""
        return RUN_TOKENS[self.name]

    def autocast(self) -> torch.autocast:
        """The context in which the encoder runs."""
        return torch.autocast(self.name, torch.bfloat16, enabled=self.is_bf16)


def choose_device(providers: Sequence[str] | str, threads: int) -> Device:
    """The GPU where there is one and the request allows it, else the CPU.

    Args:
        providers: as `models.runtime.Encoder` takes them: `cpu` alone keeps the GPU out.
        threads: of the CPU.
    """
    names = providers.split(",") if isinstance(providers, str) else providers
    wants_cpu = [name.strip().lower() for name in names] == ["cpu"]
    if torch.cuda.is_available() and not wants_cpu:
        return Device("cuda", torch.cuda.is_bf16_supported(), threads)
    # all-MiniLM-L6-v2, a step of 64 texts of 16 tokens: with AVX512-BF16 0.50 s instead of 0.95 s, with AMX 0.33
    # instead of 0.62 s. Elsewhere bfloat16 is imitated, and slower than float32.
    has_bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # torch offers no public name
    return Device("cpu", has_bf16, threads)


@contextmanager
def reproducible(device: Device, seed: int) -> Iterator[None]:
    """Seed torch, fix its threads and its order of summing; undone at the end, for whatever else uses torch."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(device.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with torch.random.fork_rng([0] if device.name == "cuda" else []):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)
