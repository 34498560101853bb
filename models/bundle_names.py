"""Where bundles lie: `MODELS_DIR/NAME/VERSION`. Names and numbers only; opens no bundle."""

import re
from pathlib import Path

from models.manifest import BundleError

ENCODERS_NAME = "encoders"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def resolve(models_dir: Path, name: str) -> Path:
    """Find the directory of `NAME/VERSION`, or of the latest version of `NAME`.

    A half-written latest version is given too: loading it says so, and no older one slips in silently.

    Raises:
        BundleError: there is none; says what there is.
    """
    model, _, version = name.partition("/")
    check_name(model)
    there = versions(models_dir, model)
    if not there:
        known = sorted(
            path.name
            for path in models_dir.glob("*/")
            if path.name != ENCODERS_NAME and versions(models_dir, path.name)
        )
        raise BundleError(
            f"{models_dir} has no model {model!r}, only {known}; train it: "
            f"switchboard train --name {model} --data FILE"
        )
    if version and version not in map(str, there):
        raise BundleError(
            f"model {model!r} has no version {version!r} in {models_dir}, only {there}; name one of these"
        )
    return models_dir / model / (version or str(there[-1]))


def versions(models_dir: Path, model: str) -> list[int]:
    """The versions of a model that were given a number, rising; finished or not."""
    return sorted(
        int(path.name)
        for path in (models_dir / model).glob("*/")
        if path.name.isascii() and path.name.isdigit() and not path.name.startswith("0")
    )


def check_name(model: str) -> None:
    """Refuse a model name that is no plain directory name.

    Raises:
        BundleError: says what a name may be.
    """
    if not _NAME.fullmatch(model) or model == ENCODERS_NAME:
        raise BundleError(
            f"model name {model!r} is not allowed; use letters, digits, '.', '_' and '-', "
            f"at most 64, and not {ENCODERS_NAME!r}"
        )
