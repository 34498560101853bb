"""What the training of a churn model is asked for and what it tells, for `models.train_churn` and its caller."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from models.churn.dataset import ChurnFiles
from models.churn.entry import CANDIDATES, CandidateName
from models.churn.evaluate import ChurnFigures
from models.encoder.base_model import DEFAULT_BASE_MODEL
from models.encoder.files import Precision


@dataclass(frozen=True)
class ChurnRequest:
    """What to train.

    Args:
        name: the model's name below `models_dir`.
        models_dir: where bundles live.
        files: what to read, and whose model it is.
        base_model: a name or a directory; the encoder of what is said.
        max_length_tokens: longest fragment; of longer ones head and tail are read.
        precisions: graphs of the encoder that the bundle carries.
        providers: where to embed, as `models.runtime.Encoder` takes them.
        threads: cores to use.
        candidates: kinds of model to choose from.
        search: further settings of all kinds to judge on validation rows.
        seed: of everything that draws.
    """

    name: str
    models_dir: Path
    files: ChurnFiles
    base_model: str = DEFAULT_BASE_MODEL
    max_length_tokens: int = 256
    precisions: Sequence[Precision] = ("int8", "fp32", "fp16")
    providers: Sequence[str] | str = "auto"
    threads: int = 1
    candidates: Sequence[CandidateName] = CANDIDATES
    search: int = 0
    seed: int = 0


Warn = Callable[[str], None]


class ProjectionReport(msgspec.Struct, frozen=True, kw_only=True):
    """Whether embeddings are shortened.

    Args:
        numbers: of an embedding as it is summed.
        log_loss_whole, log_loss_short: on validation calls, by logistic regression; None: not tried.
        reason: in words.
    """

    numbers: int
    log_loss_whole: float | None
    log_loss_short: float | None
    reason: str


class CandidateReport(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of model at its best settings.

    Args:
        validation_log_loss, validation_roc_auc: on rows that it did not learn from; the loss decided.
        test_roc_auc, test_f1: of its raw scores on the calls kept back, at the end and from 0.5 on. They decide
            nothing.
    """

    name: CandidateName
    settings: dict[str, float]
    validation_log_loss: float
    validation_roc_auc: float
    test_roc_auc: float
    test_f1: float


class TrialReport(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate that was judged on validation rows: log loss after calibration, less is better, and ROC AUC."""

    name: CandidateName
    settings: dict[str, float]
    log_loss: float
    roc_auc: float


class ChurnReport(msgspec.Struct, frozen=True, kw_only=True):
    """`report.json` of a churn bundle; no text, no id.

    Args:
        learn_calls, validation_calls, test_calls: customers, where no call is heard.
        rows: beginnings of calls that the chosen model was fitted on.
        fragments, texts, truncated_texts: heard, of them different, and of these longer than the encoder reads.
        features: how many numerical, categorical and textual ones, and columns.
        candidate: what was chosen.
        candidates: each kind at its best; the first is the reference.
        trials: all that were judged.
        slope, intercept: of the calibration.
        split: how test calls were chosen, in words.
        notes: what was counted while reading.
        warnings: what must not be overlooked.
        seconds: by stage.
    """

    name: str
    version: str = ""
    path: str = ""
    seed: int
    learn_calls: int
    validation_calls: int
    test_calls: int
    rows: int
    fragments: int
    texts: int
    truncated_texts: int
    features: dict[str, int]
    projection: ProjectionReport
    candidate: CandidateName
    candidates: tuple[CandidateReport, ...]
    trials: tuple[TrialReport, ...]
    slope: float
    intercept: float
    figures: ChurnFigures
    provider: str
    precision: str
    split: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: dict[str, float]
