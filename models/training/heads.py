"""The learning of a training: known rows and what an encoder makes of them in, a tuned encoder or fitted heads out.

For `models.train`. Knows no test rows, no bundle and no files but those of a tuning.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.encoder.embed import Advance
from models.heads import Float32Array, LinearWeights
from models.labels import HeadSpec, TrainingRow
from models.manifest import DEFAULT_TENANT
from models.ngrams import NgramVocabulary
from models.rows.dataset import DatasetError, schemas_of
from models.runtime import Encoder
from models.training.previous import Previous
from models.training.report import EpochReport, TrainRequest

if TYPE_CHECKING:
    from models.fitting.candidates import Candidate, HeadWishes, IntArray, Search
    from models.fitting.fit_heads import FittedHeads
    from models.tuning.run import TunedBase


@dataclass(frozen=True)
class KnownRows:
    """Rows that may be learned from and chosen on: those to learn from first, then those of a validation file.

    Args:
        request: what to train.
        rows, texts, embeddings: N each; embeddings float32 [N, H], by `encoder`.
        learn_count: how many are to learn from.
        encoder: as it serves.
        previous: the version before, if there is one.
        encoder_sha256: of the encoder's config, as manifests name it.
        groups: number of the group of each row to learn from: what shares a text, thread or customer.
    """

    request: TrainRequest
    rows: Sequence[TrainingRow]
    texts: Sequence[str]
    embeddings: Float32Array
    learn_count: int
    encoder: Encoder
    previous: Previous | None
    encoder_sha256: str
    groups: Sequence[int]

    def start(self, spec: HeadSpec, vocabulary: NgramVocabulary | None) -> LinearWeights | None:
        """Weights of the previous version to begin with, where there are some on this encoder."""
        if self.previous is None:
            return None
        return self.previous.start(spec, vocabulary, self.encoder_sha256)


@dataclass(frozen=True)
class TunedEncoder:
    """The work, and places of the rows that it did not see (None: a file has them)."""

    work: "TunedBase"
    choose: "IntArray | None"


def tune_encoder(
    known: KnownRows, base: Path, advance: Advance, tell: Callable[[EpochReport], None]
) -> TunedEncoder:
    """Tune the base model by the request's recipe, heads first.

    Raises:
        DatasetError: no head can be learned, a head weight cannot be meant, a search has no rows to choose on, or an
            equal training runs already.
        BaseModelError: the base model cannot be tuned.
    """
    # Here, because torch takes seconds to import and comes with an extra.
    from models.tuning.rows import TuneRows, check_weights, keep_back, make_task  # noqa: PLC0415
    from models.tuning.run import TuneRequest, tune_base  # noqa: PLC0415
    from models.tuning.settings import RECIPES  # noqa: PLC0415

    request = known.request
    names = {name for row in known.rows[: known.learn_count] for name in row.labels}
    check_weights(request.head_weights, sorted(names))
    choose = keep_back(known.rows, known.learn_count, known.groups)
    own = TuneRows(
        rows=known.rows,
        ids=[text.ids for text in known.encoder.tokenize(known.texts)],
        texts=known.texts,
        embeddings=known.embeddings,
        learn_count=known.learn_count,
        min_label_rows=request.min_label_rows,
        weights=request.head_weights,
        out_of_scope_label=request.out_of_scope_label,
        start=lambda spec: known.start(spec, None),
        threads=request.threads,
        groups=known.groups,
    )
    task = make_task(own, choose)
    wanted = TuneRequest(
        base=base,
        task=task,
        settings=RECIPES[request.recipe],
        seed=request.seed,
        search=request.search,
        providers=request.providers,
        threads=request.threads,
        models_dir=request.models_dir,
        name=request.name,
    )
    return TunedEncoder(tune_base(wanted, advance, tell), choose)


def fit_all(
    known: KnownRows,
    advance: Advance,
    choose: "IntArray | None" = None,
    candidates: "Mapping[str, Sequence[Candidate]] | None" = None,
) -> "FittedHeads":
    """Fit every head that can be learned.

    Args:
        known: rows with the embeddings of the encoder that will serve.
        advance: told heads done and heads in all.
        choose: places of the rows to choose on, which a tuned encoder did not see; None: rows take turns.
        candidates: what each head chooses among; None: what is usual.

    Raises:
        DatasetError: there is none.
    """
    # Here, because SciPy comes with an extra that the training has asked for by now.
    from models.fitting.candidates import HeadWishes  # noqa: PLC0415
    from models.fitting.fit_heads import FitOptions, fit_heads  # noqa: PLC0415

    request = known.request

    def wishes(spec: HeadSpec, vocabulary: NgramVocabulary) -> "HeadWishes":
        return HeadWishes(
            start=known.start(spec, vocabulary),
            target_precision=request.target_precision,
            out_of_scope_label=request.out_of_scope_label,
            search=_search(request) if request.search and request.recipe == "quick" else None,
        )

    options = FitOptions(
        known.learn_count,
        request.min_label_rows,
        request.threads,
        candidates or {},
        choose,
        known.groups,
        tenant_schemas(request, known.rows[: known.learn_count]),
        wishes,
        request.out_of_scope_label,
    )
    fitted = fit_heads(known.rows, known.embeddings, known.texts, options, advance)
    if not fitted.heads:
        reasons = "; ".join(fitted.refused.values()) or "no row has labels"
        raise DatasetError(f"nothing to learn from {known.learn_count} rows: {reasons}")
    return fitted


def chosen_candidates(fitted: "FittedHeads") -> "dict[str, Sequence[Candidate]]":
    """What each head chose: of many rows, by weights of an encoder that learned from none of them."""
    from models.fitting.candidates import Candidate  # noqa: PLC0415  # as above

    return {
        one.head.spec.name: [Candidate(one.choice.features, one.choice.inverse_penalty)]
        for one in fitted.heads
    }


def chosen_figure(fitted: "FittedHeads") -> float | None:
    """The heads' mean figure on the rows that they were chosen on; None where there were none."""
    best = [max(one.choice.scores.values()) for one in fitted.heads if one.choice.scores]
    return sum(best) / len(best) if best else None


def tenant_schemas(
    request: TrainRequest, learn: Sequence[TrainingRow]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """The labels that each tenant's mail may get (`schemas_of`); a tenant's own model has its rows alone, and none."""
    return schemas_of(learn) if request.tenant == DEFAULT_TENANT else {}


def _search(request: TrainRequest) -> "Search":
    """More candidates for the heads of `quick`, proposed by Optuna."""
    from models.tuning.search import search_candidates  # noqa: PLC0415 - an extra

    return lambda judge: search_candidates(judge, request.search, request.seed)
