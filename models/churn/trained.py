"""Turns a fitted candidate into what a bundle holds, measured by the graph that serves, for `models.train_churn`.

Needs the extra `churn`.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from models.churn.answers import ChurnAnswer, churn_key
from models.churn.candidates import Candidate
from models.churn.dataset import ChurnData
from models.churn.entry import ChurnEntry
from models.churn.evaluate import ChurnFigures, measure_churn
from models.churn.export import edge_rows, export_graph
from models.churn.fit import FittedChurn, score
from models.churn.fit_rows import CallRows
from models.churn.metrics import Ranking, threshold_figures
from models.churn.model import ChurnModel
from models.churn.prefixes import Prefixes
from models.churn.report import CandidateReport, ChurnReport, ProjectionReport, TrialReport
from models.churn.split import ChurnSplit
from models.churn.spoken import Spoken
from models.churn.writing import PROJECTION_NAME, TrainedChurn
from models.heads import Float32Array

COMPARED_ROWS = 2_000  # of validation, beside the edge rows, on which graph and model must agree


@dataclass
class ChurnResult:
    """What the fit gave, and the calls kept back."""

    data: ChurnData
    split: ChurnSplit
    rows: CallRows
    fitted: FittedChurn
    projection: Float32Array | None

    def measure(self, seed: int) -> ChurnFigures:
        """Figures of the graph on the calls kept back."""
        return measure_churn(self.answers, self.fitted.alarm_from, seed)

    @cached_property
    def graph(self) -> bytes:
        """The chosen model as ONNX, compared with scikit-learn's."""
        seen = self.rows.prefixes(self.split.validation).vectors[:COMPARED_ROWS]
        probe = np.vstack([seen, edge_rows(self.rows.space)])
        return export_graph(self.fitted.candidate, self.fitted.estimator, probe)

    @cached_property
    def answers(self) -> list[ChurnAnswer]:
        """What the model that serves says of each call kept back, beginning by beginning."""
        model = ChurnModel(self._entry({}), self.graph, self.projection)
        chances = model.probabilities(self._kept.vectors)
        ends = np.flatnonzero(np.diff(self._kept.calls, append=-1)) + 1
        answers: list[ChurnAnswer] = []
        begin = 0
        for place, end in zip(self.split.test, ends.tolist(), strict=True):
            example = self.data.examples[place]
            answers.append(
                ChurnAnswer(
                    key=churn_key(example.key),
                    churned=example.churned,
                    fragments=tuple(self._kept.fragments[begin:end].tolist()),
                    probabilities=tuple(chances[begin:end].round(6).tolist()),
                )
            )
            begin = end
        return answers

    def trained(self, base: Path, encoder_dir: Path) -> TrainedChurn:
        """What a bundle holds."""
        figures = measure_churn(self.answers, self.fitted.alarm_from).main()
        return TrainedChurn(
            base,
            encoder_dir,
            self._entry(figures),
            self.graph,
            self.projection,
            self.answers,
            self.data.files,
        )

    def report(
        self, figures: ChurnFigures, projection: ProjectionReport, spoken: Spoken
    ) -> ChurnReport:
        """The report, but for what the flow itself knows: name, seed, device, times."""
        space, fitted = self.rows.space, self.fitted
        return ChurnReport(
            name="",
            seed=0,
            learn_calls=len(self.split.learn),
            validation_calls=len(self.split.validation),
            test_calls=len(self.split.test),
            rows=fitted.rows,
            fragments=spoken.fragments,
            texts=len(spoken.embeddings),
            truncated_texts=spoken.truncated,
            features={
                "numerical": len(space.numerical),
                "categorical": len(space.categorical),
                "textual": len(space.textual),
                "columns": len(space.columns),
            },
            projection=projection,
            candidate=fitted.candidate.name,
            candidates=self._candidates(),
            trials=tuple(
                TrialReport(
                    name=one.candidate.name,
                    settings=one.candidate.settings,
                    log_loss=one.log_loss,
                    roc_auc=one.roc_auc,
                )
                for one in fitted.trials
            ),
            slope=fitted.slope,
            intercept=fitted.intercept,
            figures=figures,
            provider="",
            precision="",
            split=self.split.facts.sentence(),
            notes=self.data.notes,
            warnings=(),
            seconds={},
        )

    @cached_property
    def _kept(self) -> Prefixes:
        return self.rows.prefixes(self.split.test)

    def _entry(self, figures: dict[str, float]) -> ChurnEntry:
        chosen: Candidate = self.fitted.candidate
        return ChurnEntry(
            space=self.rows.space,
            candidate=chosen.name,
            settings=chosen.settings,
            slope=self.fitted.slope,
            intercept=self.fitted.intercept,
            alarm_from=self.fitted.alarm_from,
            projection=None if self.projection is None else PROJECTION_NAME,
            figures=figures,
        )

    def _candidates(self) -> tuple[CandidateReport, ...]:
        """Every kind on the calls kept back, at their end and as scikit-learn gives it; nothing is chosen by it."""
        kept = self._kept
        vectors = kept.vectors[kept.is_end]
        churned = np.array([self.data.examples[place].churned for place in self.split.test])
        ones = np.ones(len(churned))
        reports: list[CandidateReport] = []
        for trial, estimator in self.fitted.kinds:
            raw = score(estimator, vectors)
            reports.append(
                CandidateReport(
                    name=trial.candidate.name,
                    settings=trial.candidate.settings,
                    validation_log_loss=trial.log_loss,
                    validation_roc_auc=trial.roc_auc,
                    test_roc_auc=float(Ranking.of(raw, churned).roc_auc(ones)[0]),
                    test_f1=float(threshold_figures(raw, churned, ones, 0.5)["f1"][0]),
                )
            )
        return tuple(reports)
