"""A bundle on disk, found by name: its manifest, its report, the hashes that records name it by. Opens no session."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from models.bundle import BundleError, resolve
from models.manifest import REPORT_NAME, Manifest, read_manifest
from stream.deployments.decisions import Bundled
from stream.deployments.live import MANIFEST, sha256_of_file
from stream.errors import FatalError


@dataclass(frozen=True)
class OnDisk:
    """A bundle whose manifest reads well; its other files are not looked at."""

    path: Path
    manifest: Manifest
    bundled: Bundled

    @property
    def whole_name(self) -> str:
        """NAME/VERSION."""
        return f"{self.manifest.name}/{self.manifest.version}"

    def report(self) -> dict[str, Any]:
        """`report.json` as it is; empty when it cannot be read."""
        try:
            content: Any = orjson.loads((self.path / REPORT_NAME).read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        return cast("dict[str, Any]", content) if isinstance(content, dict) else {}


def find(models_dir: Path, name: str) -> OnDisk:
    """A bundle by NAME/VERSION, or the newest version of NAME.

    Raises:
        FatalError: there is none, or its manifest or report is damaged.
    """
    try:
        path = resolve(models_dir, name)
        return open_bundle(path)
    except (BundleError, OSError) as error:
        raise FatalError(str(error)) from error


def open_bundle(path: Path) -> OnDisk:
    """The bundle in a directory.

    Raises:
        BundleError: its manifest is missing or damaged.
        OSError: its report cannot be read.
    """
    manifest = read_manifest(path)
    bundled = Bundled(
        manifest.tenant,
        manifest.name,
        manifest.version,
        sha256_of_file(path / MANIFEST),
        sha256_of_file(path / REPORT_NAME),
        manifest.kind,
    )
    return OnDisk(path, manifest, bundled)
