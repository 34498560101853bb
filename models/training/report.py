"""What training is asked for and what it tells: `TrainRequest` and `TrainReport`, for `models.train` and its caller."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from models.encoder.base_model import DEFAULT_BASE_MODEL
from models.encoder.files import Precision
from models.evaluate import HeadFigures
from models.labels import DEFAULT_TEMPLATE
from models.manifest import DEFAULT_TENANT
from models.rows.groups import Overlap
from models.rows.label_changes import NO_CHANGES, HeadChange, LabelChanges
from models.rows.split import SplitFacts

Recipe = Literal["quick", "balanced", "best"]
Progress = Callable[[str, int, int], None]
SHOWN_TENANTS = 10


def everyone(_: str) -> bool:
    """Every tenant consents."""
    return True


@dataclass(frozen=True)
class TrainRequest:
    """What to train.

    Args:
        name: the model's name below `models_dir`.
        models_dir: where bundles live.
        data: files of rows to learn from; `-` is stdin.
        validation: rows for choosing features, temperature and thresholds; without it rows of `data` are used.
        test: rows for the figures; without it a fifth of `data` is kept back and not learned from.
        tenant: whose model it is; rows of other tenants are left out. `default` learns from all rows.
        base_model: a name or a directory.
        input_template: how subject, body and attributes become one text.
        max_length_tokens: longest text, special tokens included; of longer ones head and tail are read.
        precisions: graphs that the bundle carries.
        providers: where to embed, as `models.runtime.Encoder` takes them.
        threads: cores to use.
        min_label_rows: a label of a multi-label head with fewer rows is left out.
        seed: of everything that draws.
        consents: whether a tenant lets its mail be learned from; its rows are left out otherwise. A row without a
            tenant is of `tenant`.
        recipe: `quick` (frozen encoder, no torch), `balanced` (last layers tuned) or `best` (all layers tuned).
        changes: what became of labels since the previous version of `name`.
        tokens: domain words that the tokenizer shall know whole.
        head_weights: of a head in the joint loss; 1 where it is not named. Recipes that tune only.
        search: settings of the recipe to try on validation rows; 0: the recipe's own. Recipes that tune only.
        target_precision: every head answers alone only where its precision on validation rows reaches this; None:
            every head always answers.
        out_of_scope_label: rows with this label belong to no class: it is learned from and never emitted.
    """

    name: str
    models_dir: Path
    data: Sequence[Path]
    validation: Path | None = None
    test: Path | None = None
    tenant: str = DEFAULT_TENANT
    base_model: str = DEFAULT_BASE_MODEL
    input_template: str = DEFAULT_TEMPLATE
    max_length_tokens: int = 256
    precisions: Sequence[Precision] = ("int8", "fp32", "fp16")
    providers: Sequence[str] | str = "auto"
    threads: int = 1
    min_label_rows: int = 10
    seed: int = 0
    consents: Callable[[str], bool] = everyone
    recipe: Recipe = "quick"
    changes: LabelChanges = NO_CHANGES
    tokens: Sequence[str] = ()
    head_weights: Mapping[str, float] = field(default_factory=dict[str, float])
    search: int = 0
    target_precision: float | None = None
    out_of_scope_label: str | None = None


class EpochReport(msgspec.Struct, frozen=True, kw_only=True):
    """One pass over the rows while an encoder is tuned.

    Args:
        number: from 1 on.
        loss: of all heads together, mean over the steps.
        learning_rate: of the last step.
        seconds: of the learning, without the check.
        heads: per head `loss` and `accuracy` (multi-label: micro F1 at 0.5) of the rows kept back from tuning.
    """

    number: int
    loss: float
    learning_rate: float
    seconds: float
    heads: dict[str, dict[str, float]]


class TrialReport(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that a search tried; `score` is the mean of the heads' figures on the rows kept back.

    None: it failed, its loss became no number.
    """

    number: int
    settings: dict[str, float]
    score: float | None


class TuningReport(msgspec.Struct, frozen=True, kw_only=True):
    """How an encoder was tuned.

    Args:
        device, arithmetic: `cpu` or `cuda`, `bf16` or `fp32`.
        settings: of the run whose weights serve; of a search, the winner's.
        rows: that encoder and heads learned from.
        check_rows: that neither saw; temperatures, thresholds and features were chosen on them.
        epochs: in order.
        heads: as of an epoch, of the weights that serve, before heads are fitted on them.
        trials: of a search; empty without.
        winner: the number of the best trial; None without a search.
        notes: about checkpoints: gone on from, or ignored and why.
    """

    device: str
    arithmetic: str
    settings: dict[str, float]
    rows: int
    check_rows: int
    epochs: tuple[EpochReport, ...]
    heads: dict[str, dict[str, float]] = {}
    trials: tuple[TrialReport, ...] = ()
    winner: int | None = None
    notes: tuple[str, ...] = ()


class HeadReport(msgspec.Struct, frozen=True, kw_only=True):
    """One head: what it learned from, how it was chosen, and its figures on rows kept back (None: no such row).

    `features` is `embedding` or `embedding+ngrams`; `candidates` holds each candidate's figure on the `chosen_on_rows`
    rows used for choosing (0: too few, it is uncalibrated). Below a confidence of `abstain_below` it does not answer
    alone: 0: it always does, above 1: never. `out_of_scope_label` is the label that it learned and never gives.
    """

    name: str
    kind: str
    labels: int
    rows: int
    rare_labels: tuple[str, ...]
    features: str
    inverse_penalty: float
    temperature: float
    chosen_on_rows: int
    candidates: dict[str, float]
    figures: HeadFigures | None
    abstain_below: float = 0.0
    out_of_scope_label: str | None = None

    @property
    def reads(self) -> str:
        """`features` for people."""
        return self.features.replace("+ngrams", " and n-grams")


class TrainReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came out, as `report.json` keeps it; `path` and `version` are filled in when the bundle is written.

    Args:
        name, version, path: the bundle.
        rows, test_rows, truncated_texts: counts; truncated: longer than the encoder reads.
        other_tenants_rows: rows left out.
        refused_rows: tenant -> rows left out because it did not consent, of all files.
        heads: by name.
        refused_heads: head name -> why it could not be learned.
        provider, precision: of the session that embedded.
        seconds: by stage.
        recipe, seed, head_weights, target_precision, out_of_scope_label: of the request.
        tokens: how many domain words the tokenizer was given.
        tuning: how the encoder was tuned; None: it was not.
        previous: NAME/VERSION that label sets are compared with; None: this is the first.
        warm_started: heads whose weights were fitted from the previous version's on: it has the same encoder.
        changes: head -> how its labels differ from the previous version's.
        warnings: what looks wrong in the rows and did not hinder.
        split: how the rows kept back were chosen.
        overlap: `test`, `validation` -> rows of that file that resemble rows learned from.
    """

    name: str
    version: str = ""
    path: str = ""
    rows: int
    test_rows: int
    truncated_texts: int = 0
    other_tenants_rows: int
    refused_rows: dict[str, int] = {}
    heads: tuple[HeadReport, ...]
    refused_heads: dict[str, str]
    provider: str = ""
    precision: str = ""
    seconds: dict[str, float]
    recipe: Recipe = "quick"
    seed: int = 0
    head_weights: dict[str, float] = {}
    target_precision: float | None = None
    out_of_scope_label: str | None = None
    tokens: int = 0
    tuning: TuningReport | None = None
    previous: str | None = None
    warm_started: tuple[str, ...] = ()
    changes: dict[str, HeadChange] = {}
    warnings: tuple[str, ...] = ()
    split: SplitFacts | None = None
    overlap: dict[str, Overlap] = {}


def named(refused: Mapping[str, int]) -> str:
    """The tenants whose rows were left out, most rows first, with their counts; of many the first ten."""
    most = Counter(refused).most_common()
    shown = [f"{tenant} {count}" for tenant, count in most[:SHOWN_TENANTS]]
    shown += [f"{len(most) - SHOWN_TENANTS} other tenants"] * (len(most) > SHOWN_TENANTS)
    return ", ".join(shown)
