"""The folders in which tunings keep their work: found, held by one process at a time, and cleared when long forgotten.

Knows names, process ids and ages, not what is tuned.
"""

import os
import shutil
import time
from pathlib import Path

from models.processes import is_gone
from models.rows.errors import DatasetError

HOME_NAME = ".training"
LOCK_NAME = "lock"
# A training that was killed and not asked for again by then never will be.
KEPT_S = 14 * 24 * 3600.0


def take_folder(models_dir: Path, key: str) -> Path:
    """The folder of one tuning, held by this process until `release`; leftovers of old ones are removed.

    A holder that was killed holds nothing: its process is gone.

    Args:
        models_dir: holds the work.
        key: the same for equal tunings and for no others.

    Raises:
        DatasetError: another process runs an equal tuning.
    """
    home = models_dir / HOME_NAME
    folder = home / key
    folder.mkdir(parents=True, exist_ok=True)
    _lock(folder / LOCK_NAME)
    _clear(home, folder)
    return folder


def release(folder: Path) -> None:
    """Let others have the folder; it and its work stay."""
    (folder / LOCK_NAME).unlink(missing_ok=True)


def _lock(path: Path) -> None:
    holder = _holder(path)
    if holder is not None:
        raise DatasetError(
            f"an equal training runs already, as process {holder}; wait for it, or remove {path} if it is none"
        )
    path.unlink(missing_ok=True)
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError as error:
        raise DatasetError(f"an equal training has just begun ({path}); wait for it") from error
    with os.fdopen(file, "w") as lock:
        lock.write(str(os.getpid()))


def _holder(path: Path) -> int | None:
    """The process that holds a lock; None: nobody does, or it is gone."""
    try:
        holder = int(path.read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return None
    return None if is_gone(holder) else holder


def _clear(home: Path, own: Path) -> None:
    now_s = time.time()
    for folder in home.glob("*/"):
        if folder == own or _holder(folder / LOCK_NAME) is not None:
            continue
        if now_s - _changed_s(folder) > KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)


def _changed_s(folder: Path) -> float:
    """When anything in a folder was written last, seconds since 1970."""
    return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
