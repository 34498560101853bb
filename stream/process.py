"""The process of a worker: its event loop, its memory, its end. Knows nothing of what runs in it."""

import asyncio
import logging
import os
import resource
import sys
from pathlib import Path
from typing import NoReturn


def fast_loop() -> asyncio.AbstractEventLoop:
    """The event loop of libuv, where it exists."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415  # not installed on Windows

    return uvloop.new_event_loop()


def end_process(exit_code: int) -> NoReturn:
    """End at once: the interpreter's own exit would wait for a device thread that hangs, for ever."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def resident_memory_bytes() -> int:
    """Resident memory of this process; its peak where /proc is missing."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
