from pathlib import Path
from typing import Any

import orjson
import pytest

from models.rows.dataset import DatasetError
from models.rows.label_changes import LabelChanges
from models.training.report import TrainRequest
from models.training.rows import read_rows


def written(path: Path, *tenants: str) -> Path:
    rows = (
        {
            "id": f"{path.stem}-{number}",
            "body": f"words {number}",
            "tenant": tenant,
            "labels": {"a": f"label {number}"},
        }
        for number, tenant in enumerate(tenants)
    )
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def request(folder: Path, **fields: object) -> TrainRequest:
    return TrainRequest(
        name="x",
        models_dir=folder,
        data=[written(folder / "data.jsonl", "yes", "no", "yes")],
        validation=written(folder / "validation.jsonl", "no", "yes"),
        test=written(folder / "test.jsonl", "no", "no", "yes"),
        consents=lambda tenant: tenant == "yes",
        **fields,  # pyright: ignore[reportArgumentType]
    )


def test_rows_of_tenants_that_do_not_consent_are_left_out_of_every_use(tmp_path: Path) -> None:
    rows = read_rows(request(tmp_path))
    assert {row.tenant for row in rows.everything()} == {"yes"}
    assert (len(rows.learn), len(rows.validation), len(rows.test)) == (2, 1, 1)
    assert rows.refused == {"no": 4}


def test_nothing_but_refused_rows_is_an_error_that_says_how_many(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no 2"):
        read_rows(
            TrainRequest(
                name="x",
                models_dir=tmp_path,
                data=[written(tmp_path / "data.jsonl", "no", "no")],
                consents=lambda _: False,
            )
        )


def labelled(path: Path, *rows: tuple[str, dict[str, Any]], **more: str) -> Path:
    lines = (
        orjson.dumps({"id": f"{path.stem}-{n}", "body": body, "labels": labels, **more})
        for n, (body, labels) in enumerate(rows)
    )
    path.write_bytes(b"\n".join(lines))
    return path


def words(number: int) -> str:
    return f"word {chr(97 + number % 26) * (2 + number // 26)}"


def many() -> list[tuple[str, dict[str, Any]]]:
    return [(words(n), {"topic": f"label {n % 2}"}) for n in range(60)]


def asked(folder: Path, data: Path, **fields: object) -> TrainRequest:
    return TrainRequest(name="x", models_dir=folder, data=[data], **fields)  # pyright: ignore[reportArgumentType]


def test_one_class_only_names_head_label_and_first_row(tmp_path: Path) -> None:
    path = labelled(tmp_path / "a.jsonl", *((words(n), {"topic": "card"}) for n in range(20)))
    with pytest.raises(DatasetError, match="nothing to learn") as caught:
        read_rows(asked(tmp_path, path))
    assert "head 'topic' has one class only, 'card', in all 16 rows" in str(caught.value)
    assert f"the first at {path}:" in str(caught.value)


def test_labels_that_are_all_too_rare_are_refused_with_the_option_before_anything_is_embedded(
    tmp_path: Path,
) -> None:
    rows = [(words(n), {"tags": [f"tag {n % 20}"]}) for n in range(60)]
    path = labelled(tmp_path / "a.jsonl", *rows)
    with pytest.raises(DatasetError, match=r"nothing to learn.*lower --min-label-rows"):
        read_rows(asked(tmp_path, path))
    assert read_rows(asked(tmp_path, path, min_label_rows=2)).learn
    also = [(body, {**labels, "topic": f"label {n % 2}"}) for n, (body, labels) in enumerate(rows)]
    assert read_rows(asked(tmp_path, labelled(path, *also))).learn, "one head can be learned"


def test_a_class_with_one_row_is_warned_of_by_label_and_row(tmp_path: Path) -> None:
    path = labelled(tmp_path / "a.jsonl", *many(), ("hello", {"topic": "rare"}))
    (warning,) = read_rows(asked(tmp_path, path)).warnings
    assert f"1 classes have one row each and cannot be measured: 'rare' ({path.name}:61" in warning


def test_a_head_weight_of_an_unknown_head_names_the_known_ones(tmp_path: Path) -> None:
    path = labelled(tmp_path / "a.jsonl", *many())
    with pytest.raises(DatasetError, match=r"head weight topics=2: .*did you mean 'topic'\?"):
        read_rows(asked(tmp_path, path, head_weights={"topics": 2.0}))


def test_an_out_of_scope_label_that_no_row_has_is_refused(tmp_path: Path) -> None:
    path = labelled(tmp_path / "a.jsonl", *many())
    with pytest.raises(DatasetError, match=r"out_of_scope_label='oos' is the label of no"):
        read_rows(asked(tmp_path, path, out_of_scope_label="oos"))


@pytest.mark.parametrize("use", ["test", "validation"])
def test_a_file_of_other_heads_is_refused_and_one_of_more_heads_is_warned_of(
    tmp_path: Path, use: str
) -> None:
    path = labelled(tmp_path / "a.jsonl", *many())
    other = labelled(tmp_path / "b.jsonl", ("a new text", {"queue": "x"}))
    with pytest.raises(DatasetError, match=r"b\.jsonl: its 1 rows have the heads \['queue'\]"):
        read_rows(asked(tmp_path, path, **{use: other}))
    other = labelled(tmp_path / "b.jsonl", ("a new text", {"queue": "x", "topic": "label 1"}))
    (warning,) = read_rows(asked(tmp_path, path, **{use: other})).warnings
    assert "no training row has head 'queue'" in warning


def test_rows_of_a_test_file_that_are_learned_from_are_counted_and_stay(tmp_path: Path) -> None:
    path = labelled(tmp_path / "a.jsonl", *many())
    test = labelled(tmp_path / "b.jsonl", *many()[:3], ("a new text", {"topic": "label 1"}))
    rows = read_rows(asked(tmp_path, path, test=test))
    assert len(rows.test) == 4
    assert (rows.overlap["test"].rows, rows.overlap["test"].equal) == (4, 3)
    assert any("3 of 4 test rows have the text of a training row" in x for x in rows.warnings)
    assert not any(str(tmp_path) in x for x in (*rows.warnings, *rows.overlap["test"].examples))
    assert rows.split.rule == "file"


def test_label_changes_reach_every_part_and_are_told(tmp_path: Path) -> None:
    path = labelled(tmp_path / "a.jsonl", *many())
    test = labelled(tmp_path / "b.jsonl", ("a new text", {"topic": "label 1"}))
    changes = LabelChanges({"topic": {"label 1": "card", "label 0": "loan"}})
    rows = read_rows(asked(tmp_path, path, test=test, changes=changes))
    assert {row.labels["topic"] for row in rows.everything()} == {"card", "loan"}
    assert rows.test[0].labels == {"topic": "card"}
    assert rows.changes == changes


def test_a_change_of_a_label_that_exists_nowhere_is_refused(tmp_path: Path) -> None:
    path = labelled(tmp_path / "a.jsonl", *many())
    with pytest.raises(DatasetError, match=r"the label 'lable 1'; did you mean 'label 1'"):
        read_rows(asked(tmp_path, path, changes=LabelChanges({"topic": {"lable 1": "card"}})))
    with pytest.raises(DatasetError, match=r"head 'queue', only \['topic'\]"):
        read_rows(asked(tmp_path, path, changes=LabelChanges({"queue": {"a": "b"}})))


def test_the_split_of_a_request_is_told_and_its_groups_fit_the_rows(tmp_path: Path) -> None:
    path = labelled(tmp_path / "a.jsonl", *many(), received_at="2026-03-31")
    rows = read_rows(asked(tmp_path, path))
    assert rows.split.rule == "time"
    assert len(rows.groups) == len(rows.learn) == 48


def test_test_rows_that_resemble_validation_rows_are_counted_too(tmp_path: Path) -> None:
    path = labelled(tmp_path / "a.jsonl", *many())
    seen = ("asked when we chose", {"topic": "label 1"})
    validation = labelled(tmp_path / "v.jsonl", seen)
    test = labelled(tmp_path / "b.jsonl", seen, ("a new text", {"topic": "label 1"}))
    rows = read_rows(asked(tmp_path, path, validation=validation, test=test))
    assert (rows.overlap["test"].equal, rows.overlap["validation"].found) == (1, 0)
    (warning,) = rows.warnings
    assert "1 of 2 test rows have the text of a training or validation row" in warning


def test_rows_that_are_learned_from_keep_the_groups_of_their_customers(tmp_path: Path) -> None:
    lines = (
        orjson.dumps(
            {
                "id": str(n),
                "body": words(n),
                "customer_id": f"c{n % 12}",
                "labels": {"topic": "ab"[n % 2]},
            }
        )
        for n in range(60)
    )
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    rows = read_rows(asked(tmp_path, tmp_path / "a.jsonl"))
    groups: dict[str | None, set[int]] = {}
    for row, group in zip(rows.learn, rows.groups, strict=True):
        groups.setdefault(row.customer_id, set()).add(group)
    assert all(len(own) == 1 for own in groups.values()), "one customer, one group"
    assert len({number for own in groups.values() for number in own}) == len(groups) > 5


@pytest.mark.parametrize("use", ["test", "validation"])
@pytest.mark.parametrize("answer", [[], ["label 0", "label 1"]])
def test_none_or_several_labels_for_a_head_of_one_are_refused_by_line(
    tmp_path: Path, use: str, answer: list[str]
) -> None:
    path = labelled(tmp_path / "a.jsonl", *many())
    other = labelled(
        tmp_path / "b.jsonl", ("a new text", {"topic": "label 1"}), ("b", {"topic": answer})
    )
    with pytest.raises(DatasetError, match=rf"b\.jsonl:2: row id='b-1' has {len(answer)} labels"):
        read_rows(asked(tmp_path, path, **{use: other}))
