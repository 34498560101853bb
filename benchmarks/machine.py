"""Names the machine, the versions, the commit and the command of a figure, and prints it as one JSON line."""

import contextlib
import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path

import orjson

# Not every environment has all of them: onnxruntime-gpu comes instead of onnxruntime, scipy with training.
PACKAGES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "tokenizers",
    "numpy",
    "aiokafka",
    "scipy",
)


def describe() -> dict[str, object]:
    """What a figure must be read with."""
    return {
        "machine": f"{_cpu()}, {len(os.sched_getaffinity(0))} cores",
        "python": platform.python_version(),
        "versions": _versions(),
        "commit": _commit(),
        "command": shlex.join(
            [
                "python",
                "-m",
                _module(),
                *(Path(arg).name if "/" in arg else arg for arg in sys.argv[1:]),
            ]
        ),
    }


def emit(benchmark: str, **figures: object) -> None:
    """One JSON line on stdout."""
    sys.stdout.buffer.write(orjson.dumps({"benchmark": benchmark, **figures}) + b"\n")
    sys.stdout.flush()


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _module() -> str:
    return f"benchmarks.{Path(sys.argv[0]).stem}"


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def _commit() -> str:
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10"],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"
