"""What the manifest says about each graph: measured here, compared with torch or float32, in no hashed file."""

from pathlib import Path

import pytest

from models.encoder.artefacts import artefact_entries
from models.encoder.build import build_encoder
from models.encoder.files import Precision, sha256_of
from tests.fakes import write_tiny_bert
from tests.model.small_encoders import TEXTS, write_small_encoder

ALL: tuple[Precision, ...] = ("fp32", "int8", "fp16")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    base = write_tiny_bert(tmp_path_factory.mktemp("base"))
    return base, build_encoder(base, tmp_path_factory.mktemp("encoder"), 32, ALL).path


def test_every_graph_has_its_size_its_speed_and_its_distance_from_float32(
    folders: tuple[Path, Path],
) -> None:
    base, directory = folders
    before = {path: sha256_of(path) for path in directory.iterdir()}
    found = artefact_entries(directory, base, TEXTS, with_torch=False)
    assert set(found) == set(ALL)
    for name, entry in found.items():
        assert entry.size_bytes == (directory / f"{name}.onnx").stat().st_size
        assert entry.provider is not None
    assert found["int8"].texts_per_second is not None
    assert found["int8"].texts_per_second > 0
    assert (found["fp32"].least_cosine, found["fp32"].compared_with) == (None, None)
    for name in ("int8", "fp16"):
        least = found[name].least_cosine
        assert least is not None
        assert 0.98 < least <= 1.00001
        assert found[name].compared_with == "fp32"
    assert {path: sha256_of(path) for path in directory.iterdir()} == before


def test_a_graph_on_a_processor_that_will_never_serve_it_is_not_timed(
    folders: tuple[Path, Path],
) -> None:
    found = artefact_entries(folders[1], folders[0], TEXTS, with_torch=False)["fp16"]
    assert (found.texts_per_second is None) == (found.provider == "cpu")


@pytest.mark.train
@pytest.mark.timeout(120)  # the first import of torch
def test_with_torch_every_graph_is_compared_with_it(tmp_path: Path) -> None:
    base = write_small_encoder(tmp_path / "base", "DistilBert")
    directory = build_encoder(base, tmp_path / "encoder", 64, ALL).path
    found = artefact_entries(directory, base, TEXTS, with_torch=True)
    assert {entry.compared_with for entry in found.values()} == {"torch"}
    exact = found["fp32"].least_cosine
    assert exact is not None
    assert abs(exact - 1) < 1e-5
