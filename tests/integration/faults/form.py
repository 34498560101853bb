"""Which form of the fault suite runs: the short one of `make test`, or the long one of `make faults`."""

import os

SHORT_SOAK_S = 5.0


def is_long() -> bool:
    """True for `make faults`: full counts, and a report."""
    return os.environ.get("SWITCHBOARD_FAULTS") == "long"


def soak_s() -> float:
    """How long the soak lasts."""
    return float(os.environ.get("SWITCHBOARD_SOAK_SECONDS", "3600")) if is_long() else SHORT_SOAK_S
