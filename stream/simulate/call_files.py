"""The past calls of the built-in world as the three files that `switchboard train-churn` reads. Synthetic."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from stream.records import CaseOutcome, CustomerProfile, encode
from stream.simulate.calls import Case, cases
from stream.simulate.customers import CATEGORICAL, NUMERICAL

_BEGAN_MS = 1_767_225_600_000  # 2026-01-01; a call begins every minute and a half
_EVERY_MS = 90_000


@dataclass(frozen=True)
class CallFiles:
    """Where they are: JSON lines of CustomerProfile, of whole calls, of CaseOutcome; and the list of features."""

    profiles: Path
    calls: Path
    outcomes: Path
    features: Path


def write_history(folder: Path, count: int, seed: int = 1) -> CallFiles:
    """Write the world's last `count` calls, one of each customer; equal seeds give equal bytes.

    Raises:
        OSError: the folder cannot be written.
    """
    files = CallFiles(
        folder / "profiles.jsonl",
        folder / "calls.jsonl",
        folder / "outcomes.jsonl",
        folder / "features.toml",
    )
    folder.mkdir(parents=True, exist_ok=True)
    with (
        files.profiles.open("wb") as profiles,
        files.calls.open("wb") as calls,
        files.outcomes.open("wb") as outcomes,
    ):
        for number, case in enumerate(islice(cases(seed, "past"), count)):
            profiles.write(encode(profile_of(case)) + b"\n")
            calls.write(_call_line(case, _BEGAN_MS + number * _EVERY_MS) + b"\n")
            outcomes.write(encode(outcome_of(case)) + b"\n")
    files.features.write_text(
        f"numerical = {_toml(NUMERICAL)}\n"
        f"categorical = {_toml(CATEGORICAL)}\n"
        f"textual = {_toml(('customer', 'agent'))}\n",
        encoding="utf-8",
    )
    return files


def profile_of(case: Case) -> CustomerProfile:
    """What is known of the caller."""
    return CustomerProfile(
        customer_id=case.customer_id, tenant=case.tenant.name, features=case.features
    )


def outcome_of(case: Case) -> CaseOutcome:
    """What became of it."""
    return CaseOutcome(
        id=case.call_id,
        kind="call",
        tenant=case.tenant.name,
        churned=case.churned,
        closed_by="simulate",
    )


def _call_line(case: Case, began_ms: int) -> bytes:
    return encode(
        {
            "call_id": case.call_id,
            "tenant": case.tenant.name,
            "customer_id": case.customer_id,
            "language": case.language,
            "start_time_ms": began_ms,
            "fragments": [
                {
                    "seq": seq,
                    "speaker": turn.speaker,
                    "offset_ms": turn.offset_ms,
                    "text": turn.text,
                }
                for seq, turn in enumerate(case.turns)
            ],
        }
    )


def _toml(names: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
