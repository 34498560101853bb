"""An encoder tuned with its heads, on small random encoders: what learns, what does not, and what a kill leaves."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("transformers", reason="needs the extra train")

import torch
from safetensors.numpy import load_file

from models.encoder.base_model import BaseModelError
from models.encoder.build import build_encoder
from models.heads import LinearWeights
from models.labels import HeadKind
from models.runtime import Encoder
from models.training.report import EpochReport
from models.tuning.batches import cut_runs
from models.tuning.checkpoint import NAME, CheckpointError, read_checkpoint, write_checkpoint
from models.tuning.device import Device
from models.tuning.loop import Job, Tuned, tune
from models.tuning.loss import batch_loss
from models.tuning.network import Network
from models.tuning.settings import TuneSettings
from models.tuning.task import TuneHead, TuneTask
from tests.model.small_encoders import TEXTS, WRITTEN_HERE, write_small_encoder

pytestmark = [pytest.mark.train, pytest.mark.timeout(120)]

CPU = Device("cpu", is_bf16=False, threads=1)
ROWS, LABELS, WIDTH = 40, 3, 32
POOLINGS = ("mean", "cls")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("bases")
    return {kind: write_small_encoder(home / kind, kind) for kind in WRITTEN_HERE}


@pytest.fixture
def job(bases: dict[str, Path], tmp_path: Path) -> Job:
    settings = TuneSettings(layers_share=0.5, epochs=3, learning_rate=1e-2, batch_rows=8)
    return Job(bases["Bert"], small_task(), settings, 0, CPU, tmp_path / "work")


def small_task() -> TuneTask:
    draw = np.random.default_rng(0)
    ids = [[2, *draw.integers(5, 40, draw.integers(1, 9)).tolist(), 3] for _ in range(ROWS)]
    answers = np.array([row[1] % LABELS for row in ids])
    one = np.eye(LABELS, dtype=np.float32)[answers]
    many = np.stack([[float(x in row) for x in (5, 6)] for row in ids]).astype(np.float32)
    is_first = np.arange(ROWS) % 2 == 0
    heads = [
        head_of("topic", "multiclass", one * is_first[:, None], is_first),
        head_of("tags", "multilabel", many * ~is_first[:, None], ~is_first),
    ]
    return TuneTask(ids, heads, np.arange(32), np.arange(32, ROWS))


def head_of(name: str, kind: HeadKind, targets: np.ndarray, known: np.ndarray) -> TuneHead:
    """A head that is taught what the answers say already."""
    return TuneHead(name, kind, targets, known, targets, 1.0, start(targets.shape[1]))


def start(labels: int) -> LinearWeights:
    draw = np.random.default_rng(labels)
    dense = draw.normal(size=(labels, WIDTH)).astype(np.float32)
    return LinearWeights(dense, np.zeros(labels, np.float32), None)


def silent(done: int, total: int) -> None:
    """Nobody watches."""


def untold(epoch: EpochReport) -> None:
    """Nobody listens."""


def weights_of(tuned: Tuned) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in tuned.network.state_dict().items()}


def are_equal(first: Tuned, second: Tuned) -> bool:
    one, two = weights_of(first), weights_of(second)
    return all(np.array_equal(one[name], two[name]) for name in one)


def stopped_at(step: int) -> Callable[[int, int], None]:
    def advance(done: int, total: int) -> None:
        if done == step:
            raise KeyboardInterrupt

    return advance


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("kind", WRITTEN_HERE)
def test_before_it_learns_a_network_embeds_as_serving_does(
    bases: dict[str, Path], tmp_path: Path, kind: str, pooling: str
) -> None:
    base = shutil.copytree(bases[kind], tmp_path / "base")
    (base / "1_Pooling").mkdir()
    modes = {
        f"pooling_mode_{each}_token{'s' * (each == 'mean')}": each == pooling for each in POOLINGS
    }
    (base / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    modules = [{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"}]
    (base / "modules.json").write_text(json.dumps(modules))
    build_encoder(base, tmp_path / "built", 32, ["fp32"])
    encoder = Encoder(tmp_path / "built", ["cpu"])
    rows = [text.ids for text in encoder.tokenize(TEXTS)]
    network = Network(base, TuneSettings(), [start(2)]).train(mode=False)
    with torch.no_grad():
        ours = network.embed(rows, CPU).numpy()
    assert np.abs(ours - encoder.embed(rows)).max() < 1e-5
    network.save_base(base, tmp_path / "saved")
    build_encoder(tmp_path / "saved", tmp_path / "again", 32, ["fp32"])
    again = Encoder(tmp_path / "again", ["cpu"])
    assert np.abs(ours - again.embed(rows)).max() < 1e-5


def test_what_is_no_encoder_that_serves_is_refused_before_it_is_tuned(tmp_path: Path) -> None:
    base = write_small_encoder(tmp_path / "other", "MPNet")
    with pytest.raises(BaseModelError):
        Network(base, TuneSettings(), [start(2)])


def test_a_tuning_learns_both_heads(job: Job) -> None:
    settings = TuneSettings(epochs=20, batch_rows=8, learning_rate=1e-3, head_learning_rate=1e-2)
    tuned = tune(dataclasses.replace(job, settings=settings), silent, untold)
    first, last = tuned.epochs[0], tuned.epochs[-1]
    assert last.loss < 0.8 * first.loss
    assert set(last.heads) == {"topic", "tags"}
    assert (first.number, last.number) == (1, 20)
    assert last.learning_rate < first.learning_rate


def test_only_the_last_layers_learn_and_never_the_word_table(job: Job, tmp_path: Path) -> None:
    tuned = tune(job, silent, untold)
    tuned.network.save_base(job.base, tmp_path / "saved")
    before, after = (
        load_file(folder / "model.safetensors") for folder in (job.base, tmp_path / "saved")
    )
    moved = {name for name in after if not np.array_equal(before[name], after[name])}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved), moved
    assert sum(name.endswith("weight") for name in moved) == 8


def test_equal_jobs_give_equal_weights_and_another_seed_does_not(job: Job, tmp_path: Path) -> None:
    first = tune(job, silent, untold)
    second = tune(dataclasses.replace(job, folder=tmp_path / "second"), silent, untold)
    third = tune(dataclasses.replace(job, folder=tmp_path / "third", seed=1), silent, untold)
    assert are_equal(first, second)
    assert not are_equal(first, third)


def test_dropout_of_whoever_else_uses_torch_is_left_alone(job: Job) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    tune(job, silent, untold)
    assert torch.equal(torch.rand(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("step", [1, 6, 8])
def test_an_interrupted_tuning_ends_in_the_weights_of_an_uninterrupted_one(
    job: Job, tmp_path: Path, step: int
) -> None:
    whole = tune(dataclasses.replace(job, folder=tmp_path / "whole"), silent, untold)
    often = dataclasses.replace(job, checkpoint_every_s=0.0)
    with pytest.raises(KeyboardInterrupt):
        tune(often, stopped_at(step), untold)
    steps: list[int] = []
    resumed = tune(often, lambda done, _: steps.append(done), untold)
    assert are_equal(whole, resumed)
    if step == 1:
        assert (steps[0], resumed.notes) == (0, ()), "it was stopped before its first checkpoint"
    else:
        assert steps[0] == step - 1
        assert resumed.notes == (f"went on from a checkpoint at step {step - 1} of 12",)
    assert [each.loss for each in resumed.epochs] == [each.loss for each in whole.epochs]


def test_a_kill_between_the_last_step_of_an_epoch_and_its_end_loses_no_epoch(
    job: Job, tmp_path: Path
) -> None:
    whole = tune(dataclasses.replace(job, folder=tmp_path / "whole"), silent, untold)
    often = dataclasses.replace(job, checkpoint_every_s=0.0)

    def killed(epoch: EpochReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(often, silent, killed)
    told: list[EpochReport] = []
    resumed = tune(often, silent, told.append)
    assert resumed.notes == ("went on from a checkpoint at step 4 of 12",)
    assert [each.number for each in told] == [1, 2, 3]
    for ours, theirs in zip(resumed.epochs, whole.epochs, strict=True):
        assert (ours.number, ours.loss, ours.heads) == (theirs.number, theirs.loss, theirs.heads)
    assert are_equal(whole, resumed)


def test_a_checkpoint_of_other_settings_is_ignored_and_said(job: Job) -> None:
    tune(job, silent, untold)
    other = msgspec.structs.replace(job.settings, learning_rate=1e-3)
    again = tune(dataclasses.replace(job, settings=other), silent, untold)
    assert again.notes == (f"{NAME} is of other settings; it was ignored, and training began anew",)
    assert again.epochs[0].learning_rate < 1e-3 * 2


def test_a_head_without_weight_beside_rows_of_its_own_stops_nothing(job: Job) -> None:
    (topic, tags) = job.task.heads
    heads = [topic, dataclasses.replace(tags, weight=0.0)]
    learn = np.flatnonzero(topic.known[:32])
    task = TuneTask(job.task.ids, heads, learn, job.task.check)
    tuned = tune(dataclasses.replace(job, task=task), silent, untold)
    assert np.array_equal(tuned.network.heads[1].weight.detach().numpy(), tags.start.dense)
    assert set(tuned.epochs[-1].heads) == {"topic", "tags"}


def test_a_finished_tuning_is_not_learned_again(job: Job) -> None:
    first = tune(job, silent, untold)
    epochs: list[EpochReport] = []
    second = tune(job, silent, epochs.append)
    assert are_equal(first, second)
    assert epochs == []
    assert len(second.epochs) == 3


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_checkpoint_is_ignored_and_said(job: Job, damage: bytes | None) -> None:
    whole = tune(job, silent, untold)
    path = job.folder / NAME
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if damage is None else damage)
    again = tune(job, silent, untold)
    assert are_equal(whole, again)
    assert again.notes == (
        f"{NAME} is damaged: its content does not match its own hash; it was ignored, and training began anew",
    )


def test_a_checkpoint_is_replaced_whole(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path) is None
    write_checkpoint(tmp_path, {"step": 1})
    (tmp_path / f"{NAME}.writing").write_bytes(b"the machine stopped here")
    assert read_checkpoint(tmp_path) == {"step": 1}
    write_checkpoint(tmp_path, {"step": 2})
    assert read_checkpoint(tmp_path) == {"step": 2}
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    (tmp_path / NAME).write_bytes(b"x")
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(tmp_path)


def loss_of(task: TuneTask, budget: int) -> Any:
    """The loss of one batch of all rows, cut into runs."""
    batch = task.learn
    draw = torch.Generator().manual_seed(0)
    scores = [torch.randn(ROWS, head.targets.shape[1], generator=draw) for head in task.heads]
    total = torch.zeros(())
    for run in cut_runs([len(ids) for ids in task.rows(batch)], budget):
        rows = batch[run]
        total = total + batch_loss([each[rows] for each in scores], task.heads, rows, batch, 0.05)
    return total


def test_a_batch_has_the_same_loss_however_it_is_cut() -> None:
    whole = loss_of(small_task(), 100_000)
    assert torch.allclose(loss_of(small_task(), 1), whole)
    assert torch.allclose(loss_of(small_task(), 30), whole)


def test_what_is_learned_lies_between_a_rows_answer_and_what_it_is_taught() -> None:
    topic = head_of("topic", "multiclass", np.eye(LABELS, dtype=np.float32), np.ones(LABELS, bool))
    flat = replace(topic, taught=np.full((LABELS, LABELS), 1 / LABELS, np.float32))
    scores, places = [torch.eye(LABELS) * 3], np.arange(LABELS)
    losses = [float(batch_loss(scores, [flat], places, places, share)) for share in (0.0, 0.5, 1.0)]
    logged = torch.log_softmax(scores[0], dim=1)
    assert losses[0] == pytest.approx(-float(logged.diagonal().mean()))
    assert losses[2] == pytest.approx(-float(logged.mean()))
    assert losses[1] == pytest.approx((losses[0] + losses[2]) / 2)


def test_rows_that_do_not_answer_a_head_count_neither_for_nor_against_it() -> None:
    task = small_task()
    (topic, tags) = task.heads
    noise = np.where(topic.known[:, None], topic.targets, 1).astype(np.float32)
    loud = TuneTask(
        task.ids, [dataclasses.replace(topic, targets=noise), tags], task.learn, task.check
    )
    assert torch.equal(loss_of(loud, 50), loss_of(task, 50))
    answered = np.flatnonzero(topic.known[:32])
    alone = TuneTask(task.ids, [topic], task.learn, task.check)
    only = TuneTask(task.ids, [topic], answered, task.check)
    assert torch.allclose(loss_of(alone, 50), loss_of(only, 50)), (
        "absent rows do not dilute the mean"
    )


def test_a_heads_weight_is_its_share_of_the_loss() -> None:
    task = small_task()
    (topic, tags) = task.heads

    def weighted(one: float, two: float) -> Any:
        heads = [dataclasses.replace(topic, weight=one), dataclasses.replace(tags, weight=two)]
        return loss_of(TuneTask(task.ids, heads, task.learn, task.check), 50)

    mixed = (3 * weighted(1, 0) + weighted(0, 1)) / 4
    assert torch.allclose(weighted(3, 1), mixed)


def test_a_rate_that_is_too_high_is_said(job: Job) -> None:
    (topic, tags) = job.task.heads
    bad = LinearWeights(
        np.full((LABELS, WIDTH), np.inf, np.float32), np.zeros(LABELS, np.float32), None
    )
    task = TuneTask(
        job.task.ids, [dataclasses.replace(topic, start=bad), tags], job.task.learn, job.task.check
    )
    with pytest.raises(FloatingPointError, match=r"learning_rate=0\.01 is too high"):
        tune(dataclasses.replace(job, task=task), silent, untold)


def test_the_weights_that_serve_lie_between_the_first_and_the_last(
    job: Job, tmp_path: Path
) -> None:
    def ended(share: float) -> dict[str, np.ndarray]:
        settings = msgspec.structs.replace(job.settings, tuned_share=share)
        own = dataclasses.replace(job, settings=settings, folder=tmp_path / str(share))
        return weights_of(tune(own, silent, untold))

    first, middle, last = ended(0.0), ended(0.25), ended(1.0)
    for name, weights in middle.items():
        assert np.allclose(weights, 0.75 * first[name] + 0.25 * last[name], atol=1e-6), name
    assert not np.allclose(first["heads.0.weight"], last["heads.0.weight"])
