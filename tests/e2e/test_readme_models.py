"""The README's road of a model, typed: from a CSV to a live model, its next version, and back again."""

import asyncio
import csv
import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stream.demo.worker_process import WorkerProcess, environment_of
from stream.settings import Settings
from stream.simulate import World
from tests.e2e.conftest import switchboard
from tests.e2e.test_readme import README, blocks, readme_line
from tests.kafka_tools import produce, read_until

# The README's changes.toml speaks of these labels; the world has others.
AS_IN_THE_README = {"card": "card_lost", "licence": "fax"}
ROWS = 120  # enough for every line; what the encoder is tuned on takes the longest of this road


@dataclass
class Desk:
    """A folder, a broker and a models folder of a person who follows the README."""

    folder: Path
    settings: Settings
    sent: int = 0

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        """Type a line of the README; it must succeed."""
        words = shlex.split(line, comments=True)
        assert words[0] == "switchboard"
        environment = {**os.environ, **environment_of(self.settings), "COLUMNS": "200"}
        done = switchboard(*words[1:], cwd=self.folder, env=environment)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done

    def version_of_an_answer(self, mail_id: str) -> str:
        """Produce a mail; the version that its classification names."""
        mail = {"id": mail_id, "subject": "card", "body": "My card has not arrived yet"}
        topic = self.settings.topic("classifications")
        asyncio.run(
            produce(
                self.settings.kafka_bootstrap_servers,
                self.settings.topic("inbound-emails"),
                [(b"k", json.dumps(mail).encode())],
            )
        )
        self.sent += 1
        answers = asyncio.run(read_until(self.settings.kafka_bootstrap_servers, topic, self.sent))
        found = {answer["id"]: answer for one in answers if (answer := json.loads(one.value))}
        assert found[mail_id]["heads"]["topic"]
        return found[mail_id]["model"]["version"]


def write_csv(path: Path, count: int, seed: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["id", "subject", "body", "language", "attribute:custodian_bank", "label:topic"]
        )
        for row in World(seed).history(count):
            topic = str(row.labels["topic"])
            bank = row.attributes.get("custodian_bank", "")
            label = AS_IN_THE_README.get(topic, topic)
            writer.writerow([row.id, row.subject, row.body, row.language, bank, label])


@pytest.fixture
def desk(kafka: str, prefix: str, tmp_path: Path) -> Desk:
    for number, name in enumerate(("train.csv", "mails.csv", "more.csv"), start=1):
        write_csv(tmp_path / name, ROWS, number)
    [changes] = [block for block in blocks("toml") if "card_lost" in block]
    (tmp_path / "changes.toml").write_text(changes, encoding="utf-8")
    settings = Settings(
        kafka_bootstrap_servers=kafka,
        topic_prefix=prefix,
        group_id=f"{prefix}group",
        models_dir=tmp_path / "models",
    )
    return Desk(tmp_path, settings)


@pytest.fixture
def worker(desk: Desk) -> Iterator[WorkerProcess]:
    """`switchboard worker`, started before anything is approved, as the README allows."""
    process = WorkerProcess(desk.settings, None, desk.folder / "worker.log")
    yield process
    assert process.stop() == 0


@pytest.mark.timeout(240)
def test_from_a_csv_to_a_live_model_to_the_next_one_and_back(
    desk: Desk, worker: WorkerProcess
) -> None:
    desk.type(readme_line("switchboard train --name support --data train.csv"))
    desk.type(readme_line("switchboard models approve support/1"))
    worker.wait_ready()
    assert desk.version_of_an_answer("first") == "1"

    trained = desk.type(readme_line("switchboard train --name support --data mails.csv"))
    assert "card_problem" in (desk.folder / "models/support/2/report.json").read_text("utf-8")
    assert re.search(r"^support/2 ", trained.stdout, re.MULTILINE), trained.stdout
    desk.type(evaluate_line())
    assert (desk.folder / "report.html").read_text("utf-8").startswith("<!doctype html>")

    assert "support" in desk.type(readme_line("switchboard models list")).stdout
    compared = desk.type(readme_line("switchboard models compare")).stdout
    assert "topic" in compared
    desk.type(f"{readme_line('switchboard models approve support/2')} --data more.csv --force")
    until_live(desk, "2")
    desk.type(readme_line("switchboard models rollback"))
    until_live(desk, "1")


def evaluate_line() -> str:
    [line] = re.findall(r"`(switchboard evaluate [^`]*)`", README)
    return line


def until_live(desk: Desk, version: str) -> None:
    """A worker takes a moment to load; each mail on the way names the version that answered it."""
    for number in range(60):
        if desk.version_of_an_answer(f"{version}-{desk.sent}-{number}") == version:
            return
    raise AssertionError(f"version {version} did not go live")
