"""A person's decision in, what shall be written about it out. Pure: reads no bundle and no topic.

A rollback makes what was live before live again, whatever its name, and forgets the one it took back: a second
rollback is refused. Two people who roll back in the same minute would otherwise put the bad one live again. The way
forward is an approval. An approval names what it takes the place of, a rollback nothing: so workers tell them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec import UNSET

from stream.deployments.bundle_ref import ref_before
from stream.deployments.publishing import Publication
from stream.errors import FatalError, SettingsError
from stream.records import Decision, Deployment, ModelKind


class NothingToDoError(FatalError):
    """What was asked for is so already, or there is nothing to ask it of."""

    exit_code = 3


@dataclass(frozen=True)
class Bundled:
    """A bundle on disk, as records name it."""

    tenant: str
    name: str
    version: str
    manifest_sha256: str
    report_sha256: str
    kind: ModelKind = "text"

    def is_of(self, deployment: Deployment | None) -> bool:
        """It is what the record says is live."""
        if deployment is None:
            return False
        own = (self.name, self.version, self.manifest_sha256)
        return own == (deployment.name, deployment.version, deployment.manifest_sha256)


@dataclass(frozen=True)
class Signed:
    """Who decides, why and when.

    Raises:
        SettingsError: nobody, or no reason.
    """

    by: str
    reason: str
    at: datetime

    def __post_init__(self) -> None:
        for option, words in (("by", self.by), ("reason", self.reason)):
            if not words.strip():
                raise SettingsError(f"--{option} is empty; decisions are kept, say who and why")


def approved(
    bundle: Bundled, live: Deployment | None, signed: Signed, *, forced: bool
) -> Publication:
    """Make a bundle live for its tenant.

    Args:
        bundle: which.
        live: what is live of its kind for its tenant.
        signed: by whom.
        forced: although something speaks against it.

    Raises:
        NothingToDoError: it is live.
    """
    if bundle.is_of(live):
        raise NothingToDoError(f"{bundle.name}/{bundle.version} is live for tenant {bundle.tenant}")
    deployment = Deployment(
        tenant=bundle.tenant,
        name=bundle.name,
        version=bundle.version,
        manifest_sha256=bundle.manifest_sha256,
        previous_version=live.version if live else None,
        previous_manifest_sha256=live.manifest_sha256 if live else None,
        previous_name=live.name if live and live.name != bundle.name else UNSET,
        kind=bundle.kind,
        deployed_at=signed.at,
    )
    return Publication(_decision("approved", bundle, signed, forced=forced), deployment, live)


def rejected(bundle: Bundled, live: Deployment | None, signed: Signed) -> Publication:
    """Note that a bundle shall not go live; nothing else changes.

    Raises:
        FatalError: it is live.
    """
    if bundle.is_of(live):
        raise FatalError(
            f"{bundle.name}/{bundle.version} is live; take it back: switchboard models rollback {bundle.name}"
        )
    return Publication(_decision("rejected", bundle, signed), None, live)


def rolled_back(live: Deployment, decisions: Sequence[Decision], signed: Signed) -> Publication:
    """Make the version before live again, which was of the same kind.

    Args:
        live: what is live.
        decisions: of the tenant about models of this kind, oldest first: name the report of the version before.
        signed: by whom.

    Raises:
        NothingToDoError: there is none before it; says what can be approved instead.
    """
    before = ref_before(live)
    if before is None:
        others = [
            f"{one.name}/{one.version}"
            for one in decisions
            if one.decision == "approved" and (one.name, one.version) != (live.name, live.version)
        ]
        known = f" (approved before: {', '.join(dict.fromkeys(others))})" if others else ""
        raise NothingToDoError(
            f"{live.name}/{live.version} has no version before it, or was rolled back to; name the one that shall "
            f"be live: switchboard models approve NAME/VERSION --by WHO --reason TEXT{known}"
        )
    deployment = Deployment(
        tenant=live.tenant,
        name=before.name,
        version=before.version,
        manifest_sha256=before.manifest_sha256,
        previous_version=None,
        previous_manifest_sha256=None,
        kind=live.kind,
        deployed_at=signed.at,
    )
    reports = [
        one.report_sha256
        for one in decisions
        if (one.name, one.version, one.decision) == (before.name, before.version, "approved")
    ]
    report_sha256 = reports[-1] if reports else ""
    back = Bundled(
        live.tenant, before.name, before.version, before.manifest_sha256, report_sha256, live.kind
    )
    return Publication(_decision("rolled_back", back, signed), deployment, live)


def _decision(
    decided: Literal["approved", "rejected", "rolled_back"],
    bundle: Bundled,
    signed: Signed,
    *,
    forced: bool = False,
) -> Decision:
    return Decision(
        tenant=bundle.tenant,
        name=bundle.name,
        version=bundle.version,
        decision=decided,
        by=signed.by,
        reason=signed.reason,
        report_sha256=bundle.report_sha256,
        decided_at=signed.at,
        kind=bundle.kind,
        forced=forced,
    )
