"""`switchboard demo` as a newcomer runs it, shorter."""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stream.cli.demo import _file_rows
from tests.e2e.conftest import ROWS


def run_demo(models_dir: Path, *arguments: str) -> str:
    environment = {**os.environ, "SWITCHBOARD_MODELS_DIR": str(models_dir)}
    done = subprocess.run(
        [sys.executable, "-m", "stream", "demo", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(180)
def test_the_demo_shows_labels_and_rolling_scores_of_models_it_trained_and_answers_everything_once(
    models_dir: Path,
) -> None:
    shown = run_demo(models_dir, "--seconds", "8", "--rate", "15")
    assert "topic=" in shown
    assert "skipped: reply" in shown
    assert re.search(r"^call live-\S+ +[▁▂▃▄▅▆▇█]{2,} +\d+ % ", shown, re.MULTILINE), shown
    assert re.search(
        r"^\d+ calls, \d+ of them ended, [1-9]\d* fragments scored$", shown, re.MULTILINE
    )
    assert "synthetic" in shown
    assert "without an answer 0; twice 0" in shown
    assert "/metrics" in shown


@pytest.mark.timeout(180)
def test_the_demo_runs_on_a_file_of_raw_messages_and_learns_from_the_rows_beside_it(
    models_dir: Path, rows_file: Path, shared_data: Path, tmp_path: Path
) -> None:
    mails = tmp_path / "messages.test.jsonl.gz"
    shutil.copy(shared_data / "rfc822" / "messages.shared.jsonl.gz", mails)
    (tmp_path / "messages.train.jsonl.gz").write_bytes(gzip.compress(rows_file.read_bytes()))
    shown = run_demo(models_dir, "--seconds", "8", "--rate", "15", "--emails", str(mails))
    assert f"training on {ROWS} labelled rows beside {mails.name}" in shown
    assert "without an answer 0; twice 0" in shown


def test_the_demo_learns_from_the_built_in_world_where_no_rows_lie_beside(tmp_path: Path) -> None:
    alone, few = tmp_path / "alone.jsonl", tmp_path / "few.test.jsonl"
    few.with_name("few.train.jsonl").write_text('{"id":"1","body":"x","labels":{"topic":"a"}}\n')
    assert [list(_file_rows(path)) for path in (alone, few)] == [[], []]
