"""Tunes an encoder with its heads, epoch by epoch, from a checkpoint where one is: a task in, tuned weights out.

Equal jobs give equal weights on one machine, killed in between or not. Knows no files but the checkpoint.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from models.training.report import EpochReport
from models.tuning.batches import cut_runs, group_rows, plan_epoch
from models.tuning.checkpoint import NAME, CheckpointError, read_checkpoint, write_checkpoint
from models.tuning.device import Device, reproducible, torch
from models.tuning.loss import batch_loss, score_head
from models.tuning.network import Network
from models.tuning.optimiser import build_optimiser, rate_share
from models.tuning.settings import TuneSettings
from models.tuning.task import IntArray, TuneTask

CHECKPOINT_EVERY_S = 60.0
# Longer gradients are scaled down (Pascanu et al. 2013).
LONGEST_GRADIENT = 1.0

Advance = Callable[[int, int], None]
TellEpoch = Callable[[EpochReport], None]


@dataclass(frozen=True)
class Job:
    """One tuning.

    Args:
        base: folder of the base model.
        task: rows and heads.
        settings: how.
        seed: of everything that draws.
        device: where.
        folder: for the checkpoint; the same for equal jobs and for no others.
        checkpoint_every_s: seconds between two checkpoints; one is also written after each epoch.
    """

    base: Path
    task: TuneTask
    settings: TuneSettings
    seed: int
    device: Device
    folder: Path
    checkpoint_every_s: float = CHECKPOINT_EVERY_S


@dataclass
class _Progress:
    """Where a tuning is, as a checkpoint keeps it."""

    step: int = 0
    loss_sum: float = 0.0  # of this epoch
    seconds: float = 0.0  # of this epoch, before it was interrupted
    epochs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass(frozen=True)
class Tuned:
    """What a tuning gives: the network with its figures, its epochs, and what there is to say about the checkpoint."""

    network: Network
    epochs: tuple[EpochReport, ...]
    figures: dict[str, dict[str, float]]
    notes: tuple[str, ...]


def tune(job: Job, advance: Advance, tell: TellEpoch) -> Tuned:
    """Run a tuning to its end, going on from the folder's checkpoint.

    Args:
        job: what to run.
        advance: told steps done and steps in all.
        tell: told each epoch that ends here; epochs before a checkpoint were told by the run that wrote it.

    Raises:
        BaseModelError: the base model cannot be tuned.
        FloatingPointError: the loss is no number; the learning rate is too high.
    """
    with reproducible(job.device, job.seed):
        return _Loop(job, advance, tell).run()


class _Loop:
    def __init__(self, job: Job, advance: Advance, tell: TellEpoch) -> None:
        self._job = job
        self._advance = advance
        self._tell = tell
        task, settings = job.task, job.settings
        starts = [head.start for head in task.heads]
        self._network = Network(job.base, settings, starts).to(job.device.name)
        self._begin = {name: x.detach().clone() for name, x in self._network.learning().items()}
        self._optimiser = build_optimiser(self._network, settings)
        self._groups = [task.learn[group] for group in group_rows(task.known(task.learn))]
        self._per_epoch = len(plan_epoch(self._groups, settings.batch_rows, job.seed, 0))
        self._total = self._per_epoch * settings.epochs
        self._at = _Progress()
        self._notes: list[str] = []

    def run(self) -> Tuned:
        self._restore()
        saved_s = time.monotonic()
        began_s = saved_s - self._at.seconds
        self._network.train()
        self._advance(self._at.step, self._total)
        while self._at.step < self._total:
            epoch, place = divmod(self._at.step, self._per_epoch)
            batches = plan_epoch(self._groups, self._job.settings.batch_rows, self._job.seed, epoch)
            for batch in batches[place:]:
                self._at.loss_sum += self._learn_from(batch)
                self._at.step += 1
                self._advance(self._at.step, self._total)
                now_s = time.monotonic()
                self._at.seconds = now_s - began_s
                if now_s - saved_s >= self._job.checkpoint_every_s:
                    self._save()
                    saved_s = now_s
            self._end_epoch(epoch)
            self._save()
            began_s = saved_s = time.monotonic()
        self._network.train(mode=False)
        self._network.blend(self._begin, self._job.settings.tuned_share)
        figures = check_figures(self._network, self._job.task, self._job.device)
        epochs = tuple(EpochReport(**each) for each in self._at.epochs)
        return Tuned(self._network, epochs, figures, tuple(self._notes))

    def _learn_from(self, batch: IntArray) -> float:
        task, device = self._job.task, self._job.device
        share = rate_share(self._at.step, self._total)
        for group in self._optimiser.param_groups:
            group["lr"] = group["peak"] * share
        self._optimiser.zero_grad()
        loss_sum = 0.0
        for run in cut_runs([len(ids) for ids in task.rows(batch)], device.run_tokens):
            rows = batch[run]
            embeddings = self._network.embed(task.rows(rows), device)
            scores = self._network.scores(embeddings)
            taught_share = self._job.settings.taught_share
            loss = batch_loss(scores, task.heads, rows, batch, taught_share)
            loss.backward()
            loss_sum += loss.item()
        if not np.isfinite(loss_sum):
            raise FloatingPointError(
                f"the loss is {loss_sum} at step {self._at.step} of {self._total}; "
                f"learning_rate={self._job.settings.learning_rate:g} is too high for this base model"
            )
        torch.nn.utils.clip_grad_norm_(self._network.learning().values(), LONGEST_GRADIENT)
        self._optimiser.step()
        return loss_sum

    def _end_epoch(self, epoch: int) -> None:
        self._network.train(mode=False)
        figures = check_figures(self._network, self._job.task, self._job.device)
        self._network.train()
        rate = self._optimiser.param_groups[-1]["lr"]
        report = EpochReport(
            number=epoch + 1,
            loss=round(self._at.loss_sum / self._per_epoch, 6),
            learning_rate=rate,
            seconds=round(self._at.seconds, 2),
            heads=figures,
        )
        self._at.epochs.append({name: getattr(report, name) for name in report.__struct_fields__})
        self._at.loss_sum = self._at.seconds = 0.0
        self._tell(report)

    def _save(self) -> None:
        state = {
            "settings": msgspec.to_builtins(self._job.settings),
            "progress": vars(self._at),
            "weights": {name: x.detach() for name, x in self._network.learning().items()},
            "optimiser": self._optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if self._job.device.name == "cuda" else None,
        }
        write_checkpoint(self._job.folder, state)

    def _restore(self) -> None:
        try:
            state = read_checkpoint(self._job.folder)
        except CheckpointError as error:
            self._notes.append(f"{error}; it was ignored, and training began anew")
            return
        if state is None:
            return
        if state.get("settings") != msgspec.to_builtins(self._job.settings):
            self._notes.append(
                f"{NAME} is of other settings; it was ignored, and training began anew"
            )
            return
        self._at = _Progress(**state["progress"])
        with torch.no_grad():
            for name, parameter in self._network.learning().items():
                parameter.copy_(state["weights"][name])
        self._optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        if state["random_cuda"] is not None:
            torch.cuda.set_rng_state(state["random_cuda"])
        self._notes.append(f"went on from a checkpoint at step {self._at.step} of {self._total}")
        done = self._at.step // self._per_epoch
        if len(self._at.epochs) < done:  # killed between the last step of an epoch and its end
            self._end_epoch(done - 1)
            self._save()


def check_figures(network: Network, task: TuneTask, device: Device) -> dict[str, dict[str, float]]:
    """Per head the mean loss and accuracy (multi-label: micro F1 at 0.5) of the rows kept back that answer it."""
    if not len(task.check):
        return {}
    scores: list[list[Any]] = [[] for _ in task.heads]
    order: list[int] = []
    with torch.no_grad():
        for run in cut_runs([len(ids) for ids in task.rows(task.check)], device.run_tokens):
            order.extend(run)
            embeddings = network.embed(task.rows(task.check[run]), device)
            for parts, own in zip(scores, network.scores(embeddings), strict=True):
                parts.append(own)
    places = task.check[order]
    figures: dict[str, dict[str, float]] = {}
    for head, parts in zip(task.heads, scores, strict=True):
        known = head.known[places]
        if known.any():
            own = torch.cat(parts)[torch.from_numpy(known).to(device.name)]
            loss, accuracy = score_head(own, head, places[known])
            figures[head.name] = {"loss": round(loss, 6), "accuracy": round(accuracy, 6)}
    return figures
