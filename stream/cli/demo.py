"""Builds the demo's parts and walks its road: broker, models, worker, traffic; then stops them in the other order."""

import asyncio
import itertools
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from models.churn.dataset import ChurnFiles
from models.churn.report import CandidateName, ChurnRequest
from models.labels import TrainingRow, template_with
from models.training.report import TrainRequest
from stream.broker import EmbeddedBroker
from stream.cli.say import speaker
from stream.cli.train_view import report_lines, train_with_progress
from stream.cli.training_churn import report_lines as calls_report_lines
from stream.cli.training_churn import train_calls
from stream.cli.wiring import cores
from stream.demo.board import Board
from stream.demo.run import Traffic, flow
from stream.demo.tally import Tally
from stream.demo.worker_process import WorkerProcess
from stream.kafka.admin import prepare_topics
from stream.records import encode
from stream.settings import Settings, load_settings
from stream.simulate import (
    OutgoingRecord,
    World,
    labelled_rows,
    live_calls,
    mixed,
    paced,
    read_emails,
    training_file_beside,
    write_history,
)
from stream.simulate.tenants import ATTRIBUTES
from stream.tenants_toml import load_tenants

MODEL, CALLS_MODEL = "demo", "demo-calls"
HISTORY_ROWS = 1500
# 7 s of one core with the encoder there, the embedding of 1,100 different texts among it; kinds of model that take more
# than a moment to fit are for `train-churn`.
HISTORY_CALLS = 200
CALLS_KIND: CandidateName = "logistic"
CALL_SHARE = 0.3
CALL_PACE = 6.0  # times the speed of speech: a call is over in about ten seconds
LEAST_LABELLED_ROWS = 200
MOST_LABELLED_ROWS = 3000


def run_demo(console: Console, seconds: float | None, emails: Path | None, rate: float) -> int:
    """Run the demo until Ctrl-C, or for `seconds` of traffic; prints a summary. Returns the exit code."""
    began_s = time.monotonic()
    with ExitStack() as parts:
        folder = Path(parts.enter_context(TemporaryDirectory(prefix="switchboard-demo-")))
        # encoders stay with the user's models, so that the second demo does not build them again
        settings = load_settings(topic_prefix="", group_id="demo", worker_slot=0)
        console.print("1/4  Kafka: starting (the first time its jars are fetched: 45 MB)")
        broker = EmbeddedBroker(ephemeral=True)
        parts.callback(broker.stop)
        starting = parts.enter_context(ThreadPoolExecutor(1)).submit(broker.start)
        calls_model = _train_calls(console, settings, folder)  # while Kafka starts
        parts.callback(shutil.rmtree, settings.models_path / calls_model)
        starting.result()
        settings = settings.model_copy(update={"kafka_bootstrap_servers": broker.bootstrap_servers})
        console.print(
            f"1/4  Kafka: ready at {broker.bootstrap_servers}  ({time.monotonic() - began_s:.1f} s)"
        )
        model = _train_mail(console, settings, emails, folder)
        parts.callback(shutil.rmtree, settings.models_path / model)
        topics = asyncio.run(prepare_topics(settings, lambda *_, **__: None))
        log_path = folder / "worker.log"
        worker = WorkerProcess(settings, model, log_path, "--model", calls_model)
        parts.callback(worker.stop)
        worker.wait_ready()
        metrics = f"http://127.0.0.1:{worker.metrics_port}/metrics"
        console.print(f"3/4  worker: ready, {metrics}  ({time.monotonic() - began_s:.1f} s)")
        console.print(
            f"4/4  mails and calls flow, {rate:g} records a second; Ctrl-C ends. The calls, their callers and what "
            f"became of them are synthetic.\n     topics {', '.join(sorted(topics))}",
            soft_wrap=True,
        )
        tally = Tally(time.monotonic())
        traffic = Traffic(_traffic(emails, rate), rate, seconds)
        with Board(console, tally) as board:
            _until_interrupted(flow(settings, traffic, worker, board, tally, speaker(console)))
        return _summary(console, tally, began_s)


def _until_interrupted(flowing: object) -> None:
    try:
        asyncio.run(flowing)  # type: ignore[arg-type]  # a coroutine
    except KeyboardInterrupt:
        return


def _summary(console: Console, tally: Tally, began_s: float) -> int:
    now_s = time.monotonic()
    missing = len(tally.sent) - tally.done
    calls = tally.calls
    console.print(f"\n{tally.headline(now_s)}", soft_wrap=True)
    for reason, count in sorted(tally.dead.items()):
        console.print(f"  dead letters, {reason}: {count}")
    if tally.bad_profiles:
        console.print(f"  dead letters, profiles of wrong types: {len(tally.bad_profiles)}")
    console.print(
        f"{len(calls.charts)} calls, {calls.ended} of them ended, {calls.scores} fragments scored"
    )
    console.print(
        f"first label {_after(tally.first_label_s, began_s)}, first score {_after(tally.first_score_s, began_s)}; "
        f"without an answer {missing}; twice {tally.duplicates}",
        soft_wrap=True,
    )
    is_whole = tally.statuses and calls.scores and not missing and not tally.duplicates
    return 0 if is_whole else 1


def _after(moment_s: float | None, began_s: float) -> str:
    return "none" if moment_s is None else f"{moment_s - began_s:.1f} s after the start"


def _train_calls(console: Console, settings: Settings, folder: Path) -> str:
    """Train on past calls of the world; returns NAME/VERSION."""
    console.print(
        f"2/4  model of calls: training on {HISTORY_CALLS} past calls of the built-in world (synthetic)",
        soft_wrap=True,
    )
    files = write_history(folder / "past", HISTORY_CALLS)
    request = ChurnRequest(
        name=CALLS_MODEL,
        models_dir=settings.models_path,
        files=ChurnFiles(files.features, files.outcomes, files.profiles, files.calls),
        threads=cores(),
        candidates=(CALLS_KIND,),
    )
    report = train_calls(request, console)
    for line in calls_report_lines(report)[:2]:
        console.print(f"     {line}", markup=False, soft_wrap=True)
    return f"{CALLS_MODEL}/{report.version}"


def _train_mail(console: Console, settings: Settings, emails: Path | None, folder: Path) -> str:
    """Train on the file's own kind of rows where it has labels, else on the world's history; returns NAME/VERSION."""
    rows = list(_file_rows(emails)) if emails else []
    what = (
        f"{len(rows)} labelled rows beside {emails.name}"
        if rows and emails
        else "the built-in world's past"
    )
    console.print(f"2/4  model of mail: training on {what}", soft_wrap=True)
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
    return f"{MODEL}/{report.version}"


def _file_rows(emails: Path) -> Iterable[TrainingRow]:
    """Labelled rows that are not the mail to be classified: the training file beside it, where there is one."""
    beside = training_file_beside(emails)
    if beside is None:
        return []
    rows = list(itertools.islice(labelled_rows(beside), MOST_LABELLED_ROWS))
    return rows if len(rows) >= LEAST_LABELLED_ROWS else []


def _traffic(emails: Path | None, rate: float) -> Iterable[OutgoingRecord]:
    mails = World().traffic() if emails is None else read_emails(emails, repeat=True)
    return paced(mixed(mails, live_calls(), CALL_SHARE), rate, CALL_PACE)
