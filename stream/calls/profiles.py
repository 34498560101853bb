"""The topic `customer-profiles` in, what is known of a customer out: a table that every worker holds whole.

Read by a consumer of our own, outside every group: Faust's GlobalTable on a topic of users hangs in silence (facts).
The newest record of a customer counts. One that cannot be read changes nothing: the last good one stays, as long as
this worker knows it (after compaction only the bad one is left for the next worker: mend the record). Its dead letter
is written by an agent beside the walk (`stream.app`), once for all workers.
"""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
# (aiokafka types its records by their deserialisers, which we do not use)

import asyncio
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from stream.calls.profile_records import Features, read_profile
from stream.calls.profile_store import NO_ROOM, ProfileStore
from stream.errors import FatalError, PoisonRecordError
from stream.kafka.clients import Log
from stream.kafka.whole_topic import Part, follow_topic
from stream.metrics import Metrics
from stream.records import CustomerProfile
from stream.settings import Settings
from stream.topics import CUSTOMER_PROFILES


class ProfileTable:
    """All profiles. `start`, then `follow` until cancelled, then `close`, in one event loop.

    Args:
        settings: name the topic.
        metrics: `profiles` and `profiles_refused`.
        log: told when all were read, and of records that were refused (places and reasons, no values).
    """

    def __init__(self, settings: Settings, metrics: Metrics, log: Log) -> None:
        self._topic = settings.topic(CUSTOMER_PROFILES)
        self._log = log
        self._metrics = metrics
        self._parts = follow_topic(settings, self._topic, log)
        self._store: ProfileStore | None = None
        self._filling: ProfileStore | None = None
        self._swapping = threading.Lock()
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="profiles")
        self._reading = self._records = 0

    async def start(self) -> None:
        """Read all profiles of this moment; a topic that does not exist has none.

        Raises:
            BrokerUnavailableError, FatalError: Kafka is not there, or refuses; or the disk is full.
        """
        began_s = time.monotonic()
        while self._store is None:
            await self._take(await anext(self._parts))
        took_s = round(time.monotonic() - began_s, 2)
        self._log("profiles_read", topic=self._topic, records=self._records, took_s=took_s)

    async def follow(self) -> None:
        """Go on reading, until cancelled. Outages are waited for: what is known goes on being true.

        Raises:
            FatalError: the disk is full.
        """
        async for part in self._parts:
            await self._take(part)

    async def close(self) -> None:
        """Let go of Kafka and of the disk; from now on every customer is unknown."""
        await self._parts.aclose()
        await asyncio.to_thread(self._writing.shutdown)
        for store in (self._filling, self._store):
            if store is not None:
                store.close()

    def get(self, tenant: str, customer_id: str) -> Features | None:
        """The features of a customer, None: unknown. Any thread may ask; about 15 µs."""
        return self.get_many([(tenant, customer_id)])[0]

    def get_many(self, customers: Sequence[tuple[str, str]]) -> list[Features | None]:
        """The features of each (tenant, customer_id) in their order, all of one moment. Any thread may ask."""
        with self._swapping:
            return (
                [None] * len(customers) if self._store is None else self._store.get_many(customers)
            )

    async def _take(self, part: Part) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._writing, self._write, part)
        except NO_ROOM as error:
            raise FatalError(
                f"profiles cannot be kept on the disk of {tempfile.gettempdir()} ({error}); make room there, or set "
                "TMPDIR to another folder"
            ) from error

    # -- in the table's own thread ------------------------------------------------------------

    def _write(self, part: Part) -> None:
        """Make a part's changes visible: those of a reading from the start all at once, with its last part."""
        if part.reading != self._reading:
            if self._filling is not None:  # a reading that did not come to its end
                self._filling.close()
            self._filling = ProfileStore()
            self._reading, self._records = part.reading, 0
        self._records += len(part.records)
        changes, refused = self._read(part)
        if self._filling is not None:
            self._filling.fill(changes)
            if self._store is not None:
                self._filling.fill_below(self._store.rows(refused))
        elif self._store is not None:
            self._store.change(changes)
        if part.ends is not None and self._filling is not None:
            self._filling.end_filling()
            self._swap(self._filling)
            self._filling = None
        if self._store is not None:
            self._metrics.profiles.set(self._store.count)

    def _swap(self, new: ProfileStore) -> None:
        old = self._store
        if old is not None and not self._records:
            new.close()  # an empty topic takes nothing away: it was made anew and is being filled
            return
        with self._swapping:
            self._store = new
        if old is not None:
            old.close()

    def _read(self, part: Part) -> tuple[dict[str, CustomerProfile | None], list[str]]:
        """The newest readable profile by key, None: removed; and the keys of records that were refused."""
        changes: dict[str, CustomerProfile | None] = {}
        refused: list[str] = []
        first = ""
        for record in part.records:
            key = (record.key or b"").decode(errors="replace")
            try:
                changes[key] = read_profile(record.key, record.value)
            except PoisonRecordError as error:
                self._metrics.profiles_refused.inc()
                first = first or f"{record.partition}/{record.offset}: {error.message}"
                refused.append(key)
        if refused:
            self._log("profiles_refused", topic=self._topic, count=len(refused), first=first)
        return changes, refused
