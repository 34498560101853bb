"""Lowers the priority of the calling thread, so that loading a model does not slow the mail beside it."""

import os
import sys
import threading

NICENESS = 10


def at_low_priority() -> None:
    """For a thread's start; threads that it starts inherit it. Linux alone has a priority by thread (setpriority(2)).

    Loading beside traffic doubled the slowest run on two cores, 15 to 30 ms, at equal priority.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
