from pathlib import Path

import pytest

from models.training.report import TrainRequest
from tests.fakes import write_tiny_bert, write_tiny_rows


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bert(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def request_(tmp_path: Path, base: Path) -> TrainRequest:
    return TrainRequest(
        name="support",
        models_dir=tmp_path / "models",
        data=[write_tiny_rows(tmp_path / "rows.jsonl")],
        base_model=str(base),
        max_length_tokens=32,
        threads=2,
        min_label_rows=5,
    )
