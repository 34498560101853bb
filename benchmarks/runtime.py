"""R: texts/s of tokenise and session alone, without Kafka, cleaning or heads; end to end is measured against it.

    python -m benchmarks.runtime --data FILE [--data FILE …] [--repeat 5]

For each file: int8 against fp32, one text per run against token budgets, on 1…N threads. Configurations take turns
within each repetition, so that a busy moment of the machine hits all of them. Prints JSON lines. Batches are cut from
all texts at once by the planner that serves: the least padding that it can reach.

With `--per-tensor` also the usual dynamic int8: one activation scale a run, by ONNX Runtime's own tool from the same
float32 graph. A text's result must not depend on its batch-mates, so it can only run one by one. The ratio rows say how
much faster int8 with a scale per row, at the budget that serves, is than that and than float32.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.machine import describe, emit
from models.encoder.build import build_encoder, find_base_model
from models.encoder.files import TOKENIZER_NAME, describe_file, read_config, write_config
from models.rows.dataset import read_dataset
from models.runtime import Encoder
from stream.batching import cut_batches, device_limits

ONE_BY_ONE = 1  # a budget that every text is above: each runs alone
PER_TENSOR = "int8 per tensor"
TOKENIZE_AT_ONCE = 64


@dataclass(frozen=True)
class Pace:
    """One measurement: wall-clock, and the processor time that neighbours on the machine cannot stretch."""

    texts_per_s: float
    cpu_ms_per_text: float
    padded_share: float


@dataclass
class Configuration:
    """One way to run, and what was measured of it."""

    encoder: Encoder
    threads: int
    max_batch_tokens: int
    arithmetic: str
    paces: list[Pace] = field(default_factory=list[Pace])


def measure(encoder: Encoder, texts: Sequence[str], threads: int, max_batch_tokens: int) -> Pace:
    """Tokenise and embed all texts once."""
    parts = [
        texts[start : start + TOKENIZE_AT_ONCE] for start in range(0, len(texts), TOKENIZE_AT_ONCE)
    ]
    with ThreadPoolExecutor(threads, "runtime") as pool:
        start, start_cpu = time.perf_counter(), time.process_time()
        rows = [text.ids for part in pool.map(encoder.tokenize, parts) for text in part]
        run_tokens = device_limits(encoder.provider, threads).run_tokens
        batches = cut_batches([len(row) for row in rows], max_batch_tokens, run_tokens)
        jobs = [[rows[place] for place in batch] for batch in batches]
        done = sum(map(len, pool.map(encoder.embed, jobs)))
        wall_s, cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
    assert done == len(texts), f"{done} of {len(texts)} texts came back; this is a bug"
    padded = sum(len(job) * len(job[0]) for job in jobs)
    return Pace(done / wall_s, 1000 * cpu_s / done, 1 - sum(map(len, rows)) / padded)


def main() -> None:
    """Build the encoder, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--texts", type=int, default=256, help="texts per file")
    parser.add_argument("--base-model", default=None)
    parser.add_argument("--max-length-tokens", type=int, default=256)
    parser.add_argument("--precisions", nargs="*", default=["int8", "fp32"])
    parser.add_argument("--per-tensor", action="store_true", help="and the usual dynamic int8")
    parser.add_argument("--threads", nargs="*", type=int, default=_thread_counts())
    parser.add_argument("--budgets", nargs="*", type=int, default=[ONE_BY_ONE, 128, 256, 512, 1024])
    args = parser.parse_args()
    base = find_base_model(args.base_model) if args.base_model else find_base_model()
    with tempfile.TemporaryDirectory() as folder:
        build_encoder(base, Path(folder), args.max_length_tokens, args.precisions)
        encoders = [Encoder(Path(folder), "auto", 1, precision) for precision in args.precisions]
        usual = per_tensor_encoder(Path(folder)) if args.per_tensor else None
        for data in args.data:
            texts = [row.text() for row in read_dataset([data]).rows[: args.texts]]
            ways = [
                Configuration(encoder, threads, budget, encoder.precision)
                for encoder in encoders
                for threads in args.threads
                for budget in args.budgets
            ]
            if usual is not None:
                ways.extend(
                    Configuration(usual, threads, ONE_BY_ONE, PER_TENSOR)
                    for threads in args.threads
                )
            _measure_in_turn(ways, texts, args.repeat)
            _report(data, texts, ways)
            _report_ratios(data, ways)


def per_tensor_encoder(source: Path) -> Encoder:
    """The usual dynamic int8 of the encoder in `source`, in a folder inside it: `MatMul` only, weights per column."""
    # the tool is loaded here: it needs onnx, and the other figures do not
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    target = source / "per-tensor"
    target.mkdir()
    shutil.copyfile(source / TOKENIZER_NAME, target / TOKENIZER_NAME)
    quantize_dynamic(
        source / "fp32.onnx",
        target / "int8.onnx",
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )
    files = {"int8": describe_file(target, "int8.onnx")}
    write_config(target, msgspec.structs.replace(read_config(source), files=files))
    return Encoder(target, "cpu", 1, "int8")


def _thread_counts() -> list[int]:
    cores = len(os.sched_getaffinity(0))
    return sorted({1, cores})


def _measure_in_turn(ways: Sequence[Configuration], texts: Sequence[str], repeat: int) -> None:
    for way in ways:
        way.encoder.warm_up(way.max_batch_tokens)
    for _ in range(repeat):
        for way in ways:
            way.paces.append(measure(way.encoder, texts, way.threads, way.max_batch_tokens))


def _report_ratios(data: Path, ways: Sequence[Configuration]) -> None:
    """Ours at the serving budget against every other arithmetic, by threads."""
    for ours in ways:
        serving = device_limits(ours.encoder.provider, ours.threads).max_batch_tokens
        if ours.arithmetic != "int8" or ours.max_batch_tokens != serving:
            continue
        for way in ways:
            if way.arithmetic == "int8" or way.threads != ours.threads:
                continue
            pairs = list(zip(ours.paces, way.paces, strict=True))
            emit(
                "runtime_ratio",
                data=data.name,
                threads=way.threads,
                ours=f"int8 per row, {serving} tokens",
                against=f"{way.arithmetic}, {_budget_name(way)}",
                ratio_median=round(
                    statistics.median(a.texts_per_s / b.texts_per_s for a, b in pairs), 3
                ),
                ratio_min=round(min(a.texts_per_s / b.texts_per_s for a, b in pairs), 3),
                cpu_ratio=round(
                    min(b.cpu_ms_per_text for _, b in pairs)
                    / min(a.cpu_ms_per_text for a, _ in pairs),
                    3,
                ),
                repeats=len(pairs),
                **describe(),
            )


def _budget_name(way: Configuration) -> str:
    return "one by one" if way.max_batch_tokens == ONE_BY_ONE else f"{way.max_batch_tokens} tokens"


def _report(data: Path, texts: Sequence[str], ways: Sequence[Configuration]) -> None:
    about = describe()
    tokens = ways[0].encoder.tokenize(texts)
    for way in ways:
        speeds = sorted(pace.texts_per_s for pace in way.paces)
        emit(
            "runtime",
            data=data.name,
            texts=len(texts),
            mean_tokens=round(statistics.mean(len(text.ids) for text in tokens), 1),
            truncated=sum(text.truncated for text in tokens),
            precision=way.arithmetic,
            provider=way.encoder.provider,
            threads=way.threads,
            max_batch_tokens=_budget_name(way),
            padded_share=round(way.paces[0].padded_share, 3),
            texts_per_s_median=round(statistics.median(speeds), 1),
            texts_per_s_min=round(speeds[0], 1),
            texts_per_s_max=round(speeds[-1], 1),
            cpu_ms_per_text_min=round(min(pace.cpu_ms_per_text for pace in way.paces), 3),
            repeats=len(speeds),
            **about,
        )


if __name__ == "__main__":
    main()
