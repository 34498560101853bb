"""Writes and loads real bundles around a tiny random encoder."""

import dataclasses
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import orjson
import pytest

from models import manifest as manifests
from models.bundle import BundleError, load_bundle, resolve, versions
from models.bundle_writer import BundleParts, head_entries, write_bundle
from models.encoder import file_hashes
from models.encoder.build import build_encoder
from models.encoder.files import sha256_of
from models.golden import GoldenRow, answer_rows, make_rows, make_texts, read_golden, with_answers
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
from models.ngrams import NgramVocabulary, build_vocabulary
from models.runtime import Encoder
from models.schemas import SchemaMasks, Schemas
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
    golden = golden_rows(encoder_dir, heads, vocabulary, {})
    return BundleParts(
        encoder_dir,
        heads,
        vocabulary,
        golden,
        EncoderEntry(base_model="x", sha256="", max_length_tokens=1),
    )


def golden_rows(
    encoder_dir: Path, heads: Sequence[Head], vocabulary: NgramVocabulary, schemas: Schemas
) -> list[GoldenRow]:
    specs = [head.spec for head in heads]
    rows = make_rows(specs, TEMPLATE, schemas, 0)
    allowed = SchemaMasks(schemas, specs).of([row.tenant or "" for row in rows])
    texts = [row.text(TEMPLATE) for row in rows]
    answers = answer_rows(texts, Encoder(encoder_dir, ["cpu"]), heads, vocabulary, allowed)
    return with_answers(rows, {"fp32": answers})


def manifest(parts: BundleParts, name: str = "support", **more: Any) -> Manifest:
    return Manifest(
        **more,
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
    with pytest.raises(BundleError, match=r"format_version=4, this program reads up to 3; update"):
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


# -- labels by tenant, languages, the page -------------------------------------------------------

SCHEMAS = {
    "acme": {"topic": ("card", "invoice"), "tags": ("lost",)},
    "globex": {"topic": ("other",), "tags": ()},
}


@pytest.fixture
def with_schemas(tmp_path: Path, parts: BundleParts) -> Path:
    """A bundle whose tenants have their own labels."""
    rows = golden_rows(parts.encoder_dir, parts.heads, parts.vocabulary, SCHEMAS)
    own = dataclasses.replace(parts, golden=rows)
    return write_bundle(
        tmp_path, manifest(parts, schemas=SCHEMAS, languages=("de", "en"), previous="x/1"), own
    )


def test_a_tenants_mail_gets_its_own_labels_alone(with_schemas: Path) -> None:
    bundle = load_bundle(with_schemas)
    assert bundle.schemas == SCHEMAS
    assert bundle.languages == ("de", "en")
    assert bundle.manifest.previous == "x/1"
    texts = ["my card is lost"] * 3
    embeddings = bundle.encoder.embed([one.ids for one in bundle.encoder.tokenize(texts)])
    acme, globex, other = bundle.predict(embeddings, texts, ["acme", "globex", "elsewhere"])
    assert {label for label, _ in acme["topic"].labels} == {"card", "invoice"}
    assert globex["topic"].labels == (("other", 1.0),)
    assert "tags" not in globex
    assert len(other["topic"].labels) == 3
    assert other == bundle.predict(embeddings, texts)[2]


def test_golden_rows_are_of_tenants_too_and_see_a_damaged_mask(
    with_schemas: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = read_golden(with_schemas / "golden.jsonl")
    assert {row.tenant for row in rows} == {None, "acme", "globex"}
    assert load_bundle(with_schemas).golden_failure() is None
    monkeypatch.setattr(SchemaMasks, "of", lambda *_: None)
    with pytest.raises(BundleError, match=r"golden row 2 .*expected|golden row 2 .*heads"):
        load_bundle(with_schemas)


def test_a_tag_of_another_tenant_is_seen_though_it_changes_no_other_probability(
    tmp_path: Path, parts: BundleParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas = {"acme": {"topic": ("card", "invoice", "other"), "tags": ("lost",)}}
    rows = golden_rows(parts.encoder_dir, parts.heads, parts.vocabulary, schemas)
    own = dataclasses.replace(parts, golden=rows)
    path = write_bundle(tmp_path, manifest(parts, schemas=schemas), own)
    load_bundle(path)
    monkeypatch.setattr(SchemaMasks, "of", lambda *_: None)
    with pytest.raises(BundleError, match=r"tags\.urgent has probability .* expected none of it"):
        load_bundle(path)


def test_mail_of_a_tenant_that_is_not_named_gets_the_labels_of_everyone(
    tmp_path: Path, parts: BundleParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas = {"*": {"topic": ("card",), "tags": ()}, **SCHEMAS}
    rows = golden_rows(parts.encoder_dir, parts.heads, parts.vocabulary, schemas)
    assert {row.tenant for row in rows} == {None, "acme", "globex"}
    own = dataclasses.replace(parts, golden=rows)
    path = write_bundle(tmp_path, manifest(parts, schemas=schemas), own)
    bundle = load_bundle(path)
    texts = ["my card is lost"]
    embeddings = bundle.encoder.embed([one.ids for one in bundle.encoder.tokenize(texts)])
    (other,) = bundle.predict(embeddings, texts, ["elsewhere"])
    assert other["topic"].labels == (("card", 1.0),)
    assert "tags" not in other
    assert bundle.predict(embeddings, texts) == [other]
    monkeypatch.setattr(SchemaMasks, "of", lambda *_: None)
    with pytest.raises(BundleError, match="golden row 1 "):
        load_bundle(path)


def test_a_schema_of_labels_that_the_heads_do_not_have_is_refused(
    tmp_path: Path, parts: BundleParts
) -> None:
    path = write_bundle(tmp_path, manifest(parts, schemas={"acme": {"topic": ("x",)}}), parts)
    with pytest.raises(BundleError, match=r"'acme' allows \['x'\] for head 'topic'.*train"):
        load_bundle(path)


def test_the_out_of_scope_label_comes_back(tmp_path: Path, parts: BundleParts) -> None:
    heads = [
        dataclasses.replace(parts.heads[0], out_of_scope_label="other"),
        dataclasses.replace(parts.heads[1]),
    ]
    own = dataclasses.replace(parts, heads=heads)
    bundle = load_bundle(write_bundle(tmp_path, manifest(own), own))
    assert [head.out_of_scope_label for head in bundle.heads] == ["other", None]


def test_page_and_answers_are_part_of_the_bundle_where_there_are_some(
    store: Path, parts: BundleParts
) -> None:
    own = dataclasses.replace(parts, page="<p>größer</p>", answers=b'{"key":"1"}\n')
    path = write_bundle(store, manifest(parts), own)
    assert (path / "report.html").read_text(encoding="utf-8") == "<p>größer</p>"
    assert (path / "answers.jsonl").read_bytes() == b'{"key":"1"}\n'
    assert {"report.html", "answers.jsonl"} <= set(load_bundle(path).manifest.files)
    assert not (store / "support" / "1" / "report.html").exists()
    (path / "answers.jsonl").write_bytes(b"")
    with pytest.raises(BundleError, match=r"answers\.jsonl is damaged"):
        load_bundle(path)


def test_a_bundle_of_the_first_format_is_read_as_it_was_meant(store: Path) -> None:
    path = store / "support" / "1" / "manifest.json"
    content = orjson.loads(path.read_bytes())
    for name in ("manifest_sha256", "schemas", "languages", "artefacts", "previous"):
        del content[name]
    for head in content["heads"]:
        del head["out_of_scope_label"]
    path.write_bytes(_sealed({**content, "format_version": 1}))
    golden = path.with_name("golden.jsonl")
    rows = [orjson.loads(line) for line in golden.read_bytes().splitlines()]
    assert all(not row["attributes"] and row["tenant"] is None for row in rows)
    bundle = load_bundle(path.parent)
    assert (bundle.schemas, bundle.languages) == ({}, ())
    assert bundle.golden_failure() is None


def test_golden_rows_of_a_bundle_of_the_first_format_are_read(parts: BundleParts) -> None:
    row = msgspec.to_builtins(parts.golden[0])
    del row["attributes"], row["tenant"]
    assert msgspec.json.decode(orjson.dumps(row), type=GoldenRow) == parts.golden[0]


def test_golden_rows_carry_the_attributes_that_the_template_asks_for() -> None:
    heads = [HeadSpec("topic", "multiclass", ("lost_card", "invoice"))]
    template = "{attributes.bank}: {subject}\n{body}\n{attributes.product}"
    rows = make_rows(heads, template, {}, 0)
    assert rows == make_rows(heads, template, {}, 0)
    assert {tuple(sorted(row.attributes)) for row in rows} == {(), ("bank", "product")}
    values = {value for row in rows for value in row.attributes.values()}
    assert values <= {"lost_card", "invoice"}, "placeholders, no customer's value"
    assert rows[0].attributes["bank"] in rows[0].text(template)
    assert [(row.subject, row.body) for row in rows] == make_texts(heads, 0)


# -- loading beside the traffic ------------------------------------------------------------------


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The encoder's files that were read to be hashed, by name; files count as settled at once."""
    names: list[str] = []

    def counted(path: Path) -> str:
        names.append(path.name)
        return sha256_of(path)

    monkeypatch.setattr(file_hashes, "SETTLED_NS", -1)
    monkeypatch.setattr(file_hashes, "sha256_of", counted)
    monkeypatch.setattr(manifests, "sha256_of", counted)
    yield names
    file_hashes._known.clear()


def test_the_next_bundle_of_a_loaded_encoder_does_not_read_its_graph_again(
    store: Path, parts: BundleParts, reads: list[str], tmp_path: Path
) -> None:
    write_bundle(store, manifest(parts, "other"), parts)
    reads.clear()
    sessions: dict[str, Encoder] = {}
    load_bundle(resolve(store, "support"), encoders=sessions)
    assert reads.count("fp32.onnx") == 1, "once, though the manifest and the encoder both ask"
    copy = tmp_path / "copied" / "other" / "1"
    shutil.copytree(store / "other" / "1", copy)  # other inodes
    reads.clear()
    for path in (resolve(store, "other"), copy):
        bundle = load_bundle(path, encoders=sessions)
        assert [bundle.encoder] == list(sessions.values())
    assert "fp32.onnx" not in reads
    assert reads.count("heads.safetensors") == 2, "what is its own is always read"


def test_a_hash_is_remembered_until_the_file_is_written_to(store: Path, reads: list[str]) -> None:
    home = store / "support" / "1"
    load_bundle(home)
    load_bundle(home)
    assert reads.count("fp32.onnx") == 1
    path = home / "encoder" / "fp32.onnx"
    whole, times = path.read_bytes(), path.stat()
    path.unlink()
    path.write_bytes(whole[:99] + bytes([whole[99] ^ 1]) + whole[100:])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as a careless copy leaves it
    with pytest.raises(BundleError, match=r"fp32\.onnx is damaged"):
        load_bundle(home)


def test_a_fresh_file_is_hashed_every_time(store: Path) -> None:
    path = store / "support" / "1" / "encoder" / "fp32.onnx"
    first = file_hashes.sha256_once(path)
    path.unlink()
    path.write_bytes(b"another")
    assert file_hashes.sha256_once(path) != first
    with path.open("r+b") as file:  # the same inode and size, maybe the same tick of the clock
        file.write(b"Another")
    assert file_hashes.sha256_once(path) == sha256_of(path)


def test_a_missing_or_short_graph_is_found_even_when_it_would_not_be_read(
    store: Path, parts: BundleParts
) -> None:
    sessions: dict[str, Encoder] = {}
    load_bundle(resolve(store, "support"), encoders=sessions)
    path = write_bundle(store, manifest(parts, "other"), parts)
    graph = path / "encoder" / "fp32.onnx"
    graph.unlink()
    with pytest.raises(BundleError, match="it is missing"):
        load_bundle(path, encoders=sessions)
    graph.write_bytes(b"short")
    with pytest.raises(BundleError, match="it has 5 bytes"):
        load_bundle(path, encoders=sessions)


def test_a_manifest_that_names_another_encoder_is_refused(store: Path) -> None:
    path = store / "support" / "1" / "manifest.json"
    content = orjson.loads(path.read_bytes())
    del content["manifest_sha256"]
    content["encoder"]["sha256"] = "0" * 64
    path.write_bytes(_sealed(content))
    with pytest.raises(BundleError, match="is not the encoder that manifest"):
        load_bundle(path.parent)


def test_versions_with_equal_ngrams_hold_them_once(store: Path, parts: BundleParts) -> None:
    sessions: dict[str, Encoder] = {}
    write_bundle(store, manifest(parts, "other"), parts)
    first, second = (
        load_bundle(resolve(store, name), encoders=sessions) for name in ("support", "other")
    )
    assert first._vocabulary is second._vocabulary
