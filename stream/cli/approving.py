"""Whether a bundle may go live: it must load and answer as when it was made, and not be worse than what is live."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.bundle import Bundle, BundleError, load_bundle
from models.encoder.files import EncoderError
from models.evaluate import measure_bundle
from models.evaluation.answers import AnswersError
from models.evaluation.compare import ModelAnswers, compare_answer_rows, kept_answers
from models.evaluation.comparison import Comparison
from models.evaluation.renamed import renamed_labels
from models.evaluation.seen import seen_files
from models.labels import TrainingRow
from models.rows.dataset import DataFile, Dataset, DatasetError, read_dataset
from models.runtime import Encoder, RuntimeUnavailableError
from stream.cli.bundles import OnDisk, find
from stream.cli.wiring import cores
from stream.errors import FatalError
from stream.records import Decision, Deployment
from stream.settings import Settings

SHOWN_LABELS = 8
OVERRULE = "or overrule it (--force, the reason is kept)"


@dataclass(frozen=True)
class Judgement:
    """What to tell a person, and why not to approve; None: nothing speaks against it."""

    lines: list[str]
    refusal: str | None


def judge(
    settings: Settings,
    candidate: OnDisk,
    live: Deployment | None,
    data: Path | None,
    decisions: Sequence[Decision] = (),
) -> Judgement:
    """Load a bundle, run its golden rows, and compare it with the live one.

    Args:
        settings: folder and execution of models.
        candidate: the bundle.
        live: what it would take the place of.
        data: rows to compare models of mail on; None: those kept back from both.
        decisions: all of now, oldest first; a rejection of this very bundle that nothing followed speaks against it.

    Raises:
        FatalError: it is damaged or answers otherwise than when it was made, or the rows cannot be read. No force
            helps against that.
        SettingsError: rows were given for a model of calls.
    """
    encoders: dict[str, Encoder] = {}
    bundle = _load(settings, candidate, encoders)
    lines = [f"{candidate.whole_name}: loads, its golden rows come out as they should"]
    refusals = [f"{candidate.whole_name} was {one}" for one in _rejections(candidate, decisions)]
    lines += refusals
    if live is None:
        lines.append(f"nothing is live for tenant {bundle.tenant} yet")
        return Judgement(lines, _refusal(candidate, refusals))
    before = _live_on_disk(settings, live)
    if before is None:
        refusals.append(
            f"{live.name}/{live.version} is live and not in {settings.models_path}, so nobody can tell whether "
            f"{candidate.whole_name} is worse; copy it there"
        )
        return Judgement(lines, _refusal(candidate, refusals))
    if bundle.kind == "churn":
        from stream.cli.comparing_calls import judge_calls  # noqa: PLC0415

        told, against = judge_calls(before.path, candidate.path, data)
    else:
        told, against = _judge_mails(settings, before, candidate, bundle, data, encoders)
    return Judgement([*lines, *told], _refusal(candidate, [*refusals, *against]))


def _judge_mails(
    settings: Settings,
    before: OnDisk,
    candidate: OnDisk,
    bundle: Bundle,
    data: Path | None,
    encoders: dict[str, Encoder],
) -> tuple[list[str], list[str]]:
    rows = None if data is None else _read(data)
    refusals = [] if rows is None else _seen(before, candidate, rows.files)
    comparison = _compared(settings, before, candidate, bundle, rows, encoders)
    if isinstance(comparison, str):
        return [], [*refusals, comparison]
    refusals += [*refusals_of(comparison), *_other_kinds(before, candidate)]
    return comparison_lines(comparison), refusals


def _refusal(candidate: OnDisk, reasons: Sequence[str]) -> str | None:
    if not reasons:
        return None
    return f"{candidate.whole_name} is not approved: {'; '.join(reasons)}; {OVERRULE}"


def _rejections(candidate: OnDisk, decisions: Sequence[Decision]) -> list[str]:
    """The last word about this very bundle, if it is a rejection; a number may have been given twice, a report not."""
    own = candidate.bundled
    about = [
        one
        for one in decisions
        if (one.tenant, one.name, one.version, one.report_sha256)
        == (own.tenant, own.name, own.version, own.report_sha256)
    ]
    if not about or about[-1].decision != "rejected":
        return []
    last = about[-1]
    return [f"rejected by {last.by} on {last.decided_at:%Y-%m-%d %H:%M} UTC: {last.reason}"]


def _seen(before: OnDisk, candidate: OnDisk, files: Sequence[DataFile]) -> list[str]:
    """What a comparison on these files would flatter."""
    found = [
        f"{one.whole_name} {seen}"
        for one in (before, candidate)
        if (seen := seen_files(one.manifest, files).sentence)
    ]
    return [f"{'; '.join(found)}; name a file that neither has seen (--data FILE)"] if found else []


def _live_on_disk(settings: Settings, live: Deployment) -> OnDisk | None:
    try:
        found = find(settings.models_path, f"{live.name}/{live.version}")
    except FatalError:
        return None
    return found if found.bundled.is_of(live) else None


def refusals_of(comparison: Comparison) -> list[str]:
    """What the comparison says against it: labels lost, worse beyond chance, or nothing that could be told at all."""
    reasons = [
        f"{head.name} no longer gives {_some(list(head.removed_labels))}, and no label changes say so "
        "(train --label-changes FILE)"
        for head in comparison.heads
        if head.removed_labels
    ]
    reasons += [f"head {name} of {comparison.before} is gone" for name in comparison.lost_heads]
    if comparison.is_significantly_worse:
        worse = [head.reason for head in comparison.heads if head.verdict == "worse"]
        return [*reasons, *worse, "train a better one"]
    if all(head.verdict == "cannot tell" for head in comparison.heads):
        reasons.append(
            f"too few rows in common with {comparison.before} to tell whether it is worse ({comparison.rows}); "
            "compare on rows that neither learned from (--data FILE)"
        )
    return reasons


def _other_kinds(before: OnDisk, candidate: OnDisk) -> list[str]:
    """A head that gave one label and now gives a list, or the other way, is another record to whoever consumes it."""
    kinds = {head.name: head.kind for head in before.manifest.heads}
    return [
        f"head {head.name} was {kinds[head.name]} and is {head.kind}: its answers have other fields"
        for head in candidate.manifest.heads
        if kinds.get(head.name, head.kind) != head.kind
    ]


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


def _read(data: Path) -> Dataset:
    try:
        return read_dataset([data])
    except DatasetError as error:
        raise FatalError(str(error)) from error


def _compared(
    settings: Settings,
    before: OnDisk,
    candidate: OnDisk,
    bundle: Bundle,
    data: Dataset | None,
    encoders: dict[str, Encoder],
) -> Comparison | str:
    """The comparison, or why nobody can tell."""
    renamed = renamed_labels(before.path, candidate.path)
    if data is None:
        try:
            return compare_answer_rows(
                kept_answers(before.path), kept_answers(candidate.path), renamed
            )
        except AnswersError as error:
            return str(error)
    try:
        old = _load(settings, before, encoders)
    except FatalError as error:
        return f"the live model cannot be compared with: {error}"
    return compare_answer_rows(
        _answers(settings, before, old, data.rows),
        _answers(settings, candidate, bundle, data.rows),
        renamed,
    )


def _answers(
    settings: Settings, found: OnDisk, bundle: Bundle, rows: Sequence[TrainingRow]
) -> ModelAnswers:
    labels = {head.name: frozenset(head.labels) for head in found.manifest.heads}
    measured = measure_bundle(bundle, rows, settings.encode_threads or cores())
    return ModelAnswers(found.whole_name, labels, measured.answers)


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
