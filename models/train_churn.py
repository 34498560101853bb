"""Training of a churn model: profiles, calls and outcomes in, an immutable bundle and a report out, to its command.

The walk: read -> split by customer -> every fragment embedded as it is served -> embeddings shortened where nothing is
lost -> beginnings of calls as vectors -> candidates -> calibration -> ONNX, compared with scikit-learn -> figures on
calls kept back, by the graph that serves -> bundle -> loaded again as a worker would. Without calls a model of
profiles, without profiles one of words. Needs the extras `cpu` (or `gpu`), `heads` and `churn`. Knows no Kafka.
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from models.bundle import load_bundle
from models.bundle_names import check_name
from models.churn.dataset import ChurnData, check_learned, read_churn_data
from models.churn.fit_rows import CallRows
from models.churn.report import ChurnReport, ChurnRequest, ProjectionReport, Warn
from models.churn.split import ChurnSplit, split_examples
from models.churn.spoken import Spoken, embed_calls, nothing_spoken
from models.encoder.base_kind import check_base_model
from models.encoder.base_model import find_base_model
from models.encoder.store import prepare_encoder
from models.heads import Float32Array
from models.rows.errors import DatasetError
from models.runtime import Encoder
from models.tracking.tracker import NO_TRACKER, Tracker, tracked
from models.training.report import Progress
from models.training.stages import StageWatch

if TYPE_CHECKING:
    from models.churn.fit_rows import FitRows

_NEEDED = {
    "heads": ("jinja2", "matplotlib", "onnx", "scipy"),
    "churn": ("sklearn", "skl2onnx"),
}
# Of the calls to learn from, so many are learned from a second time without their profile. Boosting, validation rows of
# the training files, four seeds, churn_mlc (14.6 % left) and churn_ibm_telco (26.5 %): an unknown profile got 0.2 % and
# 2.8 % without, 17 % and 32 % with 0.02, 16 % and 25 % with 0.05; the log loss of known ones moved less than by seed.
MASKED_SHARE = 0.05
FEW_CALLS = 500
# Calls on which a shorter embedding is judged; more change the third digit of the loss.
JUDGED_CALLS = 4_000


def train_churn(
    request: ChurnRequest, progress: Progress, warn: Warn, tracker: Tracker = NO_TRACKER
) -> ChurnReport:
    """Train a churn model and write a bundle.

    Args:
        request: what to train.
        progress: told stage, done, total; stages are `read`, `encoder`, [`embed`, `shorten`], `fit`, `measure`,
            `write`, `check`.
        warn: told what must not be overlooked, before anything long begins.
        tracker: told begin and end.

    Raises:
        DatasetError: files that cannot be learned from, an extra that is missing, or a graph that does not answer like
            the model it was written from.
        BaseModelError: no such base model, or one that cannot be written.
        BundleError: the name is not allowed, or the bundle does not load.
        RuntimeUnavailableError: a provider that was asked for cannot be had.
    """
    with tracked(tracker, request):
        check_name(request.name)
        _check_extras(request)
        report = _ChurnTraining(request, StageWatch(progress), warn).run()
    tracker.finished(Path(report.path), report)
    return report


def _check_extras(request: ChurnRequest) -> None:
    wanted = _NEEDED | ({"train": ("optuna",)} if request.search else {})
    for extra, names in wanted.items():
        missing = [name for name in names if importlib.util.find_spec(name) is None]
        if missing:
            what = f"--search {request.search}" if extra == "train" else "a churn model"
            way = " or leave --search out" if extra == "train" else ""
            raise DatasetError(
                f"{what} needs {', '.join(missing)}: pip install 'switchboard-classifier[{extra}]'{way}"
            )


class _ChurnTraining:
    """One training; each method is a stage or two of the walk."""

    def __init__(self, request: ChurnRequest, watch: StageWatch, warn: Warn) -> None:
        self._request, self._watch, self._warn = request, watch, warn
        self._warnings: list[str] = []

    def run(self) -> ChurnReport:
        """Walk to the end."""
        from models.churn.fit import ChurnFit  # noqa: PLC0415  # scikit-learn: an extra
        from models.churn.trained import ChurnResult  # noqa: PLC0415
        from models.churn.writing import write_churn_bundle  # noqa: PLC0415

        request, watch = self._request, self._watch
        with watch.stage("read"):
            data = read_churn_data(request.files)
            split = split_examples(data.examples, request.seed)
            check_learned(data, split.known, request.files)
            self._tell(data, split)
            base = find_base_model(request.base_model)
            check_base_model(base)
        encoder_dir, encoder = self._encoder()
        spoken = self._embed(data, encoder)
        matrix, projection = self._shorten(data, split, spoken)
        with watch.stage("fit"):
            rows = CallRows(data.lists, data.examples, spoken, matrix, split.known)
            learn = rows.fit_rows(split.learn, self._masked(data, split.learn))
            validation = rows.fit_rows(split.validation)
            own = ChurnFit(learn, validation, request.seed, request.threads, watch.advance)
            fitted = own.run(request.search, request.candidates)
        with watch.stage("measure"):
            result = ChurnResult(data, split, rows, fitted, matrix)
            figures = result.measure(request.seed)
        report = msgspec.structs.replace(
            result.report(figures, projection, spoken),
            name=request.name,
            seed=request.seed,
            provider=encoder.provider,
            precision=encoder.precision,
            warnings=tuple(self._warnings),
            seconds=dict(watch.seconds),
        )
        with watch.stage("write"):
            path = write_churn_bundle(request, result.trained(base, encoder_dir), report)
        with watch.stage("check"):
            load_bundle(path, request.providers, request.threads)
        return msgspec.structs.replace(
            report, version=path.name, path=str(path), seconds=dict(watch.seconds)
        )

    def _encoder(self) -> tuple[Path, Encoder]:
        request = self._request
        with self._watch.stage("encoder"):
            directory = prepare_encoder(
                request.models_dir,
                request.base_model,
                request.max_length_tokens,
                request.precisions,
            )
            return directory, Encoder(directory, request.providers, request.threads)

    def _tell(self, data: ChurnData, split: ChurnSplit) -> None:
        """Say what may make the model poor, before minutes go into it."""
        warnings = list(data.notes)
        if len(data.examples) < FEW_CALLS:
            warnings.append(
                f"only {len(data.examples)} outcomes can be learned from; figures will be rough below {FEW_CALLS}"
            )
        left = sum(data.examples[place].churned for place in split.test)
        if left < 30:  # as many as a comparison needs
            warnings.append(
                f"only {left} of {len(split.test)} test calls left: a later version can hardly be compared"
            )
        self._warnings = warnings
        for one in warnings:
            self._warn(one)

    def _embed(self, data: ChurnData, encoder: Encoder) -> Spoken:
        if not data.lists.textual:
            return nothing_spoken(data.examples)
        with self._watch.stage("embed"):
            return embed_calls(data.examples, encoder, self._request.threads, self._watch.advance)

    def _shorten(
        self, data: ChurnData, split: ChurnSplit, spoken: Spoken
    ) -> tuple[Float32Array | None, ProjectionReport]:
        """The matrix that shortens embeddings, or None, judged on learn and validation calls."""
        from models.churn.projection import SHORT, choose_projection, principal_components  # noqa: PLC0415  # extra

        width = spoken.embeddings.shape[1]
        if width <= SHORT:
            reason = "no call is heard" if not data.lists.textual else f"{width} numbers are short"
            return None, ProjectionReport(
                numbers=width, log_loss_whole=None, log_loss_short=None, reason=reason
            )
        with self._watch.stage("shorten"):
            matrix = principal_components(spoken.embeddings, spoken.counts(split.learn))
            learn = _some(split.learn, JUDGED_CALLS, self._request.seed)
            validation = _some(split.validation, JUDGED_CALLS, self._request.seed)

            def rows_for(one: Float32Array | None) -> "tuple[FitRows, FitRows]":
                # Means and categories of all: a sample may not show a category that the whole has.
                rows = CallRows(data.lists, data.examples, spoken, one, split.known)
                return rows.fit_rows(learn), rows.fit_rows(validation)

            return choose_projection(matrix, rows_for, self._request.seed, self._request.threads)

    def _masked(self, data: ChurnData, learn: list[int]) -> list[int]:
        """Calls to learn from once more without their profile."""
        if not data.lists.of_profile:
            return []
        known = [place for place in learn if data.examples[place].features is not None]
        return _some(known, max(1, round(MASKED_SHARE * len(known))), self._request.seed)


def _some(places: list[int], count: int, seed: int) -> list[int]:
    """At most `count` of the places, drawn, rising."""
    if len(places) <= count:
        return places
    drawn = np.random.default_rng(seed).choice(len(places), count, replace=False)
    return [places[number] for number in np.sort(drawn).tolist()]
