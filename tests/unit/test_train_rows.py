from pathlib import Path

import orjson
import pytest

from models.dataset import DatasetError
from models.train_report import TrainRequest
from models.train_rows import read_rows


def written(path: Path, *tenants: str) -> Path:
    rows = (
        {
            "id": f"{path.stem}-{number}",
            "body": f"words {number}",
            "tenant": tenant,
            "labels": {"a": "b"},
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
