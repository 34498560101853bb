"""What training is asked for and what it tells: `TrainRequest` and `TrainReport`, for `models.train` and its caller."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from models.base_model import DEFAULT_BASE_MODEL
from models.encoder_files import Precision
from models.evaluate import HeadFigures
from models.labels import DEFAULT_TEMPLATE
from models.manifest import DEFAULT_TENANT

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
    precisions: Sequence[Precision] = ("int8", "fp32")
    providers: Sequence[str] | str = "auto"
    threads: int = 1
    min_label_rows: int = 10
    seed: int = 0
    consents: Callable[[str], bool] = everyone


class HeadReport(msgspec.Struct, frozen=True, kw_only=True):
    """One head: what it learned from, how it was chosen, and its figures on rows kept back (None: no such row).

    `features` is `embedding` or `embedding+ngrams`; `candidates` holds each candidate's figure on the `chosen_on_rows`
    rows used for choosing.
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


def named(refused: Mapping[str, int]) -> str:
    """The tenants whose rows were left out, most rows first, with their counts; of many the first ten."""
    most = Counter(refused).most_common()
    shown = [f"{tenant} {count}" for tenant, count in most[:SHOWN_TENANTS]]
    shown += [f"{len(most) - SHOWN_TENANTS} other tenants"] * (len(most) > SHOWN_TENANTS)
    return ", ".join(shown)
