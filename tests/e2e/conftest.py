"""One small model for all end-to-end tests, trained by the command a user types, on the built-in world's past."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from stream.simulate import World

ROWS = 300


def switchboard(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "stream", *arguments],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture(scope="session")
def rows_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "train.jsonl"
    path.write_bytes(msgspec.json.Encoder().encode_lines(list(World(seed=5).history(ROWS))))
    return path


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory, rows_file: Path) -> Path:
    """A models folder with `support/1` in it."""
    path = tmp_path_factory.mktemp("models")
    done = switchboard(
        "train",
        "--name",
        "support",
        "--data",
        str(rows_file),
        "--recipe",
        "quick",
        "--models-dir",
        str(path),
    )
    assert done.returncode == 0, done.stderr
    assert "support/1" in done.stdout
    assert "accuracy" in done.stdout
    return path
