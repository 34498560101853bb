"""A worker with a real model: what it refuses to serve, and long texts."""

import json
import shutil
from pathlib import Path

import pytest

from stream.demo.worker_process import WorkerProcess
from stream.settings import Settings
from tests.e2e.conftest import switchboard
from tests.kafka_tools import produce, read_all, read_until


@pytest.fixture
def copy_of_models(models_dir: Path, tmp_path: Path) -> Path:
    path = tmp_path / "models"
    shutil.copytree(models_dir, path)
    return path


def refusal(models: Path, name: str = "support") -> str:
    done = switchboard(
        "worker",
        "--model",
        name,
        "--models-dir",
        str(models),
        "--kafka-connect-timeout-s",
        "1",
        timeout=60,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.timeout(60)
def test_a_missing_model_is_named_with_what_there_is(models_dir: Path) -> None:
    assert "'nosuch'" in refusal(models_dir, "nosuch")
    assert "no version '7'" in refusal(models_dir, "support/7")


def _flip_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()  # bundles share files by hard links
    path.write_bytes(content)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "name", ["heads.safetensors", "golden.jsonl", "encoder/tokenizer.json", "encoder/int8.onnx"]
)
def test_one_flipped_bit_keeps_a_model_from_serving(copy_of_models: Path, name: str) -> None:
    _flip_byte(copy_of_models / "support" / "1" / name)
    assert Path(name).name in refusal(copy_of_models)


@pytest.mark.timeout(60)
def test_a_half_written_model_does_not_serve(copy_of_models: Path) -> None:
    (copy_of_models / "support" / "1" / "manifest.json").unlink()
    assert "manifest.json" in refusal(copy_of_models)


@pytest.mark.timeout(120)
async def test_a_text_above_the_token_limit_is_truncated_and_marked_never_dead_lettered(
    kafka: str, prefix: str, models_dir: Path, tmp_path: Path
) -> None:
    settings = Settings(
        kafka_bootstrap_servers=kafka,
        topic_prefix=prefix,
        group_id=f"{prefix}g",
        models_dir=models_dir,
    )
    worker = WorkerProcess(settings, "support", tmp_path / "worker.log", "--walk-only")
    try:
        worker.wait_ready()
        mails = [
            {
                "id": "long",
                "subject": "Invoice",
                "body": "My invoice is wrong, please correct the amount. " * 400,
            },
            {"id": "short", "subject": "Invoice", "body": "My invoice is wrong."},
        ]
        await produce(
            kafka, f"{prefix}inbound-emails", [(b"k", json.dumps(mail).encode()) for mail in mails]
        )
        answers = {
            answer["id"]: answer
            for record in await read_until(kafka, f"{prefix}classifications", 2)
            if (answer := json.loads(record.value))
        }
    finally:
        assert worker.stop() == 0
    assert answers["long"]["truncated"] is True
    assert answers["long"]["status"] == "classified"
    assert answers["short"]["truncated"] is False
    assert await read_all(kafka, f"{prefix}dead-letters") == []


@pytest.mark.timeout(60)
def test_classify_answers_lines_in_order_and_complains_of_bad_ones_on_stderr(
    models_dir: Path,
) -> None:
    lines = [
        json.dumps({"id": "a", "body": "My invoice is wrong"}),
        "not json",
        json.dumps({"id": "b", "html": "<p>Where is my card?</p>"}),
    ]
    done = switchboard(
        "classify", "--model", "support", "--models-dir", str(models_dir), input="\n".join(lines)
    )
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["a", "b"]
    assert json.loads(done.stderr)["line"] == 2
    assert done.returncode == 1


def test_clean_prints_the_cleaned_mail() -> None:
    mail = {"id": "a", "subject": "Hi", "body": "Where is my card?\n\n-- \nJane\n"}
    done = switchboard("clean", input=json.dumps(mail))
    cleaned = json.loads(done.stdout)
    assert cleaned["body"] == "Where is my card?"
    assert cleaned["removed"]["signature"] > 0
    assert done.returncode == 0
