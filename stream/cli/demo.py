"""Builds the demo's parts and walks its road: broker, model, worker, mail; then stops them in the other order."""

import asyncio
import itertools
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from models.labels import TrainingRow, template_with
from models.training.report import TrainRequest
from stream.broker import EmbeddedBroker
from stream.cli.say import speaker
from stream.cli.train_view import report_lines, train_with_progress
from stream.cli.wiring import cores
from stream.demo.board import Board
from stream.demo.run import Traffic, flow
from stream.demo.tally import Tally
from stream.demo.worker_process import WorkerProcess
from stream.kafka.admin import prepare_topics
from stream.records import encode
from stream.settings import Settings, load_settings
from stream.simulate import OutgoingRecord, World, labelled_rows, read_emails, training_file_beside
from stream.simulate.tenants import ATTRIBUTES
from stream.tenants_toml import load_tenants

MODEL = "demo"
HISTORY_ROWS = 1500
LEAST_LABELLED_ROWS = 200
MOST_LABELLED_ROWS = 3000


def run_demo(console: Console, seconds: float | None, emails: Path | None, rate: float) -> int:
    """Run the demo until Ctrl-C, or for `seconds` of mail; prints a summary. Returns the exit code."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="switchboard-demo-") as folder:
        # encoders stay with the user's models, so that the second demo does not build them again
        settings = load_settings(topic_prefix="", group_id="demo", worker_slot=0)
        console.print("1/4  Kafka: starting (the first time its jars are fetched: 45 MB)")
        with EmbeddedBroker(ephemeral=True) as broker:
            settings = settings.model_copy(
                update={"kafka_bootstrap_servers": broker.bootstrap_servers}
            )
            console.print(
                f"1/4  Kafka: ready at {broker.bootstrap_servers}  ({time.monotonic() - began_s:.1f} s)"
            )
            version = _train(console, settings, emails, Path(folder))
            topics = asyncio.run(prepare_topics(settings, lambda *_, **__: None))
            log_path = Path(folder) / "worker.log"
            worker = WorkerProcess(settings, f"{MODEL}/{version}", log_path)
            try:
                worker.wait_ready()
                metrics = f"http://127.0.0.1:{worker.metrics_port}/metrics"
                console.print(
                    f"3/4  worker: ready, {metrics}  ({time.monotonic() - began_s:.1f} s)"
                )
                footer = f"kafka {broker.bootstrap_servers}   topics {', '.join(sorted(topics))}   {metrics}"
                console.print(
                    f"4/4  mail flows, {rate:g} a second; Ctrl-C ends\n     {footer}",
                    soft_wrap=True,
                )
                tally = Tally(time.monotonic())
                traffic = Traffic(_mails(emails), rate, seconds)
                with Board(console, tally, footer) as board:
                    _until_interrupted(
                        flow(settings, traffic, worker, board, tally, speaker(console))
                    )
                return _summary(console, tally, began_s)
            finally:
                worker.stop()
                shutil.rmtree(settings.models_path / MODEL / version)


def _until_interrupted(flowing: object) -> None:
    try:
        asyncio.run(flowing)  # type: ignore[arg-type]  # a coroutine
    except KeyboardInterrupt:
        return


def _summary(console: Console, tally: Tally, began_s: float) -> int:
    now_s = time.monotonic()
    missing = len(tally.sent) - tally.done
    console.print(f"\n{tally.headline(now_s)}", soft_wrap=True)
    for reason, count in sorted(tally.dead.items()):
        console.print(f"  dead letters, {reason}: {count}")
    first = (
        "none"
        if tally.first_label_s is None
        else f"{tally.first_label_s - began_s:.1f} s after the start"
    )
    console.print(f"first label {first}; without an answer {missing}; twice {tally.duplicates}")
    return 0 if tally.statuses and not missing and not tally.duplicates else 1


def _train(console: Console, settings: Settings, emails: Path | None, folder: Path) -> str:
    """Train on the file's own kind of rows where it has labels, else on the world's history; returns the version."""
    rows = list(_file_rows(emails)) if emails else []
    what = (
        f"{len(rows)} labelled rows beside {emails.name}"
        if rows and emails
        else "the built-in world's past"
    )
    console.print(f"2/4  model: training on {what}", soft_wrap=True)
    path = folder / "train.jsonl"
    path.write_bytes(b"".join(encode(row) + b"\n" for row in rows or World().history(HISTORY_ROWS)))  # pyright: ignore[reportArgumentType]
    request = TrainRequest(
        name=MODEL,
        models_dir=settings.models_path,
        data=[path],
        input_template=template_with(ATTRIBUTES),
        threads=cores(),
        consents=load_tenants(settings).consents,
    )
    report = train_with_progress(request, console)
    for line in report_lines(report):
        console.print(f"     {line}", markup=False, soft_wrap=True)
    return report.version


def _file_rows(emails: Path) -> Iterable[TrainingRow]:
    """Labelled rows that are not the mail to be classified: the training file beside it, where there is one."""
    beside = training_file_beside(emails)
    if beside is None:
        return []
    rows = list(itertools.islice(labelled_rows(beside), MOST_LABELLED_ROWS))
    return rows if len(rows) >= LEAST_LABELLED_ROWS else []


def _mails(emails: Path | None) -> Iterable[OutgoingRecord]:
    return World().traffic() if emails is None else read_emails(emails, repeat=True)
