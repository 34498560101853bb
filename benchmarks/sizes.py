"""What an environment weighs on disk: serving, with training of heads, and the demo with its Kafka and its weights.

    python -m benchmarks.sizes

Makes each environment anew from its lock in a temporary folder, as `make setup` does. Prints JSON lines.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import describe, emit
from stream.broker.jars import cache_root

ENVIRONMENTS = {
    "serving": (320, ["serve"]),
    "with head training": (560, ["heads"]),
    "demo": (800, ["light", "weights"]),
}


def main() -> None:
    """Measure all three."""
    for name, (limit_mb, locks) in ENVIRONMENTS.items():
        with tempfile.TemporaryDirectory() as folder:
            environment = Path(folder) / "venv"
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
            files = [argument for lock in locks for argument in ("-r", f"requirements/{lock}.txt")]
            python = environment / "bin" / "python"
            uv = Path(sys.executable).with_name("uv")
            command = [
                uv,
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--require-hashes",
                "--python",
                python,
            ]
            subprocess.run([*command, "--link-mode", "copy", *files], check=True)
            size = disk_bytes(environment)
        size += disk_bytes(cache_root()) if name == "demo" else 0
        emit(
            "sizes",
            environment=name,
            megabytes=round(size / 1e6),
            limit_megabytes=limit_mb,
            **describe(),
        )


def disk_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; a file that is linked twice counts once."""
    found = {
        (info.st_dev, info.st_ino): info.st_size
        for path in folder.rglob("*")
        if (info := path.lstat())
    }
    return sum(found.values())


if __name__ == "__main__":
    main()
