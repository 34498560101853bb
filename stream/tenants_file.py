"""The tenants file on disk, the newest good version of it in memory: to the engine, a window at a time. Knows no mail.

No thread and no timer: whoever reads a window asks first, and the file is looked at at most once a second, by its
stat. What cannot be read or is wrong changes nothing: the settings of before stay, the log says it once and a metric
counts it, until there is a good file again. The same for a file that changes too late what is left to dedicated
workers (`stream.dedication`): records would come twice or never.
"""

import time
from collections.abc import Callable
from pathlib import Path

from stream.dedication import too_late
from stream.errors import SettingsError
from stream.metrics import Metrics
from stream.settings import Settings
from stream.tenants import Tenants
from stream.tenants_toml import load_tenants, read_tenants

LOOK_EVERY_S = 1.0
# A file that was written less than this ago may be half of what it will be: it is read when it stood still for a look.
SETTLED_S = 1.0

Log = Callable[..., object]
_Signature = tuple[int, int, int]


class TenantsFile:
    """Keeps the settings of tenants fresh. Not thread-safe: one thread asks.

    A link is followed to its end, as a Kubernetes ConfigMap swaps folders behind one. A default file that is not
    there at the start is waited for.

    Args:
        settings: name the file.
        log: told `tenants_loaded` and `tenants_refused`.
        clock: seconds, rising.
        wall_clock: seconds since the epoch, as files are stamped.

    Raises:
        SettingsError: as `load_tenants`; a start with a wrong file is refused.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        log: Log,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = settings.tenants_path
        self._metrics = metrics
        self._log = log
        self._clock = clock
        self._wall_clock = wall_clock
        # first the stat: of a file that changes meanwhile the next look finds another one
        self._seen = self._waiting = _signature(self._path)
        self._tenants = load_tenants(settings)
        self._next_look_s = clock() + LOOK_EVERY_S
        if self._seen is not None:
            self._say_loaded()

    def now(self) -> Tenants:
        """The newest good version; the same object until there is another one."""
        now_s = self._clock()
        if now_s >= self._next_look_s:
            self._next_look_s = now_s + LOOK_EVERY_S
            self._look()
        return self._tenants

    def _look(self) -> None:
        found = _signature(self._path)
        if found == self._seen:
            self._waiting = found
        elif found == self._waiting or self._stands_still(found):
            self._seen = self._waiting = found
            self._read()
        else:
            self._waiting = found

    def _stands_still(self, found: _Signature | None) -> bool:
        return found is not None and self._wall_clock() - found[0] / 1e9 >= SETTLED_S

    def _read(self) -> None:
        try:
            self._tenants = self._checked(read_tenants(self._path))
        except SettingsError as error:
            self._metrics.tenants_reload_failures.inc()
            self._log("tenants_refused", error=str(error), effect="the settings of before stay")
        else:
            self._say_loaded()

    def _checked(self, tenants: Tenants) -> Tenants:
        now_ms = int(self._wall_clock() * 1000)
        if faults := list(too_late(self._tenants, tenants, now_ms)):
            raise SettingsError("\n".join(f"{self._path}: {fault}" for fault in faults))
        return tenants

    def _say_loaded(self) -> None:
        self._metrics.tenants_loaded.set(self._wall_clock())
        self._log("tenants_loaded", path=str(self._path), tenants=len(self._tenants.by_name))


def _signature(path: Path) -> _Signature | None:
    """What changes when a file does: time in ns, size, inode; None where there is none, or none to be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
