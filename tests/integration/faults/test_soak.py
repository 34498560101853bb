"""The soak, an hour in the long form: exactly once, and nothing that the worker holds grows."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.faults.form import is_long, soak_s
from tests.integration.faults.soak import Sample, sample, slope_mb_per_h, soak
from tests.worker_process import WorkerProcess


@pytest.mark.timeout(soak_s() + 300)
async def test_a_worker_that_runs_for_long_holds_no_more_than_after_its_warm_up(
    kafka: str, prefix: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    worker = WorkerProcess(kafka, prefix, tmp_path / "worker.log")
    report = await soak(kafka, worker, prefix, rate_per_s=60, seconds=soak_s())
    for name in ("slope_mb_per_h", "rss_mb_after_warm_up", "rss_mb_end", "handles", "threads"):
        record_property(name.replace("_", " "), getattr(report, name))
    assert not report.faults
    assert report.answers + report.letters == report.records
    assert report.exit_code == 0
    assert report.threads[1] <= report.threads[0] + 2, "threads grow"
    if is_long():
        assert report.handles[1] <= report.handles[0] + 10, "open files grow"


def test_the_slope_is_that_of_the_time_after_the_warm_up() -> None:
    growing = [Sample(at_s, 100 + 8 * at_s / 3600, 1, 1) for at_s in range(600, 3600, 10)]
    warming = [Sample(at_s, at_s, 1, 1) for at_s in range(0, 600, 10)]
    assert slope_mb_per_h([*warming, *growing], 600) == pytest.approx(8)
    assert slope_mb_per_h(warming[:1], 0) is None


def test_a_sample_of_this_very_process_is_plausible() -> None:
    held = sample(os.getpid(), 0)
    assert held.rss_mb > 10
    assert held.handles > 2
    assert held.threads >= 1
