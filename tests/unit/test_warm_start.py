from pathlib import Path

import numpy as np
import pytest

from models.bundle import BundleError
from models.fitting.warm_start import find_previous, start_weights
from models.heads import Head, LinearWeights
from models.labels import HeadKind, HeadSpec
from models.manifest import EncoderEntry, Manifest, TrainingEntry, write_manifest
from models.ngrams import NgramVocabulary
from models.rows.dataset import DatasetError
from models.rows.label_changes import NO_CHANGES, LabelChanges
from models.training.previous import read_previous

OLD = ("card lost", "card stolen", "loan", "misc")


def vocabulary(*hashes: int) -> NgramVocabulary:
    return NgramVocabulary(np.array(hashes, np.uint32), np.ones(len(hashes), np.float32))


def previous(kind: HeadKind = "multiclass") -> Head:
    dense = np.arange(12, dtype=np.float32).reshape(4, 3)
    ngrams = np.arange(12, dtype=np.float16).reshape(3, 4)
    bias = np.array([1, 3, 5, 7], np.float32)
    return Head(HeadSpec("topic", kind, OLD), LinearWeights(dense, bias, ngrams), 1.0, None)


NEW = HeadSpec("topic", "multiclass", ("card", "credit", "new"))
CHANGES = {"card lost": "card", "card stolen": "card", "loan": "credit", "misc": None}


def test_renamed_labels_take_their_weights_and_merged_ones_the_mean() -> None:
    head = previous()
    start = start_weights(head, vocabulary(1, 2, 3), NEW, None, CHANGES)
    assert start.dense.tolist() == [[1.5, 2.5, 3.5], [6, 7, 8], [0, 0, 0]]
    assert start.bias[:2].tolist() == [2, 5]
    assert start.ngrams is None


def test_merged_labels_are_weighed_by_their_rows_where_these_are_known() -> None:
    rows = {"card lost": 3, "card stolen": 1, "credit": 4}
    start = start_weights(previous(), vocabulary(), NEW, None, CHANGES, rows)
    assert start.dense[0].tolist() == [0.75, 1.75, 2.75]
    assert start.bias[0] == 1.5


def test_ngrams_are_carried_by_hash_between_two_vocabularies() -> None:
    start = start_weights(
        previous(), vocabulary(10, 20, 30), NEW, vocabulary(5, 6, 20, 30), CHANGES
    )
    assert start.ngrams is not None
    assert start.ngrams.tolist() == [[0, 0, 0], [0, 0, 0], [4.5, 6, 0], [8.5, 10, 0]]


def test_a_head_without_ngrams_starts_them_at_zero() -> None:
    head = previous()
    bare = Head(head.spec, LinearWeights(head.weights.dense, head.weights.bias, None), 1.0, None)
    start = start_weights(bare, vocabulary(), NEW, vocabulary(1, 2), CHANGES)
    assert start.ngrams is not None
    assert start.ngrams.shape == (2, 3)
    assert not start.ngrams.any()


def test_a_new_label_answers_as_often_as_its_share_where_nothing_else_is_known() -> None:
    spec = HeadSpec("topic", "multiclass", (*OLD, "new"))
    rows = dict.fromkeys(OLD, 10) | {"new": 10}
    head = previous()
    even = Head(
        head.spec, LinearWeights(head.weights.dense, np.full(4, 9, np.float32), None), 1, None
    )
    start = start_weights(even, vocabulary(), spec, None, {}, rows)
    assert start.bias == pytest.approx([9] * 5), "as many rows as the others: the same bias"
    rare = start_weights(even, vocabulary(), spec, None, {}, {**rows, "new": 1})
    assert rare.bias[4] == pytest.approx(9 + np.log(0.1), abs=1e-4)


def test_a_new_label_of_a_multi_label_head_starts_at_the_logit_of_its_share() -> None:
    spec = HeadSpec("topic", "multilabel", (*OLD, "new"))
    rows = dict.fromkeys(OLD, 20) | {"new": 20}
    start = start_weights(previous("multilabel"), vocabulary(), spec, None, {}, rows)
    assert start.bias[4] == pytest.approx(np.log(0.2 / 0.8))
    assert start.bias[:4].tolist() == [1, 3, 5, 7]


def test_no_label_in_common_still_gives_a_start() -> None:
    spec = HeadSpec("topic", "multiclass", ("x", "y"))
    start = start_weights(previous(), vocabulary(), spec, None, {})
    assert not start.dense.any()
    assert start.bias[0] == start.bias[1]
    assert np.isfinite(start.bias).all()


def complete(folder: Path, tenant: str = "default") -> Path:
    folder.mkdir(parents=True)
    manifest = Manifest(
        name=folder.parent.name,
        version=folder.name,
        tenant=tenant,
        created_at="2026-01-01T00:00:00Z",
        input_template="{body}",
        heads=(),
        encoder=EncoderEntry(base_model="x", sha256="x", max_length_tokens=8),
        training=TrainingEntry(
            recipe="quick", seed=0, rows=0, test_rows=0, train=(), validation=(), test=()
        ),
        metrics={},
        files={},
    )
    write_manifest(folder, manifest)
    return folder


def test_the_previous_version_is_the_latest_complete_one(tmp_path: Path) -> None:
    assert find_previous(tmp_path, "mail", "default") is None
    complete(tmp_path / "mail" / "2")
    latest = complete(tmp_path / "mail" / "10")
    (tmp_path / "mail" / "11").mkdir()  # killed while it was written
    (tmp_path / "mail" / "12").mkdir()
    (tmp_path / "mail" / "12" / "manifest.json").write_text("{}")
    assert find_previous(tmp_path, "mail", "default") == latest
    with pytest.raises(BundleError, match="not allowed"):
        find_previous(tmp_path, "../mail", "default")


def test_label_changes_without_a_version_before_are_refused_with_the_way_out(
    tmp_path: Path,
) -> None:
    changes = LabelChanges({"topic": {"fax": None}}, "changes.toml")
    complete(tmp_path / "mail" / "1", "globex")
    with pytest.raises(DatasetError) as caught:
        read_previous(tmp_path, "mail", "acme", changes)
    for said in ("changes.toml", "no version of 'mail' for tenant 'acme'", "leave --label-changes"):
        assert said in str(caught.value)
    assert read_previous(tmp_path, "mail", "acme", NO_CHANGES) is None
    found = read_previous(tmp_path, "mail", "globex", changes)
    assert found is not None
    assert found.label == "mail/1"


def test_a_version_of_another_tenant_is_no_previous_one(tmp_path: Path) -> None:
    own = complete(tmp_path / "mail" / "1", "acme")
    complete(tmp_path / "mail" / "2", "globex")
    assert find_previous(tmp_path, "mail", "acme") == own
    assert find_previous(tmp_path, "mail", "default") is None
