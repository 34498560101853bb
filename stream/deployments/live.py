"""Records of `model-deployments` and `model-decisions` in, what is live for whom out. Pure; knows no Kafka client.

Of one key the highest offset counts, and a tombstone takes the key away (compaction leaves as much). A tenant has
exactly one live model of each kind: of its keys of this kind the one that was written last. A key does not say its
kind, so a name is of one kind for each tenant.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stream.deployments.bundle_ref import ref_before
from stream.errors import FatalError, PoisonRecordError
from stream.records import Decision, Deployment, ModelKind, decode

MANIFEST = "manifest.json"
DEFAULT_TENANT = "default"
KINDS: tuple[ModelKind, ...] = ("text", "churn")
NOTHING_LIVE = (
    "no model is live; approve one: switchboard models approve NAME/VERSION --by WHO --reason TEXT "
    "(train it with `switchboard train --name NAME --data FILE`), or start the worker with --model NAME"
)


@dataclass(frozen=True)
class Entry:
    """One record of a topic with one partition; `value` None is a tombstone."""

    offset: int
    key: bytes | None
    value: bytes | None


def key_of(tenant: str, name: str) -> bytes:
    """The key of both topics. A name has no slash, a tenant may have one."""
    return f"{tenant}/{name}".encode()


@dataclass
class Live:
    """What the records that were added so far say.

    Attributes:
        refused: records that could not be read, by offset: they change nothing.
        highest: the highest offset that was added; -1: none.
    """

    _by_key: dict[bytes, tuple[int, Deployment | None]] = field(
        default_factory=dict[bytes, tuple[int, Deployment | None]]
    )
    refused: dict[int, str] = field(default_factory=dict[int, str])
    highest: int = -1

    def add(self, entries: Iterable[Entry]) -> list[Deployment]:
        """Take records of `model-deployments`, in any order, also ones that were there before.

        Returns:
            Those that changed something, as they came.
        """
        taken: list[Deployment] = []
        for entry in entries:
            self.highest = max(self.highest, entry.offset)
            key = entry.key or b""
            if entry.offset <= self._by_key.get(key, (-1, None))[0]:
                continue
            try:
                deployment = None if entry.value is None else decode(entry.value, Deployment)
            except PoisonRecordError as error:
                self.refused[entry.offset] = error.message
                continue
            if deployment is not None and key_of(deployment.tenant, deployment.name) != key:
                self.refused[entry.offset] = "its key is not tenant/name of its value"
                continue
            self._by_key[key] = entry.offset, deployment
            if deployment is not None:
                taken.append(deployment)
        return taken

    def by_tenant(self, kind: ModelKind = "text") -> dict[str, Deployment]:
        """The live model of a kind for each tenant that has one, in the order of their names."""
        newest: dict[str, tuple[int, Deployment]] = {}
        for offset, deployment in self._by_key.values():
            if deployment is None or deployment.kind != kind:
                continue
            if offset > newest.get(deployment.tenant, (-1,))[0]:
                newest[deployment.tenant] = offset, deployment
        return {tenant: newest[tenant][1] for tenant in sorted(newest)}

    def deployments(self) -> list[Deployment]:
        """All that is live: the models of e-mail by tenant, then those of calls."""
        return [one for kind in KINDS for one in self.by_tenant(kind).values()]

    def keys_of(self, tenant: str, kind: ModelKind) -> list[bytes]:
        """The keys under which a tenant has a record of a kind that is no tombstone."""
        return [
            key
            for key, (_, deployment) in self._by_key.items()
            if deployment is not None and (deployment.tenant, deployment.kind) == (tenant, kind)
        ]

    def refuse_other_kind(self, tenant: str, name: str, kind: ModelKind) -> None:
        """What is live under this key would be lost with its next record.

        Raises:
            FatalError: a model of another kind is live for the tenant under this name.
        """
        _, other = self._by_key.get(key_of(tenant, name), (-1, None))
        if other is not None and other.kind != kind:
            raise FatalError(
                f"{name}/{other.version} is live for tenant {tenant} as a {other.kind} model; a {kind} model needs "
                "another name: train it with --name OTHER"
            )


@dataclass(frozen=True)
class Scope:
    """Whose mail and calls a worker answers.

    Args:
        only: tenants that it is dedicated to; None: all.
        has_others: the tenants file names models by NAME/VERSION, so that it may start while nothing is live.
        names: models that the tenants file names without a version, for these tenants or for all.
    """

    only: Collection[str] | None = None
    has_others: bool = False
    names: Collection[str] = ()

    def needed(self, live: Mapping[str, Deployment]) -> dict[str, Deployment]:
        """What of the live models of a kind it loads: of its tenants, and that of all where one of them has none."""
        if self.only is None:
            return dict(live)
        own, general = set(self.only), live.get(DEFAULT_TENANT)
        is_named = general is not None and general.name in self.names
        wanted = own | {DEFAULT_TENANT} if is_named or own - live.keys() else own
        return {tenant: one for tenant, one in live.items() if tenant in wanted}


EVERYBODY = Scope()


@dataclass(frozen=True)
class Decisions:
    """Records of `model-decisions`: those that can be read, oldest first, and the offsets of the others."""

    made: Sequence[Decision] = ()
    unreadable: Sequence[int] = ()


def decisions_of(entries: Iterable[Entry]) -> Decisions:
    """What was decided; a record that cannot be read is told, for this is the trail of who decided what."""
    made: list[Decision] = []
    unreadable: list[int] = []
    for entry in sorted(entries, key=lambda entry: entry.offset):
        try:
            made.append(decode(entry.value, Decision))
        except PoisonRecordError:
            unreadable.append(entry.offset)
    return Decisions(made, unreadable)


def marks_of(live: Sequence[Deployment]) -> dict[tuple[str, str], str]:
    """(name, version) -> `live` or `previous`, for a list of bundles."""
    marks: dict[tuple[str, str], str] = {}
    for deployment in live:
        if (before := ref_before(deployment)) is not None:
            marks[before.name, before.version] = "previous"
    for deployment in live:
        marks[deployment.name, deployment.version] = "live"
    return marks


def sha256_of_file(path: Path) -> str:
    """The content hash that records name bundles by.

    Raises:
        OSError: it cannot be read.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()
