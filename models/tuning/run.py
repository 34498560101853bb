"""The one way into this house: a task in, a base-model folder with tuned weights and a report out.

Keeps its work below one folder per request, by the hash of all that decides the result, until `forget` removes it.
"""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from models.encoder.files import sha256_of
from models.rows.errors import DatasetError
from models.training.report import TuningReport
from models.tuning.device import Device, choose_device, torch
from models.tuning.loop import Advance, Job, TellEpoch, Tuned, tune
from models.tuning.settings import TuneSettings
from models.tuning.task import TuneTask
from models.tuning.workplace import release, take_folder

TUNED_NAME = "tuned"
# A search's progress is told in thousandths of a trial: trials differ in their number of steps.
TRIAL_PARTS = 1000


@dataclass(frozen=True)
class TuneRequest:
    """What to tune.

    Args:
        base: folder of the base model.
        task: rows and heads.
        settings: the recipe's.
        seed: of everything that draws.
        search: settings to try; 0: the recipe's own.
        providers, threads: as the training was asked.
        models_dir: holds the work.
        name: of the model: two models with equal rows are two trainings.
    """

    base: Path
    task: TuneTask
    settings: TuneSettings
    seed: int
    search: int
    providers: Sequence[str] | str
    threads: int
    models_dir: Path
    name: str


@dataclass(frozen=True)
class TunedBase:
    """What came out; `folder` holds the work and `base` until it is forgotten, and is this process's until released."""

    base: Path
    report: TuningReport
    folder: Path

    def forget(self) -> None:
        """Remove the work: a bundle holds the result."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def release(self) -> None:
        """Keep the work for an equal request of whichever process."""
        release(self.folder)


def tune_base(request: TuneRequest, advance: Advance, tell: TellEpoch) -> TunedBase:
    """Tune the encoder, or go on where an equal request was killed.

    Args:
        request: what to tune.
        advance: told steps done and steps in all (with a search: thousandths of trials).
        tell: told each epoch that ends.

    Raises:
        BaseModelError: the base model cannot be tuned.
        FloatingPointError: the loss is no number.
        DatasetError: a search has no rows to choose on, or another process runs an equal tuning.
    """
    if request.search and not len(request.task.check):
        raise DatasetError(
            f"search={request.search} has no rows to choose on: all rows hang together or are too few; "
            "name a validation file (--validation), or leave the search out"
        )
    device = choose_device(request.providers, request.threads)
    folder = take_folder(request.models_dir, _key(request, device))
    try:
        return _tune_in(folder, request, device, advance, tell)
    except BaseException:  # also Ctrl-C: the work stays, for whoever asks for it again
        release(folder)
        raise


def _tune_in(
    folder: Path, request: TuneRequest, device: Device, advance: Advance, tell: TellEpoch
) -> TunedBase:
    job = Job(request.base, request.task, request.settings, request.seed, device, folder)
    if request.search:
        tuned, report = _search(job, request.search, advance, tell)
    else:
        tuned = tune(job, advance, tell)
        report = _report(job, tuned)
    tuned.network.save_base(request.base, folder / TUNED_NAME)
    return TunedBase(folder / TUNED_NAME, report, folder)


def _search(job: Job, count: int, advance: Advance, tell: TellEpoch) -> tuple[Tuned, TuningReport]:
    """Try settings; the winner's checkpoint is its result, so nothing is learned twice."""
    # Optuna is needed here alone.
    from models.tuning.search import FAILED, best_trial, search_settings  # noqa: PLC0415

    scores: dict[int, float] = {}

    def place(number: int) -> Path:
        return job.folder / f"trial-{number}"

    def judge(number: int, settings: TuneSettings) -> float:
        def part(done: int, total: int) -> None:
            advance(number * TRIAL_PARTS + done * TRIAL_PARTS // total, count * TRIAL_PARTS)

        trial = _with(job, settings, place(number))
        try:
            scores[number] = _score(tune(trial, part, tell))
        except FloatingPointError:
            scores[number] = (
                FAILED  # a rate that is too high is an answer, not the end of the search
            )
        best = max(scores, key=lambda each: (scores[each], -each))
        for other in scores:
            if other != best:
                shutil.rmtree(place(other), ignore_errors=True)
        return scores[number]

    winner, trials = search_settings(job.settings, count, job.seed, judge, job.folder)
    best = best_trial(trials).number
    final = _with(job, winner, place(best))
    tuned = tune(final, _nobody, tell)
    report = _report(final, tuned)
    return tuned, msgspec.structs.replace(report, trials=trials, winner=best)


def _with(job: Job, settings: TuneSettings, folder: Path) -> Job:
    """The same job with other settings, in its own folder."""
    return Job(job.base, job.task, settings, job.seed, job.device, folder, job.checkpoint_every_s)


def _nobody(done: int, total: int) -> None:
    """The winner's steps were told when it was a trial."""


def _score(tuned: Tuned) -> float:
    figures = [each["accuracy"] for each in tuned.figures.values()]
    return sum(figures) / len(figures) if figures else -tuned.epochs[-1].loss


def _report(job: Job, tuned: Tuned) -> TuningReport:
    return TuningReport(
        device=job.device.name,
        arithmetic="bf16" if job.device.is_bf16 else "fp32",
        settings=msgspec.to_builtins(job.settings),
        rows=len(job.task.learn),
        check_rows=len(job.task.check),
        epochs=tuned.epochs,
        heads=tuned.figures,
        notes=tuned.notes,
    )


def _key(request: TuneRequest, device: Device) -> str:
    """The hash of all that decides the result: rows, heads and their starts, settings, base, code, torch, device."""
    digest = hashlib.sha256()
    facts = (request.name, request.settings, request.seed, request.search)
    facts += (torch.__version__, str(device))
    digest.update(repr(facts).encode())
    files = [path for path in request.base.rglob("*") if path.suffix in {".json", ".safetensors"}]
    for path in sorted([*files, *Path(__file__).parent.glob("*.py")]):
        digest.update(f"{path.name} {sha256_of(path)}\n".encode())
    task = request.task
    for row in task.ids:
        digest.update(np.asarray([*row, -1], np.int64).tobytes())
    digest.update(task.learn.tobytes() + b"|" + task.check.tobytes())
    for head in task.heads:
        digest.update(repr((head.name, head.kind, head.weight, head.targets.shape)).encode())
        for part in (head.targets, head.known, head.taught, head.start.dense, head.start.bias):
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:32]
