"""Which files a bundle has seen when it was made: its manifest and files of rows in, names of files out.

By the hash of their bytes: a bundle keeps no rows, so a file with one line more is another file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models.manifest import Manifest
from models.rows.dataset import DataFile


@dataclass(frozen=True)
class SeenFiles:
    """Names of files, byte for byte those of the training.

    Args:
        learned: the bundle learned from them.
        chosen_on: features, temperatures and thresholds were chosen on them, and nothing was learned from them.
    """

    learned: tuple[str, ...]
    chosen_on: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What the bundle did with them, without a subject; empty: it has seen none."""
        parts: list[str] = []
        if self.learned:
            parts.append(f"learned from {', '.join(self.learned)}")
        if self.chosen_on:
            parts.append(f"chose its thresholds on {', '.join(self.chosen_on)}")
        return " and ".join(parts)


def seen_files(manifest: Manifest, files: Sequence[DataFile]) -> SeenFiles:
    """Those of some files that a bundle has seen; files kept back for its figures are not among them."""
    learned = {file.sha256 for file in manifest.training.train}
    chosen_on = {file.sha256 for file in manifest.training.validation} - learned
    return SeenFiles(
        tuple(file.name for file in files if file.sha256 in learned),
        tuple(file.name for file in files if file.sha256 in chosen_on),
    )
