"""Many tenants in one stream against one: throughput of a worker, size and memory of a tenant's model.

    python -m benchmarks.many_tenants --train FILE --data FILE [--tenants 100] [--rows 300] [--repeat 5]

Each tenant has a model of its own, trained on rows drawn for it; all share one encoder. Both sides are the same mails
waiting for the same worker, which has all models loaded: once all of one tenant, once dealt out to all of them. The
sides take turns within one run. Prints a JSON line.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import orjson

from benchmarks.end_to_end import backlog
from benchmarks.machine import describe, emit
from benchmarks.mails import Mail, mails_of
from benchmarks.runs import SEED, Run, say
from models.rows.dataset import read_dataset
from models.train import train
from models.training.report import TrainRequest
from stream.broker import EmbeddedBroker
from stream.cli.wiring import Loader, cores
from stream.process import resident_memory_bytes
from stream.settings import Settings


def train_tenants(rows_file: Path, count: int, rows: int, folder: Path) -> Settings:
    """A model for each tenant, and settings whose tenants file names them all."""
    drawn = random.Random(SEED)
    everything = read_dataset([rows_file]).rows
    base = Settings(
        models_dir=folder / "models", skip_kinds=frozenset(), tenants_file=folder / "tenants.toml"
    )
    tables: list[str] = []
    for number in range(count):
        path = folder / f"rows-{number}.jsonl"
        drawn_rows = drawn.sample(everything, min(rows, len(everything)))
        own = [msgspec.structs.replace(row, tenant=None) for row in drawn_rows]
        path.write_bytes(msgspec.json.Encoder().encode_lines(own))
        tenant = f"t{number}"
        request = TrainRequest(
            name=tenant, tenant=tenant, models_dir=base.models_dir, data=[path], threads=cores()
        )
        train(request, lambda *_: None)
        tables.append(f'[tenants.{tenant}]\nmodel = "{tenant}/1"\nconsent_to_training = true\n')
        say("trained", tenant=tenant)
    base.tenants_file.write_text("\n".join(tables), encoding="utf-8")
    return base


def dealt(mails: Sequence[Mail], tenants: int) -> list[Mail]:
    """The same mails, each given to a tenant by lot."""
    lots = random.Random(SEED)
    return [
        Mail(
            mail.key,
            orjson.dumps({**orjson.loads(mail.value), "tenant": f"t{lots.randrange(tenants)}"}),
        )
        for mail in mails
    ]


def cost_of_models(base: Settings, count: int) -> dict[str, float]:
    """Megabytes of a tenant's model on disk beside the shared encoder, and of memory for each one after the first."""
    loader = Loader(base)
    loader.load("t0/1")
    before = resident_memory_bytes()
    for number in range(1, count):
        loader.load(f"t{number}/1")
    grown = resident_memory_bytes() - before
    own = [
        sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        for folder in base.models_dir.glob("t*/1")
    ]
    return {
        "disk_mb_median": round(statistics.median(own) / 1e6, 2),
        "disk_mb_max": round(max(own) / 1e6, 2),
        "memory_mb_each": round(grown / 1e6 / max(1, count - 1), 2),
    }


async def main() -> None:
    """Run, print, end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, EmbeddedBroker(ephemeral=True) as broker:
        folder = Path(name)
        base = train_tenants(args.train, args.tenants, args.rows, folder)
        mails = mails_of(args.data, args.records)
        sides = {"one": dealt(mails, 1), "many": dealt(mails, args.tenants)}
        paces: dict[str, list[float]] = {side: [] for side in sides}
        for turn in range(args.repeat):
            for side, sent in sides.items():
                run = Run(broker, base, f"{side}-{turn}", folder)
                pace = await backlog(run, sent, lambda run: run.worker(model="t0/1"), broker)
                paces[side].append(pace.records_per_s)
            say("turn", **{side: round(done[-1], 1) for side, done in paces.items()})
        costs = cost_of_models(base, args.tenants)
    ratios = [many / one for one, many in zip(paces["one"], paces["many"], strict=True)]
    emit(
        "many_tenants",
        data=args.data.name,
        tenants=args.tenants,
        rows_each=args.rows,
        records=args.records,
        repeats=args.repeat,
        one_per_s=round(statistics.median(paces["one"]), 1),
        many_per_s=round(statistics.median(paces["many"]), 1),
        ratio_median=round(statistics.median(ratios), 3),
        ratio_best_to_best=round(max(paces["many"]) / max(paces["one"]), 3),
        **costs,
        turns={side: [round(value, 1) for value in done] for side, done in paces.items()},
        **describe(),
    )


if __name__ == "__main__":
    asyncio.run(main())
