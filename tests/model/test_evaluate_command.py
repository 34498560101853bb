"""`switchboard evaluate` and `models compare` on bundles that were trained a moment ago, around a tiny encoder."""

import dataclasses
import shutil
from pathlib import Path

import msgspec
import orjson
import pytest
import typer
from typer.testing import CliRunner, Result

from models.evaluation.answers import read_answers
from models.manifest import Manifest, read_manifest, write_manifest
from models.train import TrainRequest, train
from stream.cli import evaluating
from stream.errors import FatalError, SettingsError
from tests.fakes import write_tiny_rows

pytest.importorskip("scipy", reason="needs the extra heads")
pytest.importorskip("onnx", reason="needs the extra heads")
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    """A folder with `support/1` and `support/2`, the second learned from half of the rows, and the rows."""
    folder = tmp_path_factory.mktemp("evaluated")
    request = TrainRequest(
        name="support",
        models_dir=folder / "models",
        data=[write_tiny_rows(folder / "rows.jsonl")],
        test=write_tiny_rows(folder / "test.jsonl", 40),
        base_model=str(base),
        max_length_tokens=32,
        min_label_rows=5,
    )
    for rows in (120, 60):
        data = write_tiny_rows(folder / f"rows{rows}.jsonl", rows)
        train(dataclasses.replace(request, data=[data]), lambda *_: None)
    return folder


def run(models: Path, *arguments: str) -> Result:
    app = typer.Typer()
    evaluating.register(app)
    app.command()(evaluating.compare)
    told = ["--models-dir", str(models / "models"), "--execution-providers", "cpu"]
    return CliRunner().invoke(app, [*arguments, *told])


def refused(result: Result) -> str:
    assert isinstance(result.exception, FatalError), result.output
    assert result.stdout == ""
    return str(result.exception)


def test_the_report_is_a_table_or_json_and_nothing_else(models: Path) -> None:
    shown = run(models, "evaluate", "support/1", "--data", str(models / "test.jsonl"))
    assert shown.exit_code == 0, shown.output
    assert "support/1 on 40 rows" in shown.stdout
    assert "topic" in shown.stdout
    printed = run(models, "evaluate", "support/1", "--data", str(models / "test.jsonl"), "--json")
    report = orjson.loads(printed.stdout)
    trained = orjson.loads((models / "models/support/1/report.json").read_bytes())
    for head in trained["heads"]:
        assert report["heads"][head["name"]] == head["figures"]
    assert (report["kept_back_rows"], report["warnings"]) == (40, [])


def test_rows_that_were_learned_from_are_said_loudly_on_stderr(models: Path) -> None:
    told = run(models, "evaluate", "support/1", "--data", str(models / "rows120.jsonl"), "--json")
    assert orjson.loads(told.stdout)["learned_files"] == ["rows120.jsonl"]
    assert "LEARNED from rows120.jsonl" in told.stderr


def test_rows_that_thresholds_were_chosen_on_are_said_on_stderr(
    models: Path, tmp_path: Path
) -> None:
    """By the bytes of the file: here the manifest says that the test file was the validation file too."""
    found = tmp_path / "models/support/1"
    shutil.copytree(models / "models/support/1", found)
    manifest = read_manifest(found)
    training = msgspec.structs.replace(manifest.training, validation=manifest.training.test)
    write_manifest(found, msgspec.structs.replace(manifest, training=training))
    told = run(tmp_path, "evaluate", "support/1", "--data", str(models / "test.jsonl"), "--json")
    assert orjson.loads(told.stdout)["chosen_on_files"] == ["test.jsonl"]
    assert orjson.loads(told.stdout)["learned_files"] == []
    assert "thresholds were CHOSEN on test.jsonl" in told.stderr


def test_a_label_that_was_renamed_is_no_new_one(models: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        shutil.copytree(models / "models/support/1", tmp_path / f"models/support/{number}")
    newer = tmp_path / "models/support/2"
    for name in ("manifest.json", "answers.jsonl"):
        path = newer / name
        path.write_bytes(path.read_bytes().replace(b'"card"', b'"bank card"'))
    content = orjson.loads((newer / "manifest.json").read_bytes())
    manifest = msgspec.convert(content, Manifest)
    write_manifest(newer, msgspec.structs.replace(manifest, version="2", previous="support/1"))
    report = orjson.loads((newer / "report.json").read_bytes())
    report["changes"] = {"topic": {"renamed": {"card": "bank card"}}}
    (newer / "report.json").write_bytes(orjson.dumps(report))
    told = run(tmp_path, "compare", "support/1", "support/2", "--json")
    topic = next(one for one in orjson.loads(told.stdout)["heads"] if one["name"] == "topic")
    assert (topic["new_labels"], topic["removed_labels"], topic["relabelled_rows"]) == ({}, {}, 0)


def test_the_page_shows_texts_only_when_asked(models: Path, tmp_path: Path) -> None:
    pages = []
    for flags in ((), ("--texts",)):
        page = tmp_path / "page.html"
        rows = str(models / "test.jsonl")
        shown = run(models, "evaluate", "support/2", "--data", rows, "--html", str(page), *flags)
        assert shown.exit_code == 0, shown.output
        pages.append(page.read_text("utf-8"))
    assert all("support/2 on test.jsonl" in page for page in pages)
    assert "<blockquote>" not in pages[0]


def test_another_precision_of_the_bundle_can_be_measured(models: Path) -> None:
    told = run(
        models, "evaluate", "support/1", "--data", str(models / "test.jsonl"), "--json",
        "--precision", "fp32",
    )  # fmt: skip
    assert orjson.loads(told.stdout)["precision"] == "fp32"


def test_what_cannot_be_measured_is_refused_with_a_way_out(models: Path, tmp_path: Path) -> None:
    rows = str(models / "test.jsonl")
    other = tmp_path / "other.jsonl"
    other.write_text('{"id": "1", "body": "my card", "labels": {"mood": "glad"}}\n')
    foreign = tmp_path / "foreign.jsonl"
    foreign.write_text('{"id": "1", "body": "x", "tenant": "bolt", "labels": {"topic": "card"}}\n')
    assert "name rows with labels of these heads" in refused(
        run(models, "evaluate", "support", "--data", str(other))
    )
    assert "leave --tenant out" in refused(
        run(models, "evaluate", "support", "--data", str(foreign), "--tenant", "acme")
    )
    assert "no version" in refused(run(models, "compare", "support/1", "support/9"))
    assert "has no model 'nobody'" in refused(run(models, "evaluate", "nobody", "--data", rows))
    assert "use one of" in refused(
        run(models, "evaluate", "support", "--data", rows, "--precision", "int4")
    )
    assert "cannot be written" in refused(
        run(models, "evaluate", "support", "--data", rows, "--html", str(tmp_path / "no/such.html"))
    )


def test_two_versions_are_compared_on_the_rows_kept_back_from_both(models: Path) -> None:
    kept = read_answers(models / "models/support/1/answers.jsonl")
    assert len(kept) == 40
    told = run(models, "compare", "support/1", "support/2", "--json")
    comparison = orjson.loads(told.stdout)
    assert comparison["rows"] == 40
    assert [head["name"] for head in comparison["heads"]] == ["tags", "topic"]
    shown = run(models, "compare", "support/1", "support/1")
    assert "support/1 is not shown to be worse" in shown.stdout


def test_two_versions_are_compared_on_rows_that_are_named(models: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    rows = str(models / "rows120.jsonl")
    told = run(
        models, "compare", "support/1", "support/2", "--data", rows, "--json", "--html", str(page)
    )
    assert orjson.loads(told.stdout)["rows"] == 120
    assert "is_significantly_worse" in told.stdout
    assert "support/2 in place of support/1" in page.read_text("utf-8")
    with pytest.raises(SettingsError, match="write stdin to a file first"):
        raise run(models, "compare", "support/1", "support/2", "--data", "-").exception  # type: ignore[misc]
