"""Whether a process of this machine is still there: a number in, yes or no out, to who finds what one left behind."""

import os


def is_gone(pid: int) -> bool:
    """Whether what the process began will never go on.

    A process asks this of others: its own number is that of an earlier one, for the first process of a container has
    the same number in the next one. A number that was given to another process looks alive.
    """
    try:
        os.kill(pid, 0)  # sends nothing: asks whether it is there
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # there, and somebody else's
        return False
    return pid == os.getpid()
