"""Profiles in, lookups out: an SQLite file in a temporary folder, written by one thread and read by any.

On disk whatever the size, so that a million customers cost a worker no memory to speak of. The file has no name any
more once it is open: it ends with the process, however that ends, and nobody else can read it.
"""

import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from stream.calls.profile_records import Features, profile_key
from stream.records import CustomerProfile

# Filled through a table without an index, then sorted: a million put straight under their keys took 54 s instead of 14.
_BEGIN_FILLING = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16384;
CREATE TABLE profiles (key TEXT PRIMARY KEY, tenant_chars INTEGER, features BLOB) WITHOUT ROWID;
ATTACH '' AS filling;
CREATE TABLE filling.records (key TEXT, tenant_chars INTEGER, features BLOB);
BEGIN;
"""
_END_FILLING = """
INSERT OR REPLACE INTO profiles SELECT * FROM filling.records ORDER BY key, rowid;
DELETE FROM profiles WHERE features IS NULL;
DETACH filling;
PRAGMA journal_mode = WAL;
PRAGMA cache_size = -2048;
PRAGMA shrink_memory;
"""
_FILL = "INSERT INTO filling.records VALUES (?, ?, ?)"
_FILL_BELOW = "INSERT INTO filling.records (rowid, key, tenant_chars, features) VALUES (?, ?, ?, ?)"
_PUT = "INSERT OR REPLACE INTO profiles VALUES (?, ?, ?)"
_REMOVE = "DELETE FROM profiles WHERE key = ?"
_GET = "SELECT tenant_chars, features FROM profiles WHERE key = ?"

NO_ROOM = (sqlite3.Error, OSError)
"""What a store raises when its disk does not take what it is given."""

Row = tuple[str, int, bytes | None]
"""Key, length of the tenant in it, features as MessagePack; None: removed."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Features).decode


class ProfileStore:
    """Features by tenant and customer: first filled, then changed by one thread and read by any, all the time.

    Attributes:
        count: how many profiles there are, once it is filled.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(
            prefix="switchboard-profiles-", ignore_cleanup_errors=True
        )
        self._path = Path(self._folder.name) / "profiles.sqlite"
        self._writer = _connection(self._path)
        self._writer.executescript(_BEGIN_FILLING)
        self._reader: sqlite3.Connection | None = None
        self._reading = threading.Lock()
        self._below = 0
        self.count = 0

    def fill(self, changes: Mapping[str, CustomerProfile | None]) -> None:
        """Take profiles by key, later ones instead of earlier ones; None removes one. Nobody may ask yet."""
        self._writer.executemany(_FILL, [_row(key, profile) for key, profile in changes.items()])

    def fill_below(self, rows: Iterable[Row]) -> None:
        """Take rows of another store for keys of which nothing else comes."""
        for row in rows:
            self._below -= 1
            self._writer.execute(_FILL_BELOW, (self._below, *row))

    def rows(self, keys: Iterable[str]) -> list[Row]:
        """What is there under these keys, for another store."""
        with self._reading:
            if (reader := self._reader) is None:
                return []
            found = [(key, reader.execute(_GET, (key,)).fetchone()) for key in keys]
        return [(key, *row) for key, row in found if row is not None]

    def end_filling(self) -> None:
        """From now on there are answers."""
        self._writer.executescript(_END_FILLING)
        [self.count] = self._writer.execute("SELECT COUNT(*) FROM profiles").fetchone()
        self._reader = _connection(self._path)
        self._reader.execute(_GET, ("",)).fetchone()  # opens the files, which lose their names now
        self._folder.cleanup()

    def change(self, changes: Mapping[str, CustomerProfile | None]) -> None:
        """Put profiles by key, None removes one; seen at once, all together."""
        rows = [_row(key, profile) for key, profile in changes.items()]
        self._writer.execute("BEGIN")
        known = sum(self._writer.execute(_GET, row[:1]).fetchone() is not None for row in rows)
        self.count += sum(row[2] is not None for row in rows) - known
        self._writer.executemany(_PUT, [row for row in rows if row[2] is not None])
        self._writer.executemany(_REMOVE, [row[:1] for row in rows if row[2] is None])
        self._writer.execute("COMMIT")

    def get_many(self, customers: Sequence[tuple[str, str]]) -> list[Features | None]:
        """The features of each (tenant, customer_id), None where unknown, in their order, all of one moment."""
        with self._reading:
            reader = self._reader
            if reader is None:
                return [None] * len(customers)
            reader.execute("BEGIN")  # one lock of the file, not one for each
            rows = [
                reader.execute(_GET, (profile_key(*customer),)).fetchone() for customer in customers
            ]
            reader.execute("COMMIT")
        return [
            # "a/b" + "c" and "a" + "b/c" are one key, and one tenant's customer is not the other's
            _decode(row[1]) if row is not None and row[0] == len(tenant) else None
            for row, (tenant, _) in zip(rows, customers, strict=True)
        ]

    def close(self) -> None:
        """Free the disk; there are no answers any more."""
        with self._reading:
            if self._reader is not None:
                self._reader.close()
            self._reader = None
        self._writer.close()
        self._folder.cleanup()


def _row(key: str, profile: CustomerProfile | None) -> Row:
    if profile is None:
        return key, 0, None
    return key, len(profile.tenant), _encode(profile.features)


def _connection(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)
