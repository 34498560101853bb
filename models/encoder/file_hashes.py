"""SHA-256 of files, in pieces, and of files that this process has hashed before without reading them again.

Bundles of one base model are hard links to the same encoder of up to a hundred megabytes; the hundredth must not cost
a second beside the traffic. Knows no bundle.
"""

import hashlib
import time
from pathlib import Path

# A file younger than this may change within one tick of its file system's clock, unseen by its times; Git calls such
# an entry of its index racy.
SETTLED_NS = 2_000_000_000
MOST_KNOWN = 1024

_Identity = tuple[int, int, int, int, int]
_known: dict[_Identity, str] = {}


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_once(path: Path) -> str:
    """As `sha256_of`; a file that was hashed before and has not been written to since is not read again.

    It is taken for the same where device, inode, size and both times are: a write sets the inode's change time, which
    no program sets back by itself. What slips through: a clock that was set back, a file system that stamps late or
    not at all (a network's, a write through mmap), a disk that gives other bytes than were written. Who must know
    reads the file: `sha256_of`.
    """
    before = _identity(path)
    known = _known.get(before)
    if known is not None:
        return known
    found = sha256_of(path)
    if _identity(path) == before and time.time_ns() - before[-1] > SETTLED_NS:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[before] = found
    return found


def _identity(path: Path) -> _Identity:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
