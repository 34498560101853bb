"""Records of `model-deployments` in, what one worker shall have loaded out. Loads nothing.

What was live before a call ended goes on for it: the call stays with the bundle it began with, for at most two hours
after an approval took that bundle's place (by the time of the record, so that every worker says the same). A bundle
that was rolled back answers no call any more. The records tell the two apart: an approval names what it takes the
place of, a rollback names nothing (`deployments.decisions`). So a bundle goes on for its calls when the record that
follows it names it; after anything else (a rollback, a tombstone, records that were missed) it does not.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from stream.deployments.bundle_ref import BundleRef, ref_before, ref_of
from stream.deployments.live import KINDS, Live, Scope
from stream.deployments.topic import Reading
from stream.kafka.clients import Log
from stream.records import Deployment, ModelKind

KEEP_FOR_CALLS = timedelta(hours=2)

Slot = tuple[str, ModelKind]  # a tenant and a kind: one model is live for each


class Wanted:
    """What is live within the scope of a worker.

    Args:
        scope: of the worker.
        log: told of records that cannot be read, and of a topic that begins anew.

    Attributes:
        live: the deployment of each slot.
    """

    def __init__(self, scope: Scope, log: Log) -> None:
        self._scope = scope
        self._log = log
        self._records = Live()
        self._replaced: dict[BundleRef, datetime] = {}
        self.live: Mapping[Slot, Deployment] = {}

    def fold(self, reading: Reading) -> None:
        """Take records; of a reading from the start of the topic they replace what was known."""
        before = self._records
        if reading.end is not None:
            if reading.end <= before.highest:
                self._log("deployments_begin_anew", end=reading.end, known=before.highest)
            if reading.entries:  # an empty topic takes no model away
                self._records = Live()
        known_refused = dict(before.refused)
        for deployment in self._records.add(reading.entries):
            self._note_replaced(deployment)
        for offset, reason in self._records.refused.items() - known_refused.items():
            self._log("deployment_not_read", offset=offset, reason=reason)
        self.live = {
            (tenant, kind): deployment
            for kind in KINDS
            for tenant, deployment in self._scope.needed(self._records.by_tenant(kind)).items()
        }

    def refs(self) -> dict[Slot, BundleRef]:
        """What shall answer."""
        return {slot: ref_of(deployment) for slot, deployment in self.live.items()}

    def before(self) -> list[BundleRef]:
        """What a rollback of each slot would bring back."""
        found = [ref_before(deployment) for deployment in self.live.values()]
        return [ref for ref in found if ref is not None]

    def for_calls(self, now: datetime) -> set[BundleRef]:
        """Churn bundles that are live no more, and that calls which began with them may go on with."""
        return {ref for ref, at in self._replaced.items() if now - at < KEEP_FOR_CALLS}

    def kept(self, in_use: Collection[tuple[str, str]], now: datetime) -> set[BundleRef]:
        """What stays loaded: what is live, what was before it, and what calls in progress go on with.

        Args:
            in_use: (name, version) of the bundles that calls in progress began with.
            now: the time of day.
        """
        for_calls = {ref for ref in self.for_calls(now) if (ref.name, ref.version) in in_use}
        return for_calls | {*self.refs().values(), *self.before()}

    def _note_replaced(self, deployment: Deployment) -> None:
        """Each record by itself: whoever reads several in one go must say the same as others."""
        before = ref_before(deployment)
        if deployment.kind == "churn" and before is not None:
            self._replaced[before] = deployment.deployed_at
        self._replaced.pop(ref_of(deployment), None)  # it is back
