"""The loader behind the keeper, on real bundles: only the bundle that a record names, and no session too many."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stream.cli import wiring
from stream.cli.bundles import OnDisk
from stream.cli.wiring import Loader
from stream.deployments.bundle_ref import BundleRef
from stream.errors import FatalError, SettingsError
from stream.metrics import Metrics
from stream.settings import Settings
from tests.bundles import write_encoder, write_version

pytest.importorskip("onnx", reason="needs the extra heads")
from tests.churn_bundles import write_churn_version


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two whose bytes differ: of 16 numbers each, by other layers."""
    return [write_encoder(tmp_path_factory.mktemp("encoder"), layers=layers) for layers in (1, 2)]


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    return Loader(Settings(models_dir=tmp_path, execution_providers="cpu", encode_threads=1))


def ref_to(found: OnDisk) -> BundleRef:
    own = found.bundled
    return BundleRef(own.tenant, own.name, own.version, own.manifest_sha256, own.kind)


def test_only_the_bundle_whose_record_names_its_tenant_name_version_and_bytes_is_loaded(
    tmp_path: Path, loader: Loader, encoders: list[Path]
) -> None:
    ref = ref_to(write_version(tmp_path, encoders[0], tenant="acme"))
    bundle = loader.load_exactly(ref)
    assert (bundle.tenant, bundle.name, bundle.version) == ("acme", "support", "1")
    with pytest.raises(
        FatalError, match=r"for tenant 'acme' \(text\), but support/1 is live for tenant 'x'"
    ):
        loader.load_exactly(replace(ref, tenant="x"))
    with pytest.raises(FatalError, match="is not the bundle that was approved"):
        loader.load_exactly(replace(ref, manifest_sha256="0" * 64))
    for name, version in (("other", "1"), ("support", "2")):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / "support" / "1").rename(tmp_path / name / version)
        with pytest.raises(FatalError, match=f"says it is support/1.*but {name}/{version} is live"):
            loader.load_exactly(replace(ref, name=name, version=version))
        (tmp_path / name / version).rename(tmp_path / "support" / "1")


def test_a_session_is_let_go_with_the_last_bundle_that_used_it(
    tmp_path: Path, loader: Loader, encoders: list[Path]
) -> None:
    first, second, third = (
        loader.load_exactly(ref_to(write_version(tmp_path, encoder, version=number)))
        for number, encoder in enumerate([encoders[0], encoders[1], encoders[1]], start=1)
    )
    assert second.encoder is third.encoder
    assert len(loader._encoders) == 2
    loader.keep_only([first, third])
    assert len(loader._encoders) == 2
    loader.keep_only([third])
    assert list(loader._encoders.values()) == [third.encoder]


def test_a_session_of_a_model_that_the_tenants_file_names_stays(
    tmp_path: Path, loader: Loader, encoders: list[Path]
) -> None:
    write_version(tmp_path, encoders[0])
    bundle = loader.load("support/1")
    loader.keep_only([])
    assert list(loader._encoders.values()) == [bundle.encoder]


def test_whatever_breaks_a_load_is_a_reason_with_a_name_and_no_end_of_the_worker(
    tmp_path: Path, loader: Loader, encoders: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = ref_to(write_version(tmp_path, encoders[0]))

    def breaks(*_: Any) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(wiring, "load_bundle", breaks)
    with pytest.raises(FatalError, match="support/1 breaks the loading with RecursionError: too d"):
        loader.load_exactly(ref)


def test_models_of_mail_and_of_calls_on_one_encoder_are_one_session(
    tmp_path: Path, loader: Loader, encoders: list[Path]
) -> None:
    write_version(tmp_path, encoders[0])
    write_churn_version(tmp_path, encoders[0])
    write_churn_version(tmp_path, encoders[0], "own", "acme")
    pinned = loader.pinned(["support", "leaving/1", "own"])
    assert {tenant: one.name for tenant, one in pinned.text.items()} == {"default": "support"}
    assert {tenant: one.name for tenant, one in pinned.churn.items()} == {
        "default": "leaving",
        "acme": "own",
    }
    assert pinned.by_name["own", "1"] is pinned.churn["acme"]
    assert len(loader._encoders) == 1
    write_churn_version(tmp_path, encoders[0], "other")
    with pytest.raises(SettingsError, match="leaving and other both answer for tenant default"):
        loader.pinned(["leaving", "other"])


def test_a_record_of_the_wrong_kind_loads_no_model(
    tmp_path: Path, loader: Loader, encoders: list[Path]
) -> None:
    ref = ref_to(write_churn_version(tmp_path, encoders[0]))
    assert loader.load_exactly(ref).kind == "churn"
    with pytest.raises(
        FatalError, match=r"tenant 'default' \(churn\), but leaving/1 is .*\(text\)"
    ):
        loader.load_exactly(replace(ref, kind="text"))


def test_a_worker_may_start_with_a_model_of_calls_alone(
    tmp_path: Path, encoders: list[Path]
) -> None:
    write_churn_version(tmp_path, encoders[0])
    settings = Settings(models_dir=tmp_path, execution_providers="cpu", encode_threads=1)
    engine = wiring.start_engine(settings, ["leaving"], Metrics())
    assert engine.bundle_for("default") is None
    engine.close()
