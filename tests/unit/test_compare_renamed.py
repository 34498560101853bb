"""What labels of one version are called in a later one: followed from version to version."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from models.evaluation.renamed import renamed_labels
from models.manifest import EncoderEntry, Manifest, TrainingEntry, write_manifest
from models.rows.label_changes import HeadChange


def version(
    models: Path, number: int, changes: Mapping[str, HeadChange], previous: str | None = "same"
) -> Path:
    """A bundle of which nothing is read but manifest and report; by default made after the version before it."""
    folder = models / "support" / str(number)
    folder.mkdir(parents=True)
    if previous == "same":
        previous = f"support/{number - 1}" if number > 1 else None
    manifest = Manifest(
        name="support", version=str(number), tenant="default", created_at="", input_template="",
        heads=(), encoder=EncoderEntry(base_model="tiny", sha256="", max_length_tokens=32),
        training=TrainingEntry(recipe="quick", seed=0, rows=1, test_rows=1, train=(), validation=(), test=()),
        metrics={}, files={}, previous=previous,
    )  # fmt: skip
    write_manifest(folder, manifest)
    (folder / "report.json").write_bytes(msgspec.json.encode({"changes": dict(changes), "rows": 1}))
    return folder


def test_renamed_and_merged_labels_are_told_and_others_are_called_as_they_are(
    tmp_path: Path,
) -> None:
    first = version(tmp_path, 1, {})
    change = HeadChange(
        added=("new",), removed=("gone",), renamed={"bill": "invoice"}, merged={"card": ("card", "debit")},
    )  # fmt: skip
    second = version(tmp_path, 2, {"topic": change})
    assert renamed_labels(first, second) == {"topic": {"bill": "invoice", "debit": "card"}}
    assert renamed_labels(first, first) == {}
    assert renamed_labels(second, first) == {}, "the newer one does not come before"


def test_a_label_that_was_removed_on_purpose_is_none_and_one_that_got_lost_is_not_told(
    tmp_path: Path,
) -> None:
    first = version(tmp_path, 1, {})
    change = HeadChange(removed=("fax", "telex"), declared=("fax",))
    second = version(tmp_path, 2, {"topic": change})
    assert renamed_labels(first, second) == {"topic": {"fax": None}}


def test_a_label_is_followed_over_several_versions(tmp_path: Path) -> None:
    first = version(tmp_path, 1, {})
    steps = (
        {"topic": HeadChange(renamed={"a": "b"}), "mood": HeadChange(renamed={"sad": "low"})},
        {},
        {"topic": HeadChange(renamed={"x": "y"}, merged={"d": ("b", "c")})},
    )
    last = [version(tmp_path, number, step) for number, step in enumerate(steps, start=2)][-1]
    assert renamed_labels(first, last) == {
        "topic": {"a": "d", "b": "d", "c": "d", "x": "y"},
        "mood": {"sad": "low"},
    }


def test_a_name_that_is_given_again_belongs_to_the_label_that_has_it_now(tmp_path: Path) -> None:
    """Old `a` became `b`; the `a` of version 2 is another label, which became `c`."""
    first = version(tmp_path, 1, {})
    version(tmp_path, 2, {"topic": HeadChange(renamed={"a": "b"}, added=("a",))})
    third = version(tmp_path, 3, {"topic": HeadChange(renamed={"a": "c"})})
    assert renamed_labels(first, third) == {"topic": {"a": "b"}}


def test_a_chain_that_breaks_renames_nothing(tmp_path: Path) -> None:
    first = version(tmp_path, 1, {})
    second = version(tmp_path, 2, {"topic": HeadChange(renamed={"a": "b"})})
    third = version(tmp_path, 3, {"topic": HeadChange(renamed={"b": "c"})})
    stranger = version(tmp_path, 4, {"topic": HeadChange(renamed={"a": "z"})}, previous=None)
    circle = version(tmp_path, 5, {}, previous="support/5")
    outside = version(tmp_path, 6, {}, previous="../../support/1")
    for other in (stranger, circle, outside):
        assert renamed_labels(first, other) == {}
    assert renamed_labels(first, third) == {"topic": {"a": "c", "b": "c"}}
    (second / "report.json").write_text("{")
    assert renamed_labels(first, third) == {}
    (second / "manifest.json").unlink()
    assert renamed_labels(first, third) == {}
