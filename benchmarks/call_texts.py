"""Words alone on calls that people had: what a call is about, told from its beginnings, on the split of the data.

    python -m benchmarks.call_texts [--models-dir FOLDER] [--least 200] FOLDER

FOLDER holds `multidogo.{train,test}.jsonl.gz` (chats, customer's side) and `sgd.{train,test}.jsonl.gz` (both sides).
No public call says who left; these say what it was about. So each intent and domain with enough calls is asked as yes
or no by the walk of `train-churn` in words alone, with logistic regression: calls in, probability after 1, 2, 4, 8
fragments and at the end out. This shows that sums of embeddings follow a call; it says nothing about churn. Prints
JSON lines.
"""

import argparse
import gzip
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from benchmarks.machine import describe, emit
from benchmarks.runs import say
from models.churn.call_rows import Call, read_calls
from models.churn.dataset import ChurnData
from models.churn.evaluate import ChurnFigures
from models.churn.features_file import SIDES, FeatureLists
from models.churn.fit import ChurnFit
from models.churn.fit_rows import CallRows
from models.churn.joining import Example
from models.churn.split import ChurnSplit, split_examples
from models.churn.spoken import Spoken, embed_calls
from models.churn.trained import ChurnResult
from models.encoder.base_model import DEFAULT_BASE_MODEL
from models.encoder.store import prepare_encoder
from models.runtime import Encoder
from stream.cli.wiring import cores

SETS = {"multidogo": SIDES[:1], "sgd": SIDES}
LEAST_LEFT = 30  # of a label among the calls kept back
EVERYWHERE = {"contentonly", "confirmation", "rejection", "thankyou", "outofdomain"} | {
    "openinggreeting",
    "closinggreeting",
}


def main() -> None:
    """Each data set, label by label."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--least", type=int, default=200, help="calls of a label to learn from")
    parser.add_argument("--models-dir", type=Path, help="where encoders are kept")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        own = args.models_dir or Path(folder)
        directory = prepare_encoder(own, DEFAULT_BASE_MODEL, 256, ("int8",))
        encoder = Encoder(directory, ("cpu",), cores())
        for name, sides in SETS.items():
            one = Calls(args.folder, name, sides, encoder)
            found = {label: one.asked(label) for label in one.labels(args.least)}
            emit("call_texts", data=name, **summary(found), **describe())


class Calls:
    """One data set: its calls embedded once, and what each is about."""

    def __init__(self, folder: Path, name: str, sides: Sequence[str], encoder: Encoder) -> None:
        paths = [folder / f"{name}.{part}.jsonl.gz" for part in ("train", "test")]
        self._about = [label for path in paths for label in labels_of(path)]
        calls = [call for path in paths for call in read_calls(path).rows]
        assert len(calls) == len(self._about), "each line is a call"
        self._learned = len(labels_of(paths[0]))
        self._examples = tuple(map(example, calls))
        self._lists = FeatureLists(textual=tuple(sides))
        self._spoken: Spoken = embed_calls(self._examples, encoder, cores(), lambda *_: None)
        say("embedded", data=name, calls=len(calls), texts=len(self._spoken.embeddings))

    def labels(self, least: int) -> list[str]:
        """Labels with enough calls on both sides of the split."""
        learned = Counter(one for own in self._about[: self._learned] for one in own)
        kept = Counter(one for own in self._about[self._learned :] for one in own)
        return sorted(one for one, n in learned.items() if n >= least and kept[one] >= LEAST_LEFT)

    def asked(self, label: str) -> ChurnFigures:
        """Whether a call is about this."""
        examples = tuple(
            replace(one, churned=label in own)
            for one, own in zip(self._examples, self._about, strict=True)
        )
        parts = split_examples(examples[: self._learned])
        learn = sorted(parts.learn + parts.test)
        kept = list(range(self._learned, len(examples)))
        split = ChurnSplit(learn, parts.validation, kept, parts.facts)
        rows = CallRows(self._lists, examples, self._spoken, None, [*learn, *parts.validation])
        fit = ChurnFit(
            rows.fit_rows(learn), rows.fit_rows(parts.validation), 0, cores(), lambda *_: None
        )
        fitted = fit.run(0, ("logistic",))
        data = ChurnData(self._lists, examples, (), ())
        figures = ChurnResult(data, split, rows, fitted, None).measure(0)
        say("asked", label=label, **{name: round(v, 3) for name, v in figures.figures.items()})
        return figures


def example(call: Call) -> Example:
    """A call of nobody known."""
    return Example(call.call_id, call.call_id, None, None, call, False, None)


def labels_of(path: Path) -> list[frozenset[str]]:
    """What each call of a file is about: intents but those of every call, and domain or services."""
    with gzip.open(path) as lines:
        found = [orjson.loads(line)["labels"] for line in lines if line.strip()]
    return [
        frozenset(one.get("intents", ())) - EVERYWHERE
        | {f"in {name}" for name in one.get("services", [one.get("domain")])}
        for one in found
    ]


def summary(found: dict[str, ChurnFigures]) -> dict[str, object]:
    """Medians over the labels, and the end of each."""
    early = {
        "end" if place is None else str(place): [
            one.roc_auc for own in found.values() for one in own.early if one.fragments == place
        ]
        for place in dict.fromkeys(one.fragments for own in found.values() for one in own.early)
    }
    names = ("roc_auc", "pr_auc", "f1", "calibration_error")
    return {
        "labels": len(found),
        "calls_kept_back": next(iter(found.values())).calls,
        "roc_auc_by_fragments_median": {
            place: round(statistics.median(values), 4) for place, values in early.items()
        },
        "end_median": {
            name: round(statistics.median(own.figures[name] for own in found.values()), 4)
            for name in names
        },
        "end_least_roc_auc": round(min(own.figures["roc_auc"] for own in found.values()), 4),
        "each": {
            label: {"share": round(own.churned / own.calls, 3)}
            | {
                "end" if one.fragments is None else str(one.fragments): round(one.roc_auc, 3)
                for one in own.early
            }
            for label, own in found.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main())
