"""Fits all heads of a model: rows, embeddings and texts in, heads with their n-gram vocabulary out, to `models.train`.

Knows neither encoder nor bundle. Needs the extra `heads`; `models.train` imports it late for that reason.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from threadpoolctl import threadpool_limits

from models.fitting.candidates import CANDIDATES, Candidate, Choice, HeadWishes, IntArray
from models.fitting.fit import fit_head
from models.fitting.head_rows import LabelledRows, LearnableHead, ngram_matrix, sort_by_head
from models.fitting.logistic import Features
from models.heads import Float32Array, Head
from models.labels import HeadSpec, TrainingRow
from models.ngrams import NgramVocabulary, build_vocabulary
from models.schemas import Schemas


def no_wishes(spec: HeadSpec, vocabulary: NgramVocabulary) -> HeadWishes:
    """A head that is asked for nothing special."""
    del spec, vocabulary
    return HeadWishes()


@dataclass(frozen=True)
class FitOptions:
    """How to fit.

    Args:
        learn_count: how many rows, from the first on, are to learn from; the rest, if any, is for choosing.
        min_label_rows: a label of a multi-label head with fewer rows is left out.
        threads: fits at once.
        candidates: what each head chooses among, simplest first; a head that is not named, among `CANDIDATES`.
        choose: places of rows that nothing has learned from yet: each head is chosen on those that answer it. None:
            rows take turns.
        groups: of the rows to learn from, as in `LabelledRows`.
        schemas: tenant -> head -> labels, as serving will apply them.
        out_of_scope_label: as in `LabelledRows`.
        wishes: what a head is asked for beside its rows, given its spec and the vocabulary.
    """

    learn_count: int
    min_label_rows: int
    threads: int
    candidates: Mapping[str, Sequence[Candidate]] = field(
        default_factory=dict[str, Sequence[Candidate]]
    )
    choose: IntArray | None = None
    groups: Sequence[int] | None = None
    schemas: Schemas = field(default_factory=dict[str, Mapping[str, Sequence[str]]])
    wishes: Callable[[HeadSpec, NgramVocabulary], HeadWishes] = no_wishes
    out_of_scope_label: str | None = None


@dataclass(frozen=True)
class FittedHead:
    """A head, what it learned from and how it was chosen."""

    head: Head
    source: LearnableHead
    choice: Choice


@dataclass(frozen=True)
class FittedHeads:
    """All heads by name, the vocabulary of those that read n-grams, and why others could not be learned."""

    heads: list[FittedHead]
    vocabulary: NgramVocabulary
    refused: dict[str, str]


def fit_heads(
    rows: Sequence[TrainingRow],
    embeddings: Float32Array,
    texts: Sequence[str],
    options: FitOptions,
    advance: Callable[[int, int], None],
) -> FittedHeads:
    """Fit every head that can be learned.

    Args:
        rows: with their labels.
        embeddings: float32 [N, H], of the rows.
        texts: [N], as the encoder read them.
        options: how.
        advance: told heads done and heads in all.
    """
    vocabulary = build_vocabulary(texts[: options.learn_count])
    features = Features(embeddings, ngram_matrix(vocabulary, texts))
    labelled = LabelledRows(
        rows,
        features,
        options.learn_count,
        options.min_label_rows,
        options.choose,
        options.groups,
        options.schemas,
        options.out_of_scope_label,
    )
    learnable, refused = sort_by_head(labelled)
    fitted: list[FittedHead] = []
    # Fits side by side beat threads inside BLAS, which spin: on two shared cores one fit of it_tickets took 18 s with
    # them and 1.2 s of processor time without.
    with threadpool_limits(1), ThreadPoolExecutor(options.threads, "fit") as pool:
        for source in learnable:
            head, choice = fit_head(
                source.rows,
                options.candidates.get(source.rows.spec.name, CANDIDATES),
                pool,
                options.wishes(source.rows.spec, vocabulary),
            )
            fitted.append(FittedHead(head, source, choice))
            advance(len(fitted), len(learnable))
    if all(one.head.weights.ngrams is None for one in fitted):
        vocabulary = build_vocabulary(())
    return FittedHeads(fitted, vocabulary, refused)
