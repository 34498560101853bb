"""Records of `model-deployments` and `model-decisions` in, what is live for whom out. Pure; knows no Kafka client.

Of one key the highest offset counts, and a tombstone takes the key away (compaction leaves as much). A tenant has
exactly one live model: of its keys the one that was written last.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stream.errors import PoisonRecordError
from stream.records import Decision, Deployment, decode

MANIFEST = "manifest.json"
DEFAULT_TENANT = "default"


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
    """

    _by_key: dict[bytes, tuple[int, Deployment | None]] = field(
        default_factory=dict[bytes, tuple[int, Deployment | None]]
    )
    refused: dict[int, str] = field(default_factory=dict[int, str])

    def add(self, entries: Iterable[Entry]) -> None:
        """Take records of `model-deployments`, in any order, also ones that were there before."""
        for entry in entries:
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

    def by_tenant(self) -> dict[str, Deployment]:
        """The live model of each tenant that has one, in the order of their names."""
        newest: dict[str, tuple[int, Deployment]] = {}
        for offset, deployment in self._by_key.values():
            if deployment is not None and offset > newest.get(deployment.tenant, (-1,))[0]:
                newest[deployment.tenant] = offset, deployment
        return {tenant: newest[tenant][1] for tenant in sorted(newest)}

    def keys_of(self, tenant: str) -> list[bytes]:
        """The keys under which a tenant has a record that is no tombstone."""
        return [
            key
            for key, (_, deployment) in self._by_key.items()
            if deployment is not None and deployment.tenant == tenant
        ]


@dataclass(frozen=True)
class Scope:
    """Whose mail a worker answers.

    Args:
        only: tenants that it is dedicated to; None: all.
        has_others: the tenants file names models, so that it may start while nothing is live.
    """

    only: Collection[str] | None = None
    has_others: bool = False

    def needed(self, live: Mapping[str, Deployment]) -> dict[str, Deployment]:
        """What of the live models it loads: of its tenants, and of all where one of them has no model of its own."""
        if self.only is None:
            return dict(live)
        own = set(self.only)
        wanted = own | {DEFAULT_TENANT} if own - live.keys() else own
        return {tenant: one for tenant, one in live.items() if tenant in wanted}


EVERYBODY = Scope()


def decisions_of(entries: Iterable[Entry]) -> list[Decision]:
    """The readable decisions, oldest first."""
    found: list[Decision] = []
    for entry in sorted(entries, key=lambda entry: entry.offset):
        try:
            found.append(decode(entry.value, Decision))
        except PoisonRecordError:
            continue
    return found


def marks_of(live: Mapping[str, Deployment]) -> dict[tuple[str, str], str]:
    """(name, version) -> `live` or `previous`, for a list of bundles."""
    marks: dict[tuple[str, str], str] = {}
    for deployment in live.values():
        if deployment.previous_version is not None:
            marks[deployment.name, deployment.previous_version] = "previous"
    for deployment in live.values():
        marks[deployment.name, deployment.version] = "live"
    return marks


def sha256_of_file(path: Path) -> str:
    """The content hash that records name bundles by.

    Raises:
        OSError: it cannot be read.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()
