"""Where tunings keep their work: one at a time, and not for ever."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.rows.errors import DatasetError
from models.tuning.workplace import HOME_NAME, KEPT_S, LOCK_NAME, release, take_folder


def test_an_equal_training_of_another_process_is_refused_by_its_number(tmp_path: Path) -> None:
    folder = take_folder(tmp_path, "key")
    (folder / LOCK_NAME).write_text(str(os.getppid()))
    with pytest.raises(DatasetError, match=f"runs already, as process {os.getppid()}; wait for it"):
        take_folder(tmp_path, "key")
    take_folder(tmp_path, "another key")


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    folder = take_folder(tmp_path, "key")
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (folder / "checkpoint.pt").write_text("work")
    for gone in (done.stdout.strip(), "", "no number"):
        (folder / LOCK_NAME).write_text(gone)
        assert take_folder(tmp_path, "key") == folder
        assert (folder / LOCK_NAME).read_text() == str(os.getpid())
    assert (folder / "checkpoint.pt").read_text() == "work"


def test_a_folder_that_was_released_is_anybodys(tmp_path: Path) -> None:
    folder = take_folder(tmp_path, "key")
    release(folder)
    release(folder)
    assert folder.is_dir()
    assert not (folder / LOCK_NAME).exists()


def test_work_that_nobody_came_back_for_is_removed_and_younger_work_stays(tmp_path: Path) -> None:
    home = tmp_path / HOME_NAME
    for name, age_s in (("old", KEPT_S + 60), ("young", KEPT_S - 3600), ("held", KEPT_S + 60)):
        (home / name).mkdir(parents=True)
        file = home / name / "checkpoint.pt"
        file.write_text("work")
        if name == "held":
            (home / name / LOCK_NAME).write_text(str(os.getppid()))
        then_s = file.stat().st_mtime - age_s
        for path in (*(home / name).iterdir(), home / name):
            os.utime(path, (then_s, then_s))
    take_folder(tmp_path, "key")
    assert sorted(path.name for path in home.iterdir()) == ["held", "key", "young"]
