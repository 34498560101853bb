"""The README's road of calls, typed: two tables and a file of calls in, rolling scores out."""

import asyncio
import csv
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

from models.churn.dataset import ChurnFiles, read_churn_data
from models.rows.errors import DatasetError
from stream.calls.call_lines import CallLines
from stream.calls.profile_records import read_profile
from stream.demo.worker_process import WorkerProcess, environment_of
from stream.records import CallFragment, ChurnScore, decode
from stream.settings import Settings
from stream.simulate import Case, cases
from tests.conftest import refuse
from tests.e2e.conftest import switchboard
from tests.e2e.test_readme import blocks, readme_line
from tests.kafka_tools import read_until

PAST, TODAY = 60, 2


def block(language: str, word: str) -> str:
    [found] = [one for one in blocks(language) if word in one]
    return found


def call_line(case: Case) -> str:
    pieces = [
        {"seq": seq, "speaker": turn.speaker, "text": turn.text}
        for seq, turn in enumerate(case.turns)
    ]
    return json.dumps(
        {"call_id": case.call_id, "customer_id": case.customer_id, "fragments": pieces}
    )


def write_files(folder: Path) -> Sequence[Case]:
    """What the reader has, in the form of the README's examples; today's calls."""
    past, today = list(islice(cases(3, "past"), PAST)), list(islice(cases(3, "live"), TODAY))
    with (folder / "profiles.csv").open("w", newline="") as file:
        header = block("csv", "contract").splitlines()[0].split(",")
        rows = csv.DictWriter(file, header, extrasaction="ignore")
        rows.writeheader()
        for case in (*past, *today):
            rows.writerow({"customer_id": case.customer_id, **case.features})
    outcomes = [f"{case.call_id},{'yes' if case.churned else 'no'}" for case in past]
    (folder / "outcomes.csv").write_text("\n".join(["call_id,churned", *outcomes]))
    (folder / "calls.jsonl").write_text("\n".join(map(call_line, past)))
    (folder / "today.jsonl").write_text("\n".join(map(call_line, today)))
    (folder / "features.toml").write_text(block("toml", "textual"))
    return today


@pytest.mark.timeout(240)
def test_from_two_tables_and_a_file_of_calls_to_rolling_scores(
    kafka: str, prefix: str, models_dir: Path, tmp_path: Path
) -> None:
    if shutil.which("kcat") is None:
        refuse("kcat is not installed; the README's kcat lines cannot be typed")
    today = write_files(tmp_path)
    settings = Settings(
        kafka_bootstrap_servers=kafka,
        topic_prefix=prefix,
        group_id=f"{prefix}group",
        models_dir=models_dir,
    )
    environment = {**os.environ, **environment_of(settings), "COLUMNS": "100"}

    def typed(start: str) -> str:
        words = shlex.split(readme_line(start), comments=True)
        done = switchboard(*words[1:], cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    worker = WorkerProcess(settings, None, tmp_path / "worker.log")
    try:
        typed("switchboard train-churn --name leaving")
        typed("switchboard models approve leaving/1")
        worker.wait_ready()
        typed("switchboard simulate --profiles")
        spoken = sum(len(case.turns) + 1 for case in today)  # and an end
        asyncio.run(read_until(kafka, f"{prefix}churn-scores", spoken))
    finally:
        assert worker.stop() == 0
    consume = readme_line("-t churn-scores").replace("localhost:9092", kafka)
    shown = subprocess.run(
        consume.replace("-t ", f"-t {prefix}"),
        shell=True,
        check=True,
        timeout=30,
        capture_output=True,
        text=True,
    )
    live = [decode(line.encode(), ChurnScore) for line in shown.stdout.splitlines()]
    assert len(live) == spoken
    assert sum(one.final for one in live) == TODAY
    assert all(one.profile_known for one in live if one.seq)
    explained = typed("switchboard score-calls --model leaving")
    for word in ("customer", "leaves", "fragments", "parts", "features"):
        assert f"\n{word} " in explained
        assert f"\n{word} " in block("text", "before the first word")


def test_the_records_of_calls_in_the_readme_are_records(tmp_path: Path) -> None:
    fragment, profile = block("json", '"partial": false, "event"').splitlines()
    assert decode(fragment.encode(), CallFragment).speaker == "customer"
    found = read_profile(b"default/T1", profile.encode())
    assert found is not None
    assert found.features == {"tenure_months": 7, "contract": "monthly"}
    assert decode(block("json", '"contribution"').encode(), ChurnScore).fragments == 5


def test_the_files_of_calls_in_the_readme_are_such(tmp_path: Path) -> None:
    [line] = block("json", '"fragments": [').splitlines()
    assert [one.speaker for one in CallLines("f", "default").of_line(line.encode())] == [
        "agent",
        "customer",
    ]
    files = {
        "calls.jsonl": line,
        "profiles.csv": block("csv", "contract"),
        "outcomes.csv": block("csv", "churned"),
        "features.toml": block("toml", "textual"),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    paths = [
        tmp_path / name for name in ("features.toml", "outcomes.csv", "profiles.csv", "calls.jsonl")
    ]
    with pytest.raises(DatasetError) as told:  # all is read; two calls are too few to learn from
        read_churn_data(ChurnFiles(*paths))
    print(told.value)
