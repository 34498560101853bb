"""What cleaning costs: medians of real mails, milliseconds per megabyte and growth by doubling, libraries beside it.

    python -m benchmarks.cleaning [--megabytes 1 2 4] [--repeat 3] [--no-peers]

All times are this thread's processor time (`time.thread_time`), the least of the repeats, without a time budget; of the
libraries their process's. Plain first mails: tickets and complaints; plain fixtures: replies and forwards. 3 kB HTML:
pages of 2–4 kB that the built-in world's mail programs write. Growth is the time at twice the size over the time at
the size, the largest of all doublings; it says nothing below `LEAST_MS` and is not given there. The limits of
characters and lines make time flat beyond them, so growth is shown once more with the limits lifted, at 64, 128 and
256 kB. The libraries get 20 kB of the same hostile text, 5 s each. JSON lines on stdout; tables on stderr. Fixtures
from SWITCHBOARD_DATA_DIR, default ../shared/data.
"""

import argparse
import base64
import itertools
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.clean_fixtures import data_dir, rows
from benchmarks.clean_peers import LIMIT_S, PEERS, Peer, Task, version
from benchmarks.hostile import HOSTILE, HOSTILE_TEXT, ORDINARY, Maker, body, page, raw
from benchmarks.machine import describe, emit
from stream.clean import CleanOptions, clean_with_notes
from stream.records import InboundEmail
from stream.simulate.grammar import chance
from stream.simulate.wrapping import wrap

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NO_BUDGET = CleanOptions(time_budget_ms=60_000)
MOST = 10**9
LIFTED = CleanOptions(
    time_budget_ms=600_000,
    max_raw_bytes=MOST,
    max_part_bytes=MOST,
    max_html_chars=MOST,
    max_text_chars=MOST,
    max_lines=MOST,
)
LIFTED_CHARS = (64_000, 128_000, 256_000)
MEGA = 1_000_000
LEAST_MS = 5.0
PEER_CHARS = 20_000
MOST_MS_PER_MB, MOST_GROWTH = 60, 2.2


def say(text: str) -> None:
    """Tables and progress go to stderr; stdout is for figures."""
    print(text, file=sys.stderr, flush=True)


def time_ms(email: InboundEmail, repeat: int = 1, options: CleanOptions = NO_BUDGET) -> float:
    """Least milliseconds of computing for one mail."""
    taken: list[float] = []
    for _ in range(repeat):
        start_s = time.thread_time()
        clean_with_notes(email, NOW, None, options)
        taken.append(time.thread_time() - start_s)
    return 1000 * min(taken)


def pages_of_3_kb(count: int = 100) -> list[InboundEmail]:
    """Pages of 2,000–4,000 characters as the mail programs of the built-in world write them, in five languages."""
    texts = (
        "The second meter shows the wrong date.\n\nCould you send somebody, please?",
        "Der zweite Zähler zeigt das falsche Datum.\n\nKönnen Sie bitte jemanden schicken?",
    )
    found: list[InboundEmail] = []
    for number in range(20 * count):
        language = ("en", "de", "fr", "es", "pt")[number % 5]
        mail = wrap(texts[language == "de"], language, chance("pages", number), as_html=True)
        if 2_000 <= len(mail.text) <= 4_000:
            found.append(page(mail.text))
    return found[:count]


def real_mails() -> dict[str, list[InboundEmail]]:
    """The real mails by kind."""
    fixtures = list(rows(data_dir()))
    messages = [
        base64.b64decode(row["raw_base64"])
        for row in rows(data_dir(), "rfc822/messages.shared.jsonl.gz")
    ]
    of_type = {
        kind: [row["raw"] for row in fixtures if row["content_type"] == kind]
        for kind in ("text/plain", "text/html", "message/rfc822")
    }
    first_mails = [
        body(row["body"])
        for name in ("tickets_multilang", "tickets_german", "it_tickets", "cfpb_complaints")
        for row in itertools.islice(rows(data_dir(), f"text/{name}.test.jsonl.gz"), 150)
    ]
    return {
        "plain first mails": first_mails,
        "plain fixtures": [body(text) for text in of_type["text/plain"]],
        "HTML of 2-4 kB": pages_of_3_kb(),
        "HTML fixtures": [page(text) for text in of_type["text/html"]],
        "raw fixtures": [raw(text.encode()) for text in of_type["message/rfc822"]],
        "raw messages": [raw(data) for data in messages],
    }


def report_medians(repeat: int) -> None:
    """A row per kind of real mail."""
    say("| mails | number | median µs | p95 µs | max µs |\n| --- | --- | --- | --- | --- |")
    for name, emails in real_mails().items():
        ordered = sorted(1000 * time_ms(email, repeat) for email in emails)
        p95 = ordered[len(ordered) * 95 // 100]
        median = statistics.median(ordered)
        say(f"| {name} | {len(ordered)} | {median:.0f} | {p95:.0f} | {ordered[-1]:.0f} |")
        figures = {"median_us": round(median), "p95_us": round(p95), "max_us": round(ordered[-1])}
        emit("cleaning_median", mails=name, count=len(ordered), **figures, **describe())


def growth(times_ms: Sequence[float]) -> float | None:
    """The largest ratio from one size to its double; None where the times say nothing."""
    ratios = [b / a for a, b in itertools.pairwise(times_ms) if a >= LEAST_MS]
    return max(ratios, default=None)


def report_growth(
    kind: str, makers: dict[str, Maker], megabytes: Sequence[int], repeat: int
) -> None:
    """A row per pattern."""
    head = " | ".join(f"{size} MB, ms" for size in megabytes)
    say(f"\n| {kind} | {head} | ms per MB, most | growth, most | limits lifted |")
    say("| --- " * (len(megabytes) + 4) + "|")
    for name, make in makers.items():
        times_ms = [time_ms(make(size * MEGA), repeat) for size in megabytes]
        lifted_ms = [time_ms(make(size), min(2, repeat), LIFTED) for size in LIFTED_CHARS]
        per_mb = max(taken / size for taken, size in zip(times_ms, megabytes, strict=True))
        grown, lifted = growth(times_ms), growth(lifted_ms)
        over = " **over**" if per_mb > MOST_MS_PER_MB else ""
        cells = " | ".join(f"{taken:.1f}" for taken in times_ms)
        say(f"| {name} | {cells} | {per_mb:.1f}{over} | {_shown(grown)} | {_shown(lifted)} |")
        emit(
            "cleaning_growth",
            kind=kind,
            mail=name,
            megabytes=list(megabytes),
            ms=[round(taken, 2) for taken in times_ms],
            ms_per_mb=round(per_mb, 2),
            growth=_rounded(grown),
            lifted_chars=LIFTED_CHARS,
            lifted_ms=[round(taken, 2) for taken in lifted_ms],
            lifted_growth=_rounded(lifted),
            **describe(),
        )


def _rounded(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio, 2)


def _shown(ratio: float | None) -> str:
    if ratio is None:
        return "-"
    return f"{ratio:.2f}{' **over**' if ratio > MOST_GROWTH else ''}"


def report_peers(repeat: int) -> None:
    """A row per hostile text of 20 kB: ours and the libraries."""
    names = " | ".join(map(version, PEERS))
    say(f"\n| 20 kB, ms | switchboard | {names} |\n{'| --- ' * (len(PEERS) + 2)}|")
    found: dict[str, dict[str, float | str]] = {}
    for name, make in HOSTILE_TEXT.items():
        found[name] = {"switchboard": round(time_ms(make(PEER_CHARS), repeat), 2)}
    for name in PEERS:
        with Peer(name) as peer:
            for mail, make in HOSTILE_TEXT.items():
                outcome = peer.read(Task(make(PEER_CHARS).body or "", is_quick=True))
                stalled = f"over {1000 * LIMIT_S:.0f}"
                failed = outcome.error or round(outcome.cpu_ms, 2)
                found[mail][version(name)] = stalled if outcome.stalled else failed
    for mail, sides in found.items():
        say(f"| {mail} | {' | '.join(str(value) for value in sides.values())} |")
        emit("cleaning_peers", mail=mail, chars=PEER_CHARS, ms=sides, **describe())


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    args = parser.parse_args()
    time_ms(body("Hello, this loads the language model."))
    report_medians(max(5, args.repeat))
    report_growth("ordinary", ORDINARY, args.megabytes, args.repeat)
    report_growth("hostile", HOSTILE, args.megabytes, args.repeat)
    if not args.no_peers:
        report_peers(args.repeat)


if __name__ == "__main__":
    main()
