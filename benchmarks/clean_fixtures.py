"""Right answers on the reply fixtures of nine parsers' tests: ours and three libraries', in one run.

    python -m benchmarks.clean_fixtures [--wrong]      # fixtures from SWITCHBOARD_DATA_DIR, default ../shared/data

Every row of `reply_fixtures.shared` with an expected reply, in the mode its `removes` says. A row is judged as its
`match` says, and once more with white space aside; both sides alike. A library is called in each of several ways, and
for each source the better way counts. It gets the text of an HTML row without tags (quotequail: the page), of an
RFC 822 row the text that Python's `email` finds. Mails that stall a library for 5 s are counted and named.
JSON lines on stdout; a table on stderr.
"""

import argparse
import email
import email.policy
import gzip
import json
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.clean_peers import PEERS, Outcome, Peer, Task, version
from benchmarks.machine import describe, emit
from benchmarks.tagless import without_tags
from stream.clean import CleanOptions, clean
from stream.clean.fence import Removable
from stream.records import InboundEmail

FIXTURES = "cleaning/reply_fixtures.shared.jsonl.gz"
MODES: dict[str, frozenset[Removable]] = {
    "quotes": frozenset({"quote"}),
    "signature": frozenset({"signature", "footer"}),
    "quotes+signature": frozenset({"quote", "signature", "footer"}),
}
FORMS = {"text/plain": "body", "text/html": "html", "message/rfc822": "raw"}
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
OURS = "switchboard"

Row = dict[str, Any]


def data_dir() -> Path:
    """The folder of the public data."""
    default = Path(__file__).parents[2] / "shared" / "data"
    return Path(os.environ.get("SWITCHBOARD_DATA_DIR", default))


def rows(folder: Path, name: str = FIXTURES) -> Iterator[Row]:
    """The rows of a shared file."""
    with gzip.open(folder / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def expected_text(row: Row) -> str | None:
    """The reply that a row's source expects as text; None where it states none."""
    page = row.get("expected_reply_html")
    return row["expected_reply"] if page is None else without_tags(page)


def is_right(body: str, row: Row, *, white_space_aside: bool = False) -> bool:
    """Whether a text is the expected reply, as the row's `match` says or with white space aside."""
    expected = expected_text(row)
    if expected is None:
        raise ValueError(f"row {row['id']} states no expected reply")
    if row["match"] == "ignore_whitespace" or white_space_aside:
        return re.sub(r"\s", "", body) == re.sub(r"\s", "", expected)
    return body.strip() == expected.strip()


def our_body(row: Row) -> str:
    """What our cleaner leaves of a row in the mode its `removes` says."""
    options = CleanOptions(time_budget_ms=60_000, remove=MODES[row["removes"]])
    raw = row["raw"].encode() if row["content_type"] == "message/rfc822" else row["raw"]
    form = {FORMS[row["content_type"]]: raw}
    return clean(InboundEmail(id=row["id"], **form), NOW, None, options).body


def task_of(row: Row) -> Task:
    """The mail as a library that reads text or a page gets it."""
    kind = row["content_type"]
    if kind != "message/rfc822":
        return Task(row["raw"], kind == "text/html", row["language"])
    message = email.message_from_string(row["raw"], policy=email.policy.default)
    part = message.get_body(("plain", "html"))
    text = part.get_content() if part is not None else ""
    is_html = part is not None and part.get_content_subtype() == "html"
    return Task(text, is_html, row["language"])


@dataclass
class Tally:
    """Right answers by way and source, judged twice; what went wrong, by row."""

    as_match_says: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    space_aside: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    stalled: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, row: Row, outcome: Outcome) -> None:
        """Judge what came of a row."""
        if outcome.stalled:
            self.stalled.append(row["id"])
        if outcome.error:
            self.failed.append(f"{row['id']} {outcome.error}")
        for way, body in outcome.answers.items():
            right = is_right(body, row)
            self.as_match_says[way][row["source"]] += right
            self.space_aside[way][row["source"]] += is_right(body, row, white_space_aside=True)
            if not right:
                self.wrong.append(row["id"])

    def best(self, source: str, *, white_space_aside: bool = False) -> int:
        """Right answers of the way that suits a source best."""
        ways = self.space_aside if white_space_aside else self.as_match_says
        return max((counts[source] for counts in ways.values()), default=0)


def measure(chosen: list[Row]) -> dict[str, Tally]:
    """Ours and every library's tally over the same rows."""
    tallies = {name: Tally() for name in (OURS, *PEERS)}
    for row in chosen:
        tallies[OURS].add(row, Outcome({"clean": our_body(row)}))
    for name in PEERS:
        with Peer(name) as peer:
            for row in chosen:
                tallies[name].add(row, peer.read(task_of(row)))
    return tallies


def show(tallies: dict[str, Tally], totals: Counter[str], plain: int) -> str:
    """The table of the ledger: `as match says (white space aside)`, the best library in each line in bold."""
    names = [OURS, *map(version, PEERS)]
    lines = [f"| source (rows) | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]

    def cells(strict: list[int], loose: list[int]) -> str:
        return " | ".join(f"{a} ({b})" for a, b in zip(strict, loose, strict=True))

    for source, total in sorted(totals.items()):
        strict = [tally.best(source) for tally in tallies.values()]
        loose = [tally.best(source, white_space_aside=True) for tally in tallies.values()]
        lines.append(f"| {source} ({total}) | {cells(strict, loose)} |")
    strict = [sum(tally.best(source) for source in totals) for tally in tallies.values()]
    loose = [
        sum(tally.best(source, white_space_aside=True) for source in totals)
        for tally in tallies.values()
    ]
    lines.append(f"| all ({totals.total()}, {plain} of them plain) | {cells(strict, loose)} |")
    shares = " | ".join(f"{100 * right / totals.total():.0f} %" for right in strict)
    lines.append(f"| share | {shares} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wrong", action="store_true", help="name the rows that ours gets wrong")
    args = parser.parse_args()
    chosen = [row for row in rows(data_dir()) if expected_text(row) is not None]
    totals = Counter(row["source"] for row in chosen)
    plain = sum(row["content_type"] == "text/plain" for row in chosen)
    tallies = measure(chosen)
    for name, tally in tallies.items():
        emit(
            "clean_fixtures",
            side=OURS if name == OURS else version(name),
            rows=len(chosen),
            right=sum(tally.best(source) for source in totals),
            right_white_space_aside=sum(
                tally.best(source, white_space_aside=True) for source in totals
            ),
            by_source={source: tally.best(source) for source in sorted(totals)},
            by_source_white_space_aside={
                source: tally.best(source, white_space_aside=True) for source in sorted(totals)
            },
            rows_by_source=dict(sorted(totals.items())),
            stalled=tally.stalled,
            failed=tally.failed,
            **describe(),
        )
    print(show(tallies, totals, plain), file=sys.stderr)
    for name, tally in tallies.items():
        print(
            f"{name}: stalled {tally.stalled or 'none'}, failed {tally.failed or 'none'}",
            file=sys.stderr,
        )
    if args.wrong:
        print("wrong:", *tallies[OURS].wrong, file=sys.stderr)


if __name__ == "__main__":
    main()
