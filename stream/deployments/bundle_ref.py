"""A bundle as a record names it, by its manifest's hash and never by a path alone; and who loads it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from msgspec import UnsetType

from models.bundle import Bundle
from stream.records import Deployment, ModelKind


@dataclass(frozen=True)
class BundleRef:
    """One bundle: for whom it is live, its name, version and kind, and the sha256 of its `manifest.json`."""

    tenant: str
    name: str
    version: str
    manifest_sha256: str
    kind: ModelKind = "text"

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


class Loads(Protocol):
    """Loads bundles; called by one thread at a time."""

    def load_exactly(self, ref: BundleRef) -> Bundle:
        """The bundle that a record names, warm and through its golden run.

        Raises:
            FatalError: it is missing, damaged, another one than the record names, or fails its golden run.
        """
        ...

    def keep_only(self, bundles: Collection[Bundle]) -> None:
        """Let go of what only bundles used that are gone."""
        ...


def ref_of(deployment: Deployment) -> BundleRef:
    """What is live."""
    name, version, kind = deployment.name, deployment.version, deployment.kind
    return BundleRef(deployment.tenant, name, version, deployment.manifest_sha256, kind)


def ref_before(deployment: Deployment) -> BundleRef | None:
    """What a rollback would make live."""
    version, sha256 = deployment.previous_version, deployment.previous_manifest_sha256
    if version is None or sha256 is None:
        return None
    other = deployment.previous_name
    name = deployment.name if isinstance(other, UnsetType) else other
    return BundleRef(deployment.tenant, name, version, sha256, deployment.kind)
