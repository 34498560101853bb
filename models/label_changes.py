"""What becomes of labels between two versions of a model: renamed, merged, removed; to `models.train`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LabelChanges:
    """By head, old label -> new label; None: the label is removed. Two old labels with one new one are merged."""

    by_head: Mapping[str, Mapping[str, str | None]] = field(
        default_factory=dict[str, Mapping[str, str | None]]
    )


NO_CHANGES = LabelChanges()
