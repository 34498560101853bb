"""Recipe `quick` from files to a bundle that serves, around a tiny random encoder; and once with the real one."""

import dataclasses
import gzip
import os
from pathlib import Path

import orjson
import pytest

from models.bundle import BundleError, load_bundle, resolve
from models.evaluate import evaluate_bundle
from models.rows.dataset import read_dataset
from models.rows.label_changes import LabelChanges
from models.train import DatasetError, TrainRequest, train
from tests.fakes import write_tiny_rows

pytest.importorskip("scipy", reason="needs the extra heads")
pytest.importorskip("onnx", reason="needs the extra heads")


def silent(stage: str, done: int, total: int) -> None:
    """Nobody watches."""


def test_rows_become_a_bundle_that_serves(request_: TrainRequest) -> None:
    stages: list[tuple[str, int, int]] = []
    report = train(request_, lambda *stage: stages.append(stage))
    assert list(dict.fromkeys(stage for stage, _, _ in stages)) == [
        "read", "encoder", "embed", "heads", "write", "check",
    ]  # fmt: skip
    assert all(0 <= done <= total for _, done, total in stages)
    assert (report.name, report.version) == ("support", "1")
    assert report.rows + report.test_rows == 120
    topic, tags = sorted(report.heads, key=lambda head: head.name, reverse=True)
    assert (topic.kind, tags.kind) == ("multiclass", "multilabel")
    assert topic.rows < report.rows, "rows without the head are not learned from"
    assert topic.figures is not None
    assert topic.figures.accuracy >= 0.95
    assert tags.figures is not None
    assert tags.figures.micro_f1 is not None
    assert tags.figures.micro_f1 >= 0.9
    bundle = load_bundle(resolve(request_.models_dir, "support"))
    text = bundle.text("", "where is my lost card", {})
    (answer,) = bundle.predict(
        bundle.encoder.embed([bundle.encoder.tokenize([text])[0].ids]), [text]
    )
    assert answer["topic"].labels[0][0] == "card"
    assert "lost" in dict(answer["tags"].labels)


def test_the_figures_are_those_of_the_loaded_bundle(request_: TrainRequest, tmp_path: Path) -> None:
    rows, test = request_.data[0], write_tiny_rows(tmp_path / "test.jsonl", 40)
    report = train(dataclasses.replace(request_, data=[rows], test=test), silent)
    assert (report.rows, report.test_rows) == (120, 40)
    figures = evaluate_bundle(load_bundle(Path(report.path)), read_dataset([test]).rows, threads=1)
    for head in report.heads:
        assert head.figures == figures[head.name]


def test_the_manifest_says_what_made_it_and_no_path(request_: TrainRequest, tmp_path: Path) -> None:
    path = Path(train(request_, silent).path)
    raw = (path / "manifest.json").read_text() + (path / "report.json").read_text()
    assert str(tmp_path) not in raw
    assert str(request_.base_model) not in raw
    manifest = load_bundle(path).manifest
    (file,) = manifest.training.train
    assert (file.name, file.rows) == ("rows.jsonl", 120)
    assert len(file.sha256) == 64
    assert manifest.metrics["topic"]["accuracy"] > 0.9
    assert {"encoder/int8.onnx", "encoder/fp32.onnx", "heads.safetensors"} <= set(manifest.files)


def test_no_text_of_the_rows_is_in_the_bundle(request_: TrainRequest, tmp_path: Path) -> None:
    marked = tmp_path / "marked.jsonl"
    rows = [
        {
            "id": str(i),
            "body": f"zebrafinch {i % 2} lost",
            "labels": {"topic": "ab"[i % 2]},
            "thread_id": str(i),
        }
        for i in range(60)
    ]
    rows = [{**row, "body": row["body"] + " x" * i + str(i * "y")} for i, row in enumerate(rows)]
    marked.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    path = Path(train(dataclasses.replace(request_, data=[marked]), silent).path)
    for file in path.rglob("*"):
        assert not file.is_file() or b"zebrafinch" not in file.read_bytes(), file


def test_training_twice_gives_the_same_heads_and_one_encoder(request_: TrainRequest) -> None:
    first, second = (Path(train(request_, silent).path) for _ in range(2))
    assert (first.name, second.name) == ("1", "2")
    for name in ("heads.safetensors", "golden.jsonl"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert (first / "encoder" / "int8.onnx").samefile(second / "encoder" / "int8.onnx")
    assert len(list((request_.models_dir / "encoders").iterdir())) == 1


def test_a_damaged_encoder_in_the_store_is_built_again(request_: TrainRequest) -> None:
    train(request_, silent)
    (stored,) = (request_.models_dir / "encoders").iterdir()
    (stored / "int8.onnx").write_bytes(b"damaged")
    report = train(request_, silent)
    assert report.version == "2"
    with pytest.raises(BundleError, match="damaged"):  # it held a link to the same bytes
        load_bundle(resolve(request_.models_dir, "support/1"))


def test_a_tenants_model_learns_from_its_own_rows_only(
    request_: TrainRequest, tmp_path: Path
) -> None:
    rows = [orjson.loads(line) for line in request_.data[0].read_bytes().splitlines()]
    for place, row in enumerate(rows):
        row["tenant"] = ("acme", "other", None)[place % 4] if place % 4 < 3 else None
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    report = train(dataclasses.replace(request_, data=[mixed], tenant="acme"), silent)
    assert report.other_tenants_rows == 30
    assert load_bundle(Path(report.path)).tenant == "acme"
    rows = [{**row, "tenant": "acme"} for row in rows]
    mixed.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    with pytest.raises(DatasetError, match="tenant 'nobody'"):
        train(dataclasses.replace(request_, data=[mixed], tenant="nobody"), silent)


def test_a_head_with_one_class_is_left_out_and_said(request_: TrainRequest, tmp_path: Path) -> None:
    rows = [orjson.loads(line) for line in request_.data[0].read_bytes().splitlines()]
    one = tmp_path / "one.jsonl"
    one.write_bytes(
        b"\n".join(
            orjson.dumps({**row, "labels": {**row["labels"], "only": "yes"}}) for row in rows
        )
    )
    report = train(dataclasses.replace(request_, data=[one]), silent)
    assert set(report.refused_heads) == {"only"}
    assert {head.name for head in report.heads} == {"topic", "tags"}
    one.write_bytes(b"\n".join(orjson.dumps({**row, "labels": {"only": "yes"}}) for row in rows))
    with pytest.raises(DatasetError, match=r"nothing to learn.*'only'"):
        train(dataclasses.replace(request_, data=[one]), silent)


def test_rare_labels_are_left_out_and_named(request_: TrainRequest) -> None:
    report = train(dataclasses.replace(request_, min_label_rows=16), silent)
    (tags,) = (head for head in report.heads if head.name == "tags")
    assert tags.rare_labels
    assert "refund" not in tags.rare_labels


def test_a_handful_of_rows_still_gives_a_bundle(request_: TrainRequest, tmp_path: Path) -> None:
    few = write_tiny_rows(tmp_path / "few.jsonl", 12)
    report = train(dataclasses.replace(request_, data=[few], min_label_rows=1), silent)
    assert report.rows + report.test_rows == 12


def test_a_validation_file_is_what_is_chosen_by(request_: TrainRequest, tmp_path: Path) -> None:
    validation = write_tiny_rows(tmp_path / "validation.jsonl", 60)
    report = train(dataclasses.replace(request_, validation=validation), silent)
    (topic,) = (head for head in report.heads if head.name == "topic")
    assert 40 <= topic.chosen_on_rows <= 60


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "../up"}, "not allowed"),
        ({"input_template": "{nothing}"}, "unknown field"),
        ({"base_model": "/no/such/model"}, "no such directory"),
        ({"max_length_tokens": 9999}, "max_length_tokens=9999"),
    ],
)
def test_a_request_that_cannot_work_is_refused_before_the_work(
    request_: TrainRequest, change: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        train(dataclasses.replace(request_, **change), silent)
    assert not (request_.models_dir / "support").exists()


def test_figures_are_measured_under_the_schemas_that_serve(
    request_: TrainRequest, tmp_path: Path
) -> None:
    rows = [orjson.loads(line) for line in request_.data[0].read_bytes().splitlines()]
    tenants = ("acme", "globex")
    for place, row in enumerate(rows):  # two names for everything, and only the tenant tells which
        row["tenant"] = tenants[place // 3 % 2]
        row["labels"] = {"topic": f"{row['tenant']} {('card', 'invoice', 'hardware')[place % 3]}"}
    twins = tmp_path / "twins.jsonl"
    twins.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    report = train(dataclasses.replace(request_, data=[twins]), silent)
    (topic,) = report.heads
    assert topic.figures is not None
    assert topic.figures.accuracy >= 0.9
    figures = evaluate_bundle(load_bundle(Path(report.path)), read_dataset([twins]).rows, threads=1)
    assert figures["topic"].accuracy >= 0.9


def test_a_name_that_two_tenants_share_tells_neither_of_the_other(request_: TrainRequest) -> None:
    train(dataclasses.replace(request_, tenant="acme"), silent)
    changes = LabelChanges({"topic": {"hardware": "devices"}})
    own = dataclasses.replace(request_, tenant="globex")
    with pytest.raises(DatasetError, match="no version of 'support' for tenant 'globex'"):
        train(dataclasses.replace(own, changes=changes), silent)
    report = train(own, silent)
    assert (report.previous, report.changes, report.warm_started) == (None, {}, ())
    second = train(dataclasses.replace(own, changes=changes), silent)
    assert second.previous == "support/2"
    assert second.warm_started == ("tags", "topic")


def test_warnings_of_the_rows_are_told_before_anything_long_starts(
    request_: TrainRequest, tmp_path: Path
) -> None:
    rare = tmp_path / "rare.jsonl"
    row = {"id": "r", "body": "parrot", "labels": {"topic": "zoo"}}
    rare.write_bytes(request_.data[0].read_bytes().rstrip() + b"\n" + orjson.dumps(row))
    told: list[str] = []
    report = train(
        dataclasses.replace(request_, data=[rare]),
        lambda stage, *_: told.append(stage),
        warn=told.append,
    )
    first = told.index("encoder")
    assert set(told[:first]) == {"read", *report.warnings}
    assert "1 classes have one row each and cannot be measured: 'zoo'" in " ".join(told[:first])


def test_what_was_asked_for_is_in_the_report(request_: TrainRequest) -> None:
    asked = dataclasses.replace(
        request_, seed=3, target_precision=0.6, out_of_scope_label="hardware", tokens=["n7x"]
    )
    report = train(asked, silent)
    assert (report.seed, report.tokens, report.target_precision) == (3, 1, 0.6)
    assert report.out_of_scope_label == "hardware"
    tags, topic = sorted(report.heads, key=lambda head: head.name)
    assert (tags.out_of_scope_label, topic.out_of_scope_label) == (None, "hardware")
    manifest = load_bundle(Path(report.path)).manifest
    assert {head.name: head.abstain_below for head in manifest.heads} == {
        head.name: head.abstain_below for head in report.heads
    }
    assert topic.abstain_below > 0


@pytest.mark.timeout(180)
def test_a_tenth_of_banking77_reaches_its_floor(tmp_path: Path, shared_data: Path) -> None:
    for name, step in (("train", 10), ("test", 3)):
        lines = gzip.decompress(
            (shared_data / "text" / f"banking77.{name}.jsonl.gz").read_bytes()
        ).splitlines()
        (tmp_path / f"{name}.jsonl").write_bytes(b"\n".join(lines[::step]))
    request = TrainRequest(
        name="banking",
        models_dir=tmp_path / "models",
        data=[tmp_path / "train.jsonl"],
        test=tmp_path / "test.jsonl",
        threads=os.cpu_count() or 1,
    )
    (head,) = train(request, silent).heads
    assert head.figures is not None
    assert head.figures.accuracy >= 0.80
    assert head.figures.calibration_error is not None
    assert head.figures.calibration_error <= 0.05
