"""Whether a bundle may go live: it must load and answer as when it was made, and not be worse than what is live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.bundle import Bundle, BundleError, load_bundle
from models.encoder.files import EncoderError
from models.evaluate import measure_bundle
from models.evaluation.answers import AnswersError
from models.evaluation.compare import ModelAnswers, compare_answer_rows, kept_answers
from models.evaluation.comparison import Comparison
from models.labels import TrainingRow
from models.rows.dataset import DatasetError, read_dataset
from models.runtime import Encoder, RuntimeUnavailableError
from stream.cli.bundles import OnDisk, find
from stream.cli.wiring import cores
from stream.errors import FatalError
from stream.records import Deployment
from stream.settings import Settings

SHOWN_LABELS = 8
WAY_OUT = "compare on rows that neither learned from (--data FILE), or overrule it (--force, the reason is kept)"


@dataclass(frozen=True)
class Judgement:
    """What to tell a person, and why not to approve; None: nothing speaks against it."""

    lines: list[str]
    refusal: str | None


def judge(
    settings: Settings, candidate: OnDisk, live: Deployment | None, data: Path | None
) -> Judgement:
    """Load a bundle, run its golden rows, and compare it with the live one.

    Raises:
        FatalError: it is damaged or answers otherwise than when it was made, or the rows cannot be read. No force
            helps against that.
    """
    encoders: dict[str, Encoder] = {}
    bundle = _load(settings, candidate, encoders)
    lines = [f"{candidate.whole_name}: loads, its golden rows come out as they should"]
    if live is None:
        return Judgement([*lines, f"nothing is live for tenant {bundle.tenant} yet"], None)
    before = _live_on_disk(settings, live)
    if before is None:
        return Judgement(
            lines,
            f"{live.name}/{live.version} is live and not in {settings.models_path}, so nobody can tell whether "
            f"{candidate.whole_name} is worse; copy it there, or overrule it (--force, the reason is kept)",
        )
    comparison = _compared(settings, before, candidate, bundle, data, encoders)
    if isinstance(comparison, str):
        return Judgement(lines, comparison)
    return Judgement([*lines, *comparison_lines(comparison)], refusal_of(comparison))


def _live_on_disk(settings: Settings, live: Deployment) -> OnDisk | None:
    try:
        found = find(settings.models_path, f"{live.name}/{live.version}")
    except FatalError:
        return None
    return found if found.bundled.is_of(live) else None


def refusal_of(comparison: Comparison) -> str | None:
    """Why not, if the comparison says so: worse beyond chance, or nothing that could be told at all."""
    names = f"{comparison.after} is not approved"
    if comparison.is_significantly_worse:
        worse = "; ".join(head.reason for head in comparison.heads if head.verdict == "worse")
        return f"{names}: {worse}; train a better one, or overrule it (--force, the reason is kept)"
    if all(head.verdict == "cannot tell" for head in comparison.heads):
        return (
            f"{names}: too few rows in common with {comparison.before} to tell whether it is worse "
            f"({comparison.rows}); {WAY_OUT}"
        )
    return None


def comparison_lines(comparison: Comparison) -> list[str]:
    """The comparison in words: a line per head, then what is gone and what is new."""
    lines = [f"compared with {comparison.before} on {comparison.rows} rows:"]
    lines += [f"  {head.reason}" for head in comparison.heads]
    for head in comparison.heads:
        if head.removed_labels:
            lines.append(f"  {head.name} no longer gives: {_some(list(head.removed_labels))}")
        if head.new_labels:
            lines.append(f"  {head.name} gives anew: {_some(list(head.new_labels))}")
    if comparison.lost_heads:
        lines.append(f"  heads that are gone: {', '.join(comparison.lost_heads)}")
    if comparison.new_heads:
        lines.append(f"  new heads: {', '.join(comparison.new_heads)}")
    return lines


def _some(labels: list[str]) -> str:
    more = len(labels) - SHOWN_LABELS
    return ", ".join(labels[:SHOWN_LABELS]) + (f" and {more} more" if more > 0 else "")


def _compared(
    settings: Settings,
    before: OnDisk,
    candidate: OnDisk,
    bundle: Bundle,
    data: Path | None,
    encoders: dict[str, Encoder],
) -> Comparison | str:
    """The comparison, or why nobody can tell."""
    renamed = renamed_labels(before, candidate)
    if data is None:
        try:
            return compare_answer_rows(
                kept_answers(before.path), kept_answers(candidate.path), renamed
            )
        except AnswersError as error:
            return f"{candidate.whole_name} is not approved: {error}; or overrule it (--force, the reason is kept)"
    try:
        rows = read_dataset([data]).rows
    except DatasetError as error:
        raise FatalError(str(error)) from error
    try:
        old = _load(settings, before, encoders)
    except FatalError as error:
        return f"the live model cannot be compared with: {error}"
    return compare_answer_rows(
        _answers(settings, before, old, rows), _answers(settings, candidate, bundle, rows), renamed
    )


def _answers(
    settings: Settings, found: OnDisk, bundle: Bundle, rows: Sequence[TrainingRow]
) -> ModelAnswers:
    labels = {head.name: frozenset(head.labels) for head in found.manifest.heads}
    measured = measure_bundle(bundle, rows, settings.encode_threads or cores())
    return ModelAnswers(found.whole_name, labels, measured.answers)


def renamed_labels(
    before: OnDisk, candidate: OnDisk
) -> Mapping[str, Mapping[str, str | None]] | None:
    """Head -> old label -> new one, as the candidate's report tells; None where it was made from another version."""
    if candidate.manifest.previous != before.whole_name:
        return None
    changes: Mapping[str, Any] = candidate.report().get("changes") or {}
    renamed: dict[str, dict[str, str | None]] = {}
    for head, change in changes.items():
        names: dict[str, str | None] = dict(change.get("renamed", {}))
        for label, heirs in change.get("merged", {}).items():
            names |= {old: label for old in heirs if old != label}
        renamed[head] = names
    return renamed


def _load(settings: Settings, found: OnDisk, encoders: dict[str, Encoder]) -> Bundle:
    providers = [name.strip() for name in settings.execution_providers.split(",")]
    try:
        return load_bundle(found.path, providers, settings.encode_threads or cores(), encoders)
    except (BundleError, EncoderError) as error:
        raise FatalError(
            f"{found.whole_name} must not serve, and no --force helps: {error}"
        ) from error
    except RuntimeUnavailableError as error:
        raise FatalError(str(error)) from error
