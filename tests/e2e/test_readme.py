"""What the README tells a reader to type, typed."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.rows.dataset import read_dataset
from stream.cli import app
from stream.demo.worker_process import WorkerProcess, environment_of
from stream.settings import Settings
from tests.conftest import refuse
from tests.e2e.conftest import switchboard
from tests.kafka_tools import read_until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def readme_lines(start: str) -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines() if start in line]


def readme_line(start: str) -> str:
    [line] = readme_lines(start)
    return line


@pytest.fixture
def worker(kafka: str, prefix: str, models_dir: Path, tmp_path: Path):
    """`switchboard worker --model support`, ready. The README's topic names have no prefix, so it has none."""
    settings = Settings(
        kafka_bootstrap_servers=kafka, group_id=f"{prefix}readme", models_dir=models_dir
    )
    process = WorkerProcess(settings, "support", tmp_path / "worker.log")
    process.wait_ready()
    yield process
    assert process.stop() == 0


def test_the_rows_of_the_readme_are_rows(tmp_path: Path) -> None:
    [block] = [block for block in blocks("csv") if "label:topic" in block]
    (tmp_path / "train.csv").write_text(block, encoding="utf-8")
    rows = read_dataset([tmp_path / "train.csv"]).rows
    assert [row.labels for row in rows] == [{"topic": "card_arrival"}, {"topic": "billing"}]


@pytest.mark.timeout(120)
def test_the_python_producer_and_consumer_of_the_readme_print_labels(
    kafka: str, worker: WorkerProcess
) -> None:
    [code] = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", code.replace("localhost:9092", kafka)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\S+ \{'.*topic'.*\}$", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.timeout(120)
def test_the_kcat_lines_of_the_readme_send_and_show_a_mail(
    kafka: str, worker: WorkerProcess
) -> None:
    if shutil.which("kcat") is None:
        refuse("kcat is not installed; the README's kcat lines cannot be typed")
    produce = readme_line("kcat -P").replace("localhost:9092", kafka)
    consume = readme_line("-t classifications").replace("localhost:9092", kafka)
    assert "isolation.level=read_committed" in consume
    subprocess.run(produce, shell=True, check=True, timeout=30)
    asyncio.run(read_until(kafka, "classifications", 1))
    shown = subprocess.run(
        consume, shell=True, check=True, timeout=30, capture_output=True, text=True
    )
    assert '"status":"classified"' in shown.stdout


@pytest.mark.timeout(120)
def test_the_proof_of_the_readme_proves_it(
    kafka: str, prefix: str, models_dir: Path, tmp_path: Path
) -> None:
    settings = Settings(
        kafka_bootstrap_servers=kafka,
        topic_prefix=prefix,
        group_id=f"{prefix}group",
        models_dir=models_dir,
    )
    environment = {**os.environ, **environment_of(settings)}
    worker = WorkerProcess(settings, "support", tmp_path / "worker.log")
    try:
        worker.wait_ready()
        sent = switchboard("simulate", "--count", "40", "--rate", "100", env=environment)
        assert sent.returncode == 0, sent.stderr
        commands = [line.split("#")[0].split() for line in readme_lines("switchboard verify")]
        proofs = [switchboard(*command[1:], env=environment) for command in commands]
    finally:
        assert worker.stop() == 0
    assert len(proofs) == 2
    for done in proofs:
        assert done.returncode == 0, done.stdout + done.stderr
        # mails and fragments: of the 40 records a few are profiles and outcomes
        assert re.search(r"^inputs +3\d$", done.stdout, re.MULTILINE), done.stdout
        assert done.stdout.endswith("exactly once\n")


def test_the_explained_mail_of_the_readme_is_explained_so(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("mail.eml"), tmp_path / "mail.eml")
    command = readme_line("switchboard clean --explain").split("#")[0].split()
    done = switchboard(*command[1:], cwd=tmp_path, env={**os.environ, "COLUMNS": "60"})
    assert (done.returncode, done.stderr) == (0, "")
    [shown] = [block for block in blocks("text") if block.startswith("mail")]
    assert [
        line.rstrip() for line in done.stdout.strip().splitlines()
    ] == shown.strip().splitlines()


def test_the_cleaning_of_old_mail_of_the_readme_writes_lines(tmp_path: Path) -> None:
    mail = Path(__file__).with_name("mail.eml").read_bytes()
    (tmp_path / "old.mbox").write_bytes(b"From x@y Mon Nov  3 10:00:00 2025\n" + mail)
    (tmp_path / "cases.jsonl").write_text('{"id": "1", "subject": "card", "body": "lost"}\n')
    command = readme_line("switchboard clean --keep").split(">")[0].split()
    done = switchboard(*command[1:], cwd=tmp_path)
    assert (done.returncode, done.stdout.count("\n")) == (0, 2)
    assert "Jane Doe" in done.stdout


def test_the_tenants_file_of_the_readme_is_right(tmp_path: Path) -> None:
    [block] = [block for block in blocks("toml") if "on_unknown" in block]
    (tmp_path / "tenants.toml").write_text(block)
    done = switchboard("tenants", "check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "acme" in done.stdout


def test_every_file_that_the_readme_links_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_of_the_readme_exists() -> None:
    table = re.findall(r"^\| `switchboard ([^|]*)\|", README, re.MULTILINE)
    assert len(table) >= 9
    for row in table:
        words = [word.strip("`, ") for word in row.split()]
        done = CliRunner(env={"COLUMNS": "200"}).invoke(app, [words[0], "--help"])
        assert done.exit_code == 0, f"{words}: {done.output}"
        for other in words[1:]:
            assert other in done.output, f"`switchboard {words[0]}` has no {other}"


def test_make_help_names_the_everyday_commands() -> None:
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for target in ("setup", "setup-dev", "demo", "test", "faults", "lint"):
        assert re.search(rf"^ *{target}  ", shown, re.MULTILINE)
