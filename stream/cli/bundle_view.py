"""Bundles on disk and what is live in, lines for a person out: `models list` and `models show`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.bundle import BundleError, versions
from models.manifest import HeadEntry, Manifest
from stream.cli.bundles import OnDisk, open_bundle
from stream.deployments.bundle_ref import ref_before
from stream.deployments.live import Decisions, marks_of
from stream.records import Decision, Deployment

MEBI = 1024 * 1024
MAIN_FIGURES = ("accuracy", "micro_f1", "macro_f1")


def list_lines(models_dir: Path, live: Sequence[Deployment]) -> list[str]:
    """A line per bundle, newest version of each name first; then what is live and not here."""
    lines: list[str] = []
    here: set[str] = set()
    marks = marks_of(live)
    for home in sorted(models_dir.glob("*/")):
        for version in reversed(versions(models_dir, home.name)):
            whole = f"{home.name}/{version}"
            try:
                found = open_bundle(home / str(version))
            except (BundleError, OSError) as error:
                lines.append(f"{whole}  damaged: {error}")
                continue
            here.add(whole)
            lines.append(_line(found, marks.get((home.name, str(version))), live))
    for one in live:
        whole = f"{one.name}/{one.version}"
        if whole not in here:
            lines.append(f"{whole}  tenant={one.tenant}  live, and not in {models_dir}")
    return lines


def _line(found: OnDisk, mark: str | None, live: Sequence[Deployment]) -> str:
    manifest = found.manifest
    is_other = mark == "live" and not any(found.bundled.is_of(one) for one in live)
    told = "another bundle of this name is live" if is_other else mark or "-"
    heads = ",".join(f"{head.name}({len(head.labels)})" for head in manifest.heads)
    reads = f"heads={heads}" if manifest.churn is None else f"churn={manifest.churn.candidate}"
    figures = " ".join(
        f"{head.name}={figure}"
        for head in manifest.heads
        if (figure := _main_figure(manifest, head))
    )
    if manifest.churn is not None:
        figures = _figures(manifest.churn.figures)
    tenant = f"tenant={manifest.tenant}"
    return "  ".join([found.whole_name, tenant, told, reads, figures or "not measured"])


def _figures(figures: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in figures.items())


def _main_figure(manifest: Manifest, head: HeadEntry) -> str:
    figures = manifest.metrics.get(head.name, {})
    name = next((name for name in MAIN_FIGURES if name in figures), None)
    return "" if name is None else f"{figures[name]:.3f} {name}"


def show_lines(
    found: OnDisk, live: Deployment | None, decisions: Decisions, *, is_known: bool = True
) -> Iterator[str]:
    """What a bundle says about itself, then what became of it; `is_known`: whether Kafka said what is live."""
    manifest = found.manifest
    training = manifest.training
    own = (manifest.name, manifest.version)
    before = ref_before(live) if live else None
    is_before = before is not None and own == (before.name, before.version)
    mark = "live" if found.bundled.is_of(live) else "previous" if is_before else "not live"
    mark = mark if is_known else "live or not is unknown"
    yield f"{found.whole_name}  tenant={manifest.tenant}  {mark}  made {manifest.created_at}"
    yield f"  path            {found.path}"
    yield f"  manifest sha256 {found.bundled.manifest_sha256}"
    yield f"  report sha256   {found.bundled.report_sha256}"
    made = f" from {manifest.previous}" if manifest.previous else ""
    yield (
        f"  trained         {training.recipe}{made}, seed {training.seed}, {training.rows} rows, "
        f"{training.test_rows} kept back"
    )
    encoder = manifest.encoder
    yield f"  encoder         {encoder.base_model}, {encoder.max_length_tokens} tokens, sha256 {encoder.sha256[:12]}…"
    for precision, artefact in sorted(manifest.artefacts.items()):
        speed = artefact.texts_per_second
        cosine = artefact.least_cosine
        facts = [f"{artefact.size_bytes / MEBI:.1f} MiB"]
        facts += [f"{speed:.0f} texts/s on {artefact.provider}"] if speed is not None else []
        facts += (
            [f"cosine ≥ {cosine:.4f} to {artefact.compared_with}"] if cosine is not None else []
        )
        yield f"  {precision:<15} {', '.join(facts)}"
    yield from (_head_line(manifest, head) for head in manifest.heads)
    yield from _churn_lines(manifest)
    if manifest.languages:
        yield f"  languages       {', '.join(manifest.languages)}"
    if manifest.schemas:
        yield f"  label sets by tenant: {', '.join(sorted(set(manifest.schemas) - {'*'}))}"
    yield from _changes(found.report().get("changes"))
    yield from _decisions(found, decisions.made)
    if decisions.unreadable:
        offsets = ", ".join(map(str, decisions.unreadable))
        yield f"  {len(decisions.unreadable)} decisions cannot be read: look at model-decisions, offsets {offsets}"


def _head_line(manifest: Manifest, head: HeadEntry) -> str:
    figures = manifest.metrics.get(head.name, {})
    told = _figures(figures) or "not measured"
    certain = f"  abstains below {head.abstain_below:.2f}" if head.abstain_below > 0 else ""
    return f"  head {head.name}: {head.kind}, {len(head.labels)} labels  {told}{certain}"


def _churn_lines(manifest: Manifest) -> Iterator[str]:
    churn = manifest.churn
    if churn is None:
        return
    space = churn.space
    features = [f"{name} (number)" for name in space.numerical]
    features += [
        f"{name} ({len(space.categorical[name])} values)" for name in sorted(space.categorical)
    ]
    features += [f"words of the {side}" for side in space.textual]
    told = _figures(churn.figures) or "not measured"
    yield f"  calls: {churn.candidate}, {len(space.columns)} columns  {told}"
    yield f"  features        {', '.join(features)}"
    yield f"  alarm from      {churn.alarm_from:.2f}"


def _changes(changes: Mapping[str, Any] | None) -> Iterator[str]:
    for head, change in (changes or {}).items():
        told = [
            f"{kind} {_names(change.get(kind))}"
            for kind in ("added", "removed")
            if change.get(kind)
        ]
        told += [f"renamed {old} to {new}" for old, new in change.get("renamed", {}).items()]
        told += [
            f"merged {_names(olds)} into {new}" for new, olds in change.get("merged", {}).items()
        ]
        if told:
            yield f"  labels of {head}: {'; '.join(told)}"


def _names(labels: Iterable[str] | None) -> str:
    return ", ".join(labels or ())


def _decisions(found: OnDisk, decisions: Sequence[Decision]) -> Iterator[str]:
    for one in decisions:
        if (one.tenant, one.name, one.version) == (
            found.bundled.tenant,
            found.bundled.name,
            found.bundled.version,
        ):
            forced = ", forced" if one.forced else ""
            other = (
                "" if one.report_sha256 == found.bundled.report_sha256 else " (on another report)"
            )
            yield f"  {one.decided_at:%Y-%m-%d %H:%M} UTC  {one.decision}{forced} by {one.by}: {one.reason}{other}"
