"""What the benchmarks of training share: public rows, a training in a process of its own, answers of its bundle.

A training is measured in a fresh process, so that its peak memory is its own and no thread pool of an earlier one is
left. Texts are read here and never written to results.
"""

import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import orjson

from models.bundle import Bundle, load_bundle
from models.encoder.embed import embed_texts
from models.heads import HeadAnswer
from models.labels import TrainingRow
from models.rows.dataset import answer_of, read_dataset
from models.train import train
from models.training.report import TrainReport, TrainRequest

MIN_LABEL_ROWS = (
    10  # facts of the baselines: labels of multi-label heads with fewer rows are left out
)
RESULTS = Path("build") / "recipes"

T = TypeVar("T")


@dataclass(frozen=True)
class Trained:
    """A finished training: its report, its bundle, its wall-clock and the most memory the process ever had."""

    report: TrainReport
    bundle: Bundle
    seconds: float
    peak_rss_mb: float


def say(event: str, **facts: object) -> None:
    """Progress goes to stderr. Not `runs.say`: that would bring Kafka's client into a measured process."""
    print(event, *(f"{name}={value}" for name, value in facts.items()), file=sys.stderr, flush=True)


def data_folder() -> Path:
    """The folder of the public texts."""
    default = Path(__file__).parents[2] / "shared" / "data"
    return Path(os.environ.get("SWITCHBOARD_DATA_DIR", default)) / "text"


def read_part(name: str, part: str, limit: int | None = None) -> list[TrainingRow]:
    """Rows of one part of a data set, in the file's order; of all, `limit` spread evenly."""
    rows = read_dataset([data_folder() / f"{name}.{part}.jsonl.gz"]).rows
    # without tenants there are no label schemas, which the baselines have not either
    return [msgspec.structs.replace(row, tenant=None) for row in spread(rows, limit)]


def spread(rows: Sequence[T], limit: int | None) -> list[T]:
    """`limit` rows, evenly spread; None, or fewer rows than that: all of them."""
    if limit is None or limit >= len(rows):
        return list(rows)
    return [rows[place * len(rows) // limit] for place in range(limit)]


def write_rows(path: Path, rows: Sequence[TrainingRow]) -> Path:
    """JSON lines."""
    path.write_bytes(msgspec.json.Encoder().encode_lines(rows))
    return path


def train_here(request: TrainRequest) -> Trained:
    """Train in this process and load what came out as a worker would, on the CPU."""
    began_s = time.monotonic()
    report = train(request, lambda *_: None)
    seconds = time.monotonic() - began_s
    peak_mb = peak_rss_mb()
    return Trained(report, load_bundle(Path(report.path), ["cpu"]), seconds, peak_mb)


def peak_rss_mb() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def answers_of(
    bundle: Bundle, rows: Sequence[TrainingRow], threads: int
) -> list[dict[str, HeadAnswer]]:
    """A bundle's answers; rows of `read_part` name no tenant."""
    texts = [bundle.text(row.subject or "", row.body or "", row.attributes) for row in rows]
    return bundle.predict(embed_texts(bundle.encoder, texts, threads).embeddings, texts)


def known_labels(rows: Sequence[TrainingRow]) -> dict[str, frozenset[str]]:
    """Head -> labels that these rows teach: of a multi-label head those with enough rows, else all."""
    counts: dict[str, Counter[str]] = {}
    multilabel: set[str] = set()
    for row in rows:
        for head, value in row.labels.items():
            labels = [value] if isinstance(value, str) else value
            if not isinstance(value, str):
                multilabel.add(head)
            counts.setdefault(head, Counter()).update(labels)
    return {
        head: frozenset(
            label
            for label, count in found.items()
            if head not in multilabel or count >= MIN_LABEL_ROWS
        )
        for head, found in counts.items()
    }


def with_known_labels(row: TrainingRow, known: Mapping[str, frozenset[str]]) -> TrainingRow:
    """A row with the labels that the training rows hold often enough: multi-label figures are over those only."""
    labels = {
        head: value if isinstance(value, str) else [x for x in value if x in known[head]]
        for head, value in row.labels.items()
        if head in known and answer_of(row, head) is not None
    }
    return msgspec.structs.replace(row, labels=labels)


def in_own_process(module: str, job: Mapping[str, object]) -> list[dict[str, Any]]:
    """Run `python -m MODULE JOB` and read the JSON lines that it prints.

    Raises:
        RuntimeError: it failed; what it said went to stderr.
    """
    say("running", **job)
    ended = subprocess.run(
        [sys.executable, "-m", module, orjson.dumps(job).decode()],
        stdout=subprocess.PIPE,
        # Waiting threads of OpenMP spin otherwise, and on two cores they take the time of those that work.
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"{module} ended with {ended.returncode} on {dict(job)}")
    return [orjson.loads(line) for line in ended.stdout.splitlines() if line.startswith(b"{")]
