"""Cleaning's share of the worker's latency, from the rows that `benchmarks.latency` printed: a table on stdout.

    python -m benchmarks.clean_share [--results benchmarks/results]

A record's time in stage `clean` holds its wait for the rest of its poll. The share of the mean is exact; a quantile of
one stage over the same quantile of the whole only says how large the stage can be beside it, for a slow record is not
slow in every stage. Rows of before these quantiles were kept show `-`. Of several rows for one place the last counts.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.plots import HERE, Row, newest, read_rows

KINDS = ("latency", "idle")


def shares(rows: Sequence[Row]) -> list[str]:
    """Lines of the table, one per data set, kind of load and load."""
    lines = [
        "| data, load | p50 / p99 ms | `clean`, mean ms | of the mean | `clean` p50 ÷ p50 | `clean` p99 ÷ p99 |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        mean_ms = row["stages_ms"]["clean"]
        of_mean = _percent(mean_ms, sum(row["stages_ms"].values()))
        quantiles = [_percent(row.get(f"clean_{name}"), row[name]) for name in ("p50_ms", "p99_ms")]
        load = f"{100 * row['load']:.0f} %" if "load" in row else "one mail at a time"
        name = f"{row['data'].split('.json', 1)[0]}, {load}"
        times = f"{row['p50_ms']:g} / {row['p99_ms']:g}"
        lines.append(f"| {name} | {times} | {mean_ms:g} | {of_mean} | {' | '.join(quantiles)} |")
    return lines


def _percent(part: float | None, whole: float) -> str:
    return "-" if part is None or not whole else f"{100 * part / whole:.1f} %"


def main() -> None:
    """Read, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    folder = parser.parse_args().results
    rows = [row for kind in KINDS for row in read_rows(folder, kind)]
    keyed = [{"load": None, **row} for row in rows]
    found = [
        {name: value for name, value in row.items() if value is not None}
        for row in newest(keyed, "data", "benchmark", "load")
    ]
    if not found:
        sys.exit("no rows of benchmarks.latency in the folder; run it and keep what it prints")
    print("\n".join(shares(found)))


if __name__ == "__main__":
    main()
