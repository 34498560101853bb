"""Figures of a machine with a GPU, from a folder that was packed on any other.

    python -m benchmarks.gpu pack --out FOLDER --data FILE [--data FILE …]     # here: needs the extra `heads`
    python -m benchmarks.gpu run FOLDER [--repeat 5]                           # there: needs the extra `gpu`

The folder holds a model and mails, nothing else is read. The encoder travels in fp32: CUDA would rather have fp16,
which the project cannot write yet. For each file and budget of tokens a run: `gpu_runtime`, tokenise and session alone,
and `gpu_walk`, in this process from a record's bytes to its labels (decode, clean, tokenise, batches, encoder, heads)
without Kafka, the next window being read while the device computes. CUDA is asked for by name: where it cannot be had,
`run` says so, prints no figure and exits with 3. Prints JSON lines.
"""

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import describe, emit
from benchmarks.mails import Mail, mails_of, texts_of
from benchmarks.runtime import measure
from models.bundle import ENCODERS_NAME, Bundle, load_bundle, resolve
from models.runtime import Encoder, RuntimeUnavailableError
from models.training.report import TrainRequest
from stream.batching import device_limits
from stream.classify import Item
from stream.cli.wiring import cores, warm_engine
from stream.engine import DEFAULT_TENANT, Engine
from stream.metrics import Metrics
from stream.outputs import Inbound
from stream.records import Source
from stream.settings import Settings
from stream.topics import INBOUND_EMAILS

MODEL = "bench"
MODELS_FOLDER, MAILS_FOLDER = "models", "mails"
BUDGETS = (1024, 4096, 16_384, 65_536)
WINDOW_RECORDS = 512
NOTHING_TO_DO = 3  # the exit code, as every command has it


def training(out: Path, files: Sequence[Path]) -> TrainRequest:
    """What `pack` trains: heads on the first file's labels."""
    return TrainRequest(
        name=MODEL,
        models_dir=out / MODELS_FOLDER,
        data=files[:1],
        precisions=("fp32",),
        providers="cpu",
        threads=cores(),
    )


def pack(out: Path, request: TrainRequest, files: Sequence[Path], records: int) -> None:
    """Write the folder: the model that `request` asks for, and `records` mails of each file."""
    from models.train import train  # noqa: PLC0415 - only this half needs the extra `heads`

    (out / MAILS_FOLDER).mkdir(parents=True)  # a folder that was packed before is refused
    train(request, lambda *_: None)
    shutil.rmtree(request.models_dir / ENCODERS_NAME)  # the bundle has its own link to these files
    for file in files:
        lines = b"".join(mail.value + b"\n" for mail in mails_of(file, records))
        (out / MAILS_FOLDER / f"{file.name.split('.json')[0]}.jsonl").write_bytes(lines)


def run(folder: Path, provider: str, budgets: Sequence[int], repeat: int) -> None:
    """Measure every file at every budget; budgets take turns within each repetition.

    Raises:
        RuntimeUnavailableError: the provider cannot be had; nothing was printed.
    """
    known: dict[str, Encoder] = {}
    models = folder / MODELS_FOLDER
    bundle = load_bundle(resolve(models, MODEL), [provider], 1, known)
    for file in sorted((folder / MAILS_FOLDER).iterdir()):
        mails = [Mail(b"", line) for line in file.read_bytes().splitlines()]
        engines = {budget: _engine(bundle, provider, budget) for budget in budgets}
        texts = texts_of(mails, bundle)
        bare: dict[int, list[float]] = {budget: [] for budget in budgets}
        walked: dict[int, list[float]] = {budget: [] for budget in budgets}
        for _ in range(repeat):
            for budget, engine in engines.items():
                threads = device_limits(bundle.encoder.provider, cores()).threads
                bare[budget].append(measure(bundle.encoder, texts, threads, budget).texts_per_s)
                walked[budget].append(asyncio.run(walk(engine, mails)))
        for engine in engines.values():
            engine.close()
        tokens = [len(text.ids) for text in bundle.encoder.tokenize(texts)]
        for budget in budgets:
            about = {
                "data": file.stem,
                "provider": bundle.encoder.provider,
                "precision": bundle.encoder.precision,
                "max_batch_tokens": budget,
                "mean_tokens": round(statistics.mean(tokens), 1),
            }
            _report("gpu_runtime", about, "texts_per_s", bare[budget])
            _report("gpu_walk", about, "records_per_s", walked[budget])


def _engine(bundle: Bundle, provider: str, budget: int) -> Engine:
    settings = Settings(
        execution_providers=provider, max_batch_tokens=budget, skip_kinds=frozenset()
    )
    return warm_engine({DEFAULT_TENANT: bundle}, settings, Metrics())


async def walk(engine: Engine, mails: Sequence[Mail]) -> float:
    """Records per second from bytes to labels.

    Raises:
        RuntimeError: a record got no answer.
    """
    items = [
        Item(
            Inbound(
                Source(topic=INBOUND_EMAILS, partition=0, offset=number), mail.key, mail.value, ()
            ),
            0,
        )
        for number, mail in enumerate(mails)
    ]
    start_s, computing = time.perf_counter(), None
    for begin in range(0, len(items), WINDOW_RECORDS):
        window = items[begin : begin + WINDOW_RECORDS]
        await engine.read(window)
        if computing is not None:
            await computing
        computing = asyncio.ensure_future(engine.compute(window))
    if computing is not None:
        await computing
    seconds = time.perf_counter() - start_s
    failed = [item for item in items if not item.answers]
    if failed:
        raise RuntimeError(
            f"{len(failed)} of {len(items)} records got no answer: {failed[0].error}"
        )
    return len(items) / seconds


def _report(benchmark: str, about: dict[str, object], figure: str, speeds: Sequence[float]) -> None:
    emit(
        benchmark,
        **about,
        **{
            f"{figure}_median": round(statistics.median(speeds), 1),
            f"{figure}_min": round(min(speeds), 1),
            f"{figure}_max": round(max(speeds), 1),
        },
        repeats=len(speeds),
        gpu=_gpu_name(),
        **describe(),
    )


def _gpu_name() -> str:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return "none"
    query = [tool, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip()


def main() -> int:
    """Pack or run."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="write the folder, on any machine")
    packing.add_argument("--out", type=Path, required=True)
    packing.add_argument("--data", type=Path, action="append", required=True)
    packing.add_argument("--records", type=int, default=2048, help="mails of each file")
    running = commands.add_parser("run", help="measure, on a machine with a GPU")
    running.add_argument("folder", type=Path)
    running.add_argument("--budgets", nargs="*", type=int, default=BUDGETS)
    running.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    if args.command == "pack":
        pack(args.out, training(args.out, args.data), args.data, args.records)
        print(
            "packed in fp32; fp16, which CUDA would rather have, cannot be written yet",
            file=sys.stderr,
        )
        return 0
    try:
        run(args.folder, "cuda", args.budgets, args.repeat)
    except RuntimeUnavailableError as error:
        print(f"no figure without a GPU: {error}", file=sys.stderr)
        return NOTHING_TO_DO
    return 0


if __name__ == "__main__":
    sys.exit(main())
