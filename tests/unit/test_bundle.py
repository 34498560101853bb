"""Writes and loads real bundles around a tiny random encoder."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import orjson
import pytest

from models.bundle import BundleError, load_bundle, resolve, versions
from models.bundle_writer import BundleParts, head_entries, write_bundle
from models.encoder_files import sha256_of
from models.encoder_graph import build_encoder
from models.golden import GoldenRow, answer_rows, make_texts
from models.heads import Head, LinearWeights
from models.labels import HeadSpec
from models.manifest import (
    FORMAT_VERSION,
    EncoderEntry,
    Manifest,
    TrainingEntry,
    _sealed,
    read_manifest,
)
from models.ngrams import build_vocabulary
from models.runtime import Encoder
from tests.fakes import write_tiny_bert

pytest.importorskip("onnx", reason="needs the extra heads")

TEMPLATE = "{subject}\n{body}"


@pytest.fixture(scope="module")
def encoder_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = write_tiny_bert(tmp_path_factory.mktemp("base"))
    return build_encoder(base, tmp_path_factory.mktemp("encoder"), 32, ("fp32",)).path


@pytest.fixture(scope="module")
def parts(encoder_dir: Path) -> BundleParts:
    draw = np.random.default_rng(2)
    vocabulary = build_vocabulary(["my card is lost"] * 2)

    def weights(labels: int) -> LinearWeights:
        return LinearWeights(
            draw.normal(size=(labels, 16)).astype(np.float32),
            draw.normal(size=labels).astype(np.float32),
            draw.normal(size=(len(vocabulary), labels)).astype(np.float16),
        )

    heads = [
        Head(HeadSpec("topic", "multiclass", ("card", "invoice", "other")), weights(3), 0.7, None),
        Head(
            HeadSpec("tags", "multilabel", ("lost", "urgent")),
            weights(2),
            1.2,
            np.array([0.4, 0.6]),
        ),
    ]
    mails = make_texts([head.spec for head in heads], 0)
    encoder = Encoder(encoder_dir, ["cpu"])
    texts = [f"{subject}\n{body}".strip() for subject, body in mails]
    answers = answer_rows(texts, encoder, heads, vocabulary)
    golden = [
        GoldenRow(subject=subject, body=body, expected={"fp32": answer})
        for (subject, body), answer in zip(mails, answers, strict=True)
    ]
    return BundleParts(
        encoder_dir,
        heads,
        vocabulary,
        golden,
        EncoderEntry(base_model="x", sha256="", max_length_tokens=1),
    )


def manifest(parts: BundleParts, name: str = "support") -> Manifest:
    return Manifest(
        name=name,
        version="",
        tenant="default",
        created_at="2026-01-01T00:00:00Z",
        input_template=TEMPLATE,
        heads=head_entries(parts.heads),
        encoder=EncoderEntry(
            base_model="tiny",
            sha256=sha256_of(parts.encoder_dir / "encoder.json"),
            max_length_tokens=32,
        ),
        training=TrainingEntry(
            recipe="quick", seed=0, rows=1, test_rows=1, train=(), validation=(), test=()
        ),
        metrics={"topic": {"accuracy": 0.5}},
        files={},
    )


@pytest.fixture
def store(tmp_path: Path, parts: BundleParts) -> Path:
    write_bundle(tmp_path, manifest(parts), parts)
    return tmp_path


def test_a_bundle_comes_back_as_it_was_written(store: Path, parts: BundleParts) -> None:
    bundle = load_bundle(resolve(store, "support"))
    assert (bundle.name, bundle.version, bundle.tenant) == ("support", "1", "default")
    text = bundle.text("Lost", "my card is lost", {})
    embeddings = bundle.encoder.embed([one.ids for one in bundle.encoder.tokenize([text, "hello"])])
    (answer, _) = bundle.predict(embeddings, [text, "hello"])
    assert set(answer) == {"topic", "tags"}
    for ours, theirs in zip(bundle.heads, parts.heads, strict=True):
        assert ours.spec == theirs.spec
        assert np.array_equal(ours.weights.dense, theirs.weights.dense)
        assert ours.weights.ngrams is not None
        assert np.array_equal(ours.weights.ngrams, theirs.weights.ngrams)
        assert ours.temperature == theirs.temperature
    assert bundle.golden_failure() is None


def test_a_copied_bundle_works_without_the_store(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "support" / "1"
    shutil.copytree(store / "support" / "1", copy)
    shutil.rmtree(store / "support")
    assert load_bundle(resolve(tmp_path / "elsewhere", "support")).version == "1"


def test_every_file_is_found_when_one_byte_is_flipped(store: Path) -> None:
    home = store / "support" / "1"
    files = sorted(path for path in home.rglob("*") if path.is_file())
    assert {path.name for path in files} == {
        "manifest.json", "heads.safetensors", "golden.jsonl", "report.json",
        "encoder.json", "tokenizer.json", "fp32.onnx",
    }  # fmt: skip
    for path in files:
        whole = path.read_bytes()
        for place in (0, len(whole) // 2, len(whole) - 1):
            path.unlink()  # the others hold links to the same bytes
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(BundleError, match=path.name):
                load_bundle(home)
        path.write_bytes(whole)
    load_bundle(home)


def test_any_byte_of_the_manifest_counts(store: Path) -> None:
    home = store / "support" / "1"
    path = home / "manifest.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(BundleError):
            read_manifest(home)
    path.write_bytes(whole + b"\n")
    with pytest.raises(BundleError, match="does not match its own hash"):
        read_manifest(home)


@pytest.mark.parametrize("name", ["heads.safetensors", "encoder/tokenizer.json", "golden.jsonl"])
def test_a_missing_file_is_named(store: Path, name: str) -> None:
    (store / "support" / "1" / name).unlink()
    with pytest.raises(
        BundleError, match=rf"{name} is damaged: it is missing; copy the bundle again"
    ):
        load_bundle(resolve(store, "support"))


def test_a_half_written_latest_version_is_loud_and_the_old_one_can_be_named(store: Path) -> None:
    (store / "support" / "2").mkdir()
    with pytest.raises(BundleError, match=r"2 has no manifest\.json: it was half-written"):
        load_bundle(resolve(store, "support"))
    assert load_bundle(resolve(store, "support/1")).version == "1"


def test_what_an_interrupted_writer_leaves_is_no_version(store: Path, parts: BundleParts) -> None:
    (store / "support" / ".writing-123").mkdir()
    assert versions(store, "support") == [1]
    assert write_bundle(store, manifest(parts), parts).name == "2"


def test_a_bundle_of_a_later_program_says_update(store: Path) -> None:
    path = store / "support" / "1" / "manifest.json"
    content = orjson.loads(path.read_bytes())
    del content["manifest_sha256"]
    path.write_bytes(_sealed({**content, "format_version": FORMAT_VERSION + 1, "new": True}))
    with pytest.raises(BundleError, match=r"format_version=2, this program reads up to 1; update"):
        load_bundle(path.parent)


def test_a_file_name_that_leaves_the_bundle_is_refused(store: Path) -> None:
    path = store / "support" / "1" / "manifest.json"
    content = orjson.loads(path.read_bytes())
    del content["manifest_sha256"]
    content["files"]["../../secret"] = {"sha256": "0", "size_bytes": 1}
    path.write_bytes(_sealed(content))
    with pytest.raises(BundleError, match="leaves the bundle"):
        load_bundle(path.parent)


def test_other_answers_than_at_the_making_are_refused(tmp_path: Path, parts: BundleParts) -> None:
    wrong = [
        GoldenRow(
            subject=row.subject,
            body=row.body,
            expected={
                "fp32": {
                    h: {k: v * 0.8 for k, v in p.items()} for h, p in row.expected["fp32"].items()
                }
            },
        )
        for row in parts.golden
    ]
    path = write_bundle(
        tmp_path,
        manifest(parts),
        BundleParts(parts.encoder_dir, parts.heads, parts.vocabulary, wrong, parts.report),
    )
    with pytest.raises(
        BundleError, match=r"golden row 1 on cpu \(fp32\): \w+\.\w+ has probability"
    ):
        load_bundle(path)


def test_heads_of_another_encoder_are_refused(tmp_path: Path, parts: BundleParts) -> None:
    narrow = [
        Head(
            head.spec,
            LinearWeights(head.weights.dense[:, :8], head.weights.bias, head.weights.ngrams),
            1.0,
            head.thresholds,
        )
        for head in parts.heads
    ]
    path = write_bundle(
        tmp_path,
        manifest(parts),
        BundleParts(parts.encoder_dir, narrow, parts.vocabulary, parts.golden, parts.report),
    )
    with pytest.raises(BundleError, match=r"weights \(3, 8\) for 3 labels and embeddings of 16"):
        load_bundle(path)


def test_bundles_with_one_encoder_share_its_session_and_its_bytes(
    store: Path, parts: BundleParts
) -> None:
    write_bundle(store, manifest(parts, "other"), parts)
    sessions: dict[str, Encoder] = {}
    first = load_bundle(resolve(store, "support"), encoders=sessions)
    second = load_bundle(resolve(store, "other"), encoders=sessions)
    assert first.encoder is second.encoder
    inodes = {
        (store / name / "1" / "encoder" / "fp32.onnx").stat().st_ino
        for name in ("support", "other")
    }
    assert inodes == {(parts.encoder_dir / "fp32.onnx").stat().st_ino}


def test_concurrent_writers_get_different_versions(tmp_path: Path, parts: BundleParts) -> None:
    with ThreadPoolExecutor(6) as pool:
        paths = list(pool.map(lambda _: write_bundle(tmp_path, manifest(parts), parts), range(6)))
    assert sorted(int(path.name) for path in paths) == [1, 2, 3, 4, 5, 6]
    for path in paths:
        assert read_manifest(path).version == path.name
    assert not list((tmp_path / "support").glob(".writing-*"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown", "has no model 'unknown', only .'support'.; train it"),
        ("support/9", "no version '9'"),
        ("support/../other", "no version"),
        ("../support", "not allowed"),
        ("encoders", "not allowed"),
        ("", "not allowed"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_there_is(store: Path, name: str, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        resolve(store, name)


def test_the_latest_version_is_the_highest_number(store: Path, parts: BundleParts) -> None:
    for _ in range(10):
        write_bundle(store, manifest(parts), parts)
    assert resolve(store, "support").name == "11"


def test_golden_texts_are_of_many_lengths_and_always_the_same() -> None:
    heads = [HeadSpec("topic", "multiclass", ("lost_card", "invoice"))]
    assert make_texts(heads, 0) == make_texts(heads, 0)
    assert make_texts(heads, 0) != make_texts(heads, 1)
    lengths = [len(body) for _, body in make_texts(heads, 0)]
    assert (min(lengths) < 100, max(lengths) > 2000) == (True, True)
