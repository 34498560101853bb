"""What of a training is filed: requests, manifests and reports in, names and values out, to `mlflow_tracker`.

No text of a mail and no path of this machine is among them.
"""

import csv
import io
from pathlib import Path

from models.churn.report import ChurnReport, ChurnRequest
from models.evaluate import HeadFigures
from models.manifest import Manifest
from models.training.report import TrainReport, TrainRequest

Request = TrainRequest | ChurnRequest
Report = TrainReport | ChurnReport


def recipe_of(request: Request) -> str:
    """How a model is trained, as far as it is asked for: what foretells churn best is chosen on the way."""
    return "churn" if isinstance(request, ChurnRequest) else request.recipe


def asked(request: Request) -> dict[str, object]:
    """Parameters of a request; a folder is named without its path."""
    base = Path(request.base_model).expanduser()
    shared: dict[str, object] = {
        "recipe": recipe_of(request),
        "base_model": base.name if base.is_dir() else request.base_model,
        "seed": request.seed,
        "max_length_tokens": request.max_length_tokens,
        "search": request.search,
    }
    if isinstance(request, ChurnRequest):
        return shared | {"tenant": request.files.tenant}
    return shared | {
        "tenant": request.tenant,
        "input_template": request.input_template,
        "min_label_rows": request.min_label_rows,
        "domain_tokens": len(request.tokens),
        "head_weights": dict(request.head_weights),
        "target_precision": request.target_precision,
        "out_of_scope_label": request.out_of_scope_label,
    }


def made_from(manifest: Manifest) -> dict[str, object]:
    """Parameters that are known at the end: which rows made it, and which encoder."""
    training = manifest.training
    found: dict[str, object] = {
        "rows": training.rows,
        "test_rows": training.test_rows,
        "encoder_sha256": manifest.encoder.sha256,
        "previous": manifest.previous,
    }
    for part in ("train", "validation", "test"):
        for place, file in enumerate(getattr(training, part)):
            found[f"{part}.{place}"] = f"{file.name}, {file.rows} rows, sha256 {file.sha256}"
    return found


def final(report: Report) -> dict[str, float]:
    """Metrics of a finished training: seconds by stage, the main figures on rows kept back."""
    figures = {f"seconds/{stage}": seconds for stage, seconds in report.seconds.items()}
    if isinstance(report, ChurnReport):
        main = report.figures.main()
        return figures | {f"test/churn.{name}": value for name, value in main.items()}
    for head in report.heads:
        main = head.figures.main() if head.figures else {}
        figures |= {f"test/{head.name}.{name}": value for name, value in main.items()}
        figures[f"heads/{head.name}.temperature"] = head.temperature
    return figures


def confusions(report: Report) -> dict[str, str]:
    """The confusion matrix of each head that has one, as CSV."""
    heads = () if isinstance(report, ChurnReport) else report.heads
    return {
        head.name: confusion_csv(head.figures)
        for head in heads
        if head.figures is not None and head.figures.confusion
    }


def confusion_csv(figures: HeadFigures) -> str:
    """Rows are truth, columns answers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["truth", *figures.confusion_labels])
    for label, counts in zip(figures.confusion_labels, figures.confusion, strict=True):
        writer.writerow([label, *counts])
    return out.getvalue()
