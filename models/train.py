"""Training: labelled rows in, an immutable bundle and a report out, to `switchboard train`.

The walk: rows -> split -> base encoder -> embeddings -> [balanced, best: encoder tuned, written, embedded again, and
kept where it is not worse] -> heads -> figures on rows kept back -> golden rows -> bundle -> loaded again as a worker
would. Texts are embedded by the session that serves, so heads fit what they will meet. Recipe `quick` needs no torch,
the others the extra `train`; all need the extras `cpu` (or `gpu`) and `heads`. Knows no Kafka.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from models.bundle import load_bundle
from models.encoder.base_kind import check_base_model
from models.encoder.base_model import find_base_model
from models.encoder.domain_tokens import extend_base
from models.encoder.embed import Embedded, embed_texts
from models.encoder.files import CONFIG_NAME, sha256_of
from models.encoder.store import prepare_encoder
from models.rows.dataset import DatasetError
from models.runtime import Encoder
from models.tracking.tracker import NO_TRACKER, Tracker, tracked
from models.training.bundle import Trained, make_report, measure, write
from models.training.checks import check_request
from models.training.heads import (
    KnownRows,
    TunedEncoder,
    chosen_candidates,
    chosen_figure,
    fit_all,
    tune_encoder,
)
from models.training.previous import Previous, read_previous
from models.training.report import (
    EpochReport,
    HeadReport,
    Progress,
    TrainReport,
    TrainRequest,
    TuningReport,
)
from models.training.rows import TrainRows, read_rows
from models.training.stages import StageWatch, Warn, say_nothing

if TYPE_CHECKING:
    from models.fitting.fit_heads import FittedHeads

__all__ = ["DatasetError", "HeadReport", "TrainReport", "TrainRequest", "train"]


def train(
    request: TrainRequest,
    progress: Progress,
    tracker: Tracker = NO_TRACKER,
    warn: Warn = say_nothing,
) -> TrainReport:
    """Train a model by the request's recipe and write a bundle.

    A killed training leaves no bundle. One that tunes goes on where it was when an equal request comes.

    Args:
        request: what to train.
        progress: told stage, done, total; stages are `read`, `encoder`, `embed`, `heads`, [`tune`, `export`, `embed
            tuned`, `tuned heads`], `write`, `check`.
        tracker: told begin, epochs and end.
        warn: told each warning about the rows before anything long starts; the report has them too.

    Raises:
        DatasetError: rows that cannot be trained on, nothing to learn from them, or an extra is missing.
        BaseModelError: no such base model, or one that cannot be written or tuned.
        BundleError: the name is not allowed, or the bundle does not load.
        RuntimeUnavailableError: a provider that was asked for cannot be had.
        KeyboardInterrupt: as it came; with a message where what was tuned is kept.
    """
    with tracked(tracker, request):
        check_request(request)
        with TemporaryDirectory(prefix="switchboard-base-") as scratch:
            report = _Training(request, StageWatch(progress, warn), tracker, Path(scratch)).run()
    tracker.finished(Path(report.path), report)
    return report


@dataclass(frozen=True)
class _Encoded:
    """An encoder as it serves, and all texts as it sees them."""

    directory: Path
    encoder: Encoder
    embedded: Embedded


class _Training:
    """One training; each method is a stage or two of the walk."""

    def __init__(
        self, request: TrainRequest, watch: StageWatch, tracker: Tracker, scratch: Path
    ) -> None:
        self._request = request
        self._watch = watch
        self._tracker = tracker
        self._scratch = scratch
        self._tuned: TunedEncoder | None = None
        self._notes: tuple[str, ...] = ()

    def run(self) -> TrainReport:
        """Walk to the end; what a tuning did stays for an equal request where the walk ends before."""
        try:
            report = self._walk()
            if self._tuned is not None:
                self._tuned.work.forget()
            return report
        finally:
            if self._tuned is not None:
                self._tuned.work.release()

    def _walk(self) -> TrainReport:
        request, watch = self._request, self._watch
        with watch.stage("read"):
            base = find_base_model(request.base_model)
            check_base_model(base)
            previous = read_previous(
                request.models_dir, request.name, request.tenant, request.changes
            )
            rows = read_rows(request, previous.labels if previous else None)
            for warning in rows.warnings:
                watch.warn(warning)
            if request.tokens:
                base = extend_base(base, request.tokens, self._scratch / "base")
        texts = [row.text(request.input_template) for row in rows.everything()]
        encoded = self._encode(base, texts, "encoder", "embed")
        if request.recipe == "quick":
            with watch.stage("heads"):
                known = self._known(rows, texts, encoded, previous)
                fitted = fit_all(known, watch.advance)
            trained = self._trained(base, encoded, texts, fitted)
        else:
            trained = self._tune(rows, texts, base, encoded, previous)
        with watch.stage("write"):
            measured = measure(request, rows, trained)
            facts = self._facts(trained, previous)
            report = msgspec.structs.replace(make_report(request, rows, trained, measured), **facts)
            path = write(request, rows, trained, report, measured)
        with watch.stage("check"):
            load_bundle(path, request.providers)
        return msgspec.structs.replace(
            report, version=path.name, path=str(path), seconds=watch.seconds
        )

    def _tune(
        self,
        rows: TrainRows,
        texts: list[str],
        base: Path,
        frozen: _Encoded,
        previous: Previous | None,
    ) -> Trained:
        """Tune; where that is worse on the rows that neither saw, the encoder serves as it was.

        What a head reads is chosen before, by many rows: a tuned embedding tells apart those that it learned from, and
        few were kept back from it.
        """
        watch, known = self._watch, self._known(rows, texts, frozen, previous)
        with watch.stage("heads"):
            first = fit_all(known, watch.advance)
            reads = chosen_candidates(first)
        with watch.stage("tune"):
            tuned = self._tuned = tune_encoder(known, base, watch.advance, self._tell_epoch)
        encoded = self._encode(tuned.work.base, texts, "export", "embed tuned")
        with watch.stage("tuned heads"):
            own = self._known(rows, texts, encoded, previous)
            fitted = fit_all(own, watch.advance, tuned.choose, reads)
            after = chosen_figure(fitted)
            before = chosen_figure(fit_all(known, watch.advance, tuned.choose, reads))
        if after is None or before is None or after >= before:
            return self._trained(tuned.work.base, encoded, texts, fitted)
        self._notes = (
            f"tuning made it worse on the rows kept back from it ({after:.4f} against {before:.4f}): "
            "the encoder serves as it was",
        )
        return self._trained(base, frozen, texts, first)

    def _trained(
        self, base: Path, encoded: _Encoded, texts: list[str], fitted: "FittedHeads"
    ) -> Trained:
        return Trained(base, encoded.directory, encoded.encoder, texts, encoded.embedded, fitted)

    def _tuning_report(self) -> TuningReport | None:
        if self._tuned is None:
            return None
        report = self._tuned.work.report
        return msgspec.structs.replace(report, notes=(*report.notes, *self._notes))

    def _facts(self, trained: Trained, previous: Previous | None) -> dict[str, Any]:
        """What only the flow knows of a report."""
        return {
            "seconds": self._watch.seconds,
            "tuning": self._tuning_report(),
            "previous": previous.label if previous else None,
            "changes": previous.describe(trained.specs()) if previous else {},
        }

    def _encode(self, base: Path, texts: list[str], build: str, embed: str) -> _Encoded:
        request = self._request
        with self._watch.stage(build):
            directory = prepare_encoder(
                request.models_dir, str(base), request.max_length_tokens, request.precisions
            )
            encoder = Encoder(directory, request.providers, request.threads)
        with self._watch.stage(embed):
            embedded = embed_texts(encoder, texts, request.threads, self._watch.advance)
        return _Encoded(directory, encoder, embedded)

    def _known(
        self, rows: TrainRows, texts: list[str], encoded: _Encoded, previous: Previous | None
    ) -> KnownRows:
        """The rows that may be learned from and chosen on; those to measure on stay out of sight."""
        end = len(rows.learn) + len(rows.validation)
        return KnownRows(
            self._request,
            [*rows.learn, *rows.validation],
            texts[:end],
            encoded.embedded.embeddings[:end],
            len(rows.learn),
            encoded.encoder,
            previous,
            sha256_of(encoded.directory / CONFIG_NAME),
            rows.groups,
        )

    def _tell_epoch(self, epoch: EpochReport) -> None:
        figures = {
            "loss": epoch.loss,
            "learning_rate": epoch.learning_rate,
            "seconds": epoch.seconds,
        }
        for head, own in epoch.heads.items():
            figures.update({f"{head}.{name}": figure for name, figure in own.items()})
        self._tracker.epoch(epoch.number, figures)
