"""Which labels of one version became which labels of a later one: two bundles in, names out, to those who compare them.

Each version says what it was made after (manifest) and what became of that one's labels (report); over several versions
the chain is followed as far as they are on disk.
"""

from pathlib import Path

import msgspec

from models.bundle_names import resolve
from models.manifest import REPORT_NAME, BundleError, read_manifest
from models.rows.label_changes import HeadChange

Renamed = dict[str, dict[str, str | None]]


class _Report(msgspec.Struct):
    """What is read of `report.json`."""

    changes: dict[str, HeadChange] = {}


def renamed_labels(before: Path, after: Path) -> Renamed:
    """Head -> label of `before` -> its heir in `after`, of renamed and merged labels; None: removed on purpose.

    Args:
        before: the directory of a bundle.
        after: that of another one, of the same name or not.

    Returns:
        Empty where `after` does not descend from `before`, or a version or report between them is missing or damaged:
        the labels are then taken as they are called.

    Raises:
        BundleError: the manifest of `before` or of `after` is missing or damaged.
    """
    first, manifest = read_manifest(before), read_manifest(after)
    steps: list[Renamed] = []
    path, seen = after, set[str]()
    whole_name = f"{first.name}/{first.version}"
    while f"{manifest.name}/{manifest.version}" != whole_name:
        if manifest.previous is None or manifest.previous in seen:
            return {}
        seen.add(manifest.previous)
        try:
            steps.append(_changes(path))
            path = resolve(path.parent.parent, manifest.previous)
            manifest = read_manifest(path)
        except (BundleError, OSError, msgspec.DecodeError):
            return {}
    renamed: Renamed = {}
    for step in reversed(steps):
        renamed = _then(renamed, step)
    return renamed


def _changes(bundle: Path) -> Renamed:
    report = msgspec.json.decode((bundle / REPORT_NAME).read_bytes(), type=_Report)
    return {head: _heirs(change) for head, change in report.changes.items()}


def _heirs(change: HeadChange) -> dict[str, str | None]:
    merged = {old: label for label, olds in change.merged.items() for old in olds if old != label}
    return {**change.renamed, **merged, **dict.fromkeys(change.declared)}


def _then(earlier: Renamed, later: Renamed) -> Renamed:
    """Both steps as one; a label that was renamed before goes on under its new name."""

    def of(head: str) -> dict[str, str | None]:
        old, new = earlier.get(head, {}), later.get(head, {})
        return {
            **new,
            **{label: heir and new.get(heir, heir) for label, heir in old.items()},
        }

    return {head: of(head) for head in {**earlier, **later}}
