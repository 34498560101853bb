"""The benchmarks' own reckoning: who waits how long, what is refused, which figures are drawn. No timing is judged."""

import asyncio
import dataclasses
import itertools
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from benchmarks import gpu, plots, walk
from benchmarks.batching import FIXED_WAIT_S, Row, Stream, Way, arrivals, ways
from stream.clean import CleanOptions
from stream.records import InboundEmail
from tests.fakes import write_tiny_bert, write_tiny_rows

ROWS = [[7] * length for length in (3, 200, 9, 1, 40, 130)]


class Device:
    """Notes how many rows each run had; a run takes no time."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def __call__(self, rows: Sequence[Row]) -> None:
        self.runs.append(len(rows))


def serve(way: Way, device: Device, rows: Sequence[Row], moments_s: Sequence[float]) -> list[float]:
    with ThreadPoolExecutor(2) as pool:
        return asyncio.run(Stream(way, device, pool).serve(rows, moments_s))


def test_every_way_runs_every_text_once_and_cuts_none() -> None:
    budget, fixed, alone = ways(2, 256)
    for way in (budget, alone):
        runs = way.cut(ROWS)
        assert sorted(itertools.chain.from_iterable(runs)) == sorted(ROWS)
        assert all(len(run) == 1 or len(run) * max(map(len, run)) <= 256 for run in runs)
    (run,) = fixed.cut(ROWS)
    assert [sum(map(bool, row)) for row in run] == [len(row) for row in ROWS]
    assert {len(row) for row in run} == {200}
    assert {len(row) for row in fixed.cut(ROWS[2:5])[0]} == {128}


def test_intended_arrivals_follow_the_rate_whatever_the_server_does() -> None:
    moments_s = arrivals(20_000, rate_per_s=50, seed=1)
    assert moments_s == sorted(moments_s)
    assert moments_s == arrivals(20_000, rate_per_s=50, seed=1)
    assert 20_000 / moments_s[-1] == pytest.approx(50, rel=0.03)
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments_s)]
    assert sum(gap > 1 / 50 for gap in gaps) / len(gaps) == pytest.approx(0.368, abs=0.02)


def test_a_lonely_text_waits_for_company_only_where_the_way_says_so() -> None:
    budget, fixed, alone = ways(2, 256)
    assert serve(fixed, Device(), [[1]], [0.0])[0] >= FIXED_WAIT_S
    assert serve(budget, Device(), [[1]], [0.0])[0] < FIXED_WAIT_S
    assert serve(alone, Device(), [[1]], [0.0])[0] < FIXED_WAIT_S


def test_a_full_batch_does_not_wait_and_what_is_left_does() -> None:
    device = Device()
    waits_s = serve(ways(2, 256)[1], device, [[1]] * 40, [0.0] * 40)
    assert len(waits_s) == 40
    assert sorted(device.runs) == [8, 32]
    assert min(waits_s) < FIXED_WAIT_S <= max(waits_s)


def test_a_stalled_device_cannot_hide_its_delay() -> None:
    def stalls(rows: Sequence[Row]) -> None:
        time.sleep(0.1)

    way = dataclasses.replace(ways(1, 256)[2], ahead=1)
    with ThreadPoolExecutor(1) as pool:
        waits_s = asyncio.run(Stream(way, stalls, pool).serve([[1]] * 4, [0.0] * 4))
    assert waits_s == sorted(waits_s)
    assert waits_s[-1] >= 0.4


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine has a GPU")
def test_without_a_gpu_there_is_no_figure_and_the_exit_code_is_3(
    packed: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks.gpu", "run", str(packed)])
    assert gpu.main() == 3
    out, err = capsysbinary.readouterr()
    assert out == b""
    assert b"no figure without a GPU: execution provider cuda cannot be had" in err


def test_a_packed_folder_gives_both_figures_at_every_budget(
    packed: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    gpu.run(packed, "cpu", [64, 256], repeat=2)
    rows = [orjson.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    seen = [(row["benchmark"], row["max_batch_tokens"]) for row in rows]
    assert sorted(seen) == sorted(itertools.product(["gpu_runtime", "gpu_walk"], [64, 256]))
    assert all(row["provider"] == "cpu" and row["precision"] == "fp32" for row in rows)
    assert all(row["repeats"] == 2 and row["data"] == "rows" for row in rows)


def test_a_folder_is_packed_once(packed: Path) -> None:
    with pytest.raises(FileExistsError):
        gpu.pack(packed, gpu.training(packed, []), [], 1)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = write_tiny_bert(tmp_path_factory.mktemp("base"))
    data = write_tiny_rows(tmp_path_factory.mktemp("data") / "rows.jsonl")
    out = tmp_path_factory.mktemp("packed") / "folder"
    request = gpu.training(out, [data])
    request = dataclasses.replace(request, base_model=str(base), max_length_tokens=32)
    gpu.pack(out, request, [data], records=20)
    assert sorted(path.name for path in out.iterdir()) == ["mails", "models"]
    assert sorted(path.name for path in (out / "models").iterdir()) == ["bench"]
    return out


def latency_row(data: str, load: float, p50_ms: float) -> dict[str, object]:
    stages_ms = dict.fromkeys(plots.STAGES, p50_ms / 5)
    return {
        "benchmark": "latency",
        "data": data,
        "load": load,
        "p50_ms": p50_ms,
        "p99_ms": 3 * p50_ms,
        "stages_ms": stages_ms,
        "machine": "a machine",
        "commit": "abc",
    }


def throughput_row(data: str, bare: float) -> dict[str, object]:
    return {
        "benchmark": "end_to_end",
        "data": data,
        "bare_texts_per_s": bare,
        "at_least_once_per_s": 0.95 * bare,
        "exactly_once_per_s": 0.9 * bare,
    }


def write(path: Path, *rows: dict[str, object]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def test_the_last_row_of_a_bar_counts_and_other_lines_are_passed_over(tmp_path: Path) -> None:
    write(
        tmp_path / "a.jsonl",
        throughput_row("x", 1.0),
        {"benchmark": "runtime"},
        throughput_row("y", 2.0),
    )
    write(tmp_path / "b.jsonl", throughput_row("x", 3.0))
    rows = plots.newest(plots.read_rows(tmp_path, "end_to_end"), "data")
    assert [(row["data"], row["bare_texts_per_s"]) for row in rows] == [("x", 3.0), ("y", 2.0)]


def test_both_plots_are_drawn_from_committed_rows_and_equal_rows_give_equal_bytes(
    tmp_path: Path,
) -> None:
    write(tmp_path / "results" / "latency.jsonl", latency_row("x", 0.7, 20.0))
    write(tmp_path / "results" / "end_to_end.jsonl", throughput_row("x.jsonl.gz", 100.0))
    first, again = (plots.draw(tmp_path / "results", tmp_path / name) for name in ("one", "two"))
    assert [path.name for path in first] == ["latency.png", "throughput.png"]
    for one, two in zip(first, again, strict=True):
        assert one.read_bytes().startswith(b"\x89PNG")
        assert one.read_bytes() == two.read_bytes()


def test_bars_show_the_rows_by_load_and_name_their_machine_and_commit(tmp_path: Path) -> None:
    figure = plots.latency_figure([latency_row("x", 0.7, 50.0), latency_row("x", 0.3, 20.0)])
    above, below = figure.axes
    medians = next(line for line in above.lines if line.get_marker() == "o")
    assert list(medians.get_ydata()) == [20.0, 50.0]
    assert [label.get_text() for label in below.get_xticklabels()] == ["30 %", "70 %"]
    assert {text.get_text() for text in below.texts} == {"20 ms", "50 ms"}
    assert "a machine, abc" in figure.texts[0].get_text()
    figure = plots.throughput_figure([throughput_row("x.jsonl.gz", 100.0)])
    assert [text.get_text() for text in figure.axes[0].texts] == ["100", "95\n95 %", "90\n90 %"]
    plots.plt.close("all")


def test_no_rows_are_no_plots(tmp_path: Path) -> None:
    assert plots.draw(tmp_path, tmp_path / "out") == []


def test_the_walk_without_cleaning_takes_a_mail_as_it_came() -> None:
    email = InboundEmail(id="1", subject="s", body="My card\n-- \nJane")
    cleaned, notes = walk.as_it_came(email, datetime(2026, 1, 1, tzinfo=UTC), None, CleanOptions())
    assert (cleaned.body, notes.problem, notes.is_over_time) == (email.body, None, False)
