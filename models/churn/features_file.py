"""FEATURES.toml in, the lists of features out: what a churn model looks at, for training.

    numerical = ["tenure", "monthly_charges"]   # numbers of a profile; unknown ones become the mean, and are marked
    categorical = ["contract", "state"]         # words of a profile; one that training did not see counts as none
    textual = ["customer", "agent"]             # whose words are heard

Without `textual` the model sees profiles alone, without the two others words alone. Knows neither rows nor models.
"""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from models.rows.errors import DatasetError

SIDES = ("customer", "agent")
KEYS = ("numerical", "categorical", "textual")
# Columns that are the answer, or say whose it is: a model that saw them would learn nothing else.
NO_FEATURES = frozenset({"churn", "churned", "customer_id", "call_id", "tenant"})
# A column with more words is a name or an id.
_MAX_CATEGORIES = 100
_FORM = 'numerical = ["tenure"], categorical = ["contract"], textual = ["customer", "agent"]'


@dataclass(frozen=True)
class FeatureLists:
    """What a model looks at.

    Args:
        numerical, categorical: features of a profile, in the order of the file.
        textual: of `SIDES`, in that order.
    """

    numerical: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    textual: tuple[str, ...] = ()

    @property
    def of_profile(self) -> tuple[str, ...]:
        """All features of a profile."""
        return self.numerical + self.categorical


def read_features(path: Path) -> FeatureLists:
    """Read and check one file.

    Raises:
        DatasetError: names the file, the key, what is wrong and the way out.
    """
    try:
        content: Mapping[str, object] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DatasetError(
            f"{path} cannot be read ({reason}); write a file of features, as {_FORM}, one list a line"
        ) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML
        raise DatasetError(f"{path} is no TOML file ({error}); mend it there") from error
    for key in content.keys() - set(KEYS):
        near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0)[0]
        raise DatasetError(f"{path}: there is no key {key!r}; write {near}, as in {_FORM}")
    lists = {key: _names(path, key, content.get(key, [])) for key in KEYS}
    _check(path, lists)
    spoken = tuple(side for side in SIDES if side in lists["textual"])
    return FeatureLists(lists["numerical"], lists["categorical"], spoken)


def _names(path: Path, key: str, value: object) -> tuple[str, ...]:
    names = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise DatasetError(f"{path}: {key} is no list of names; write them as in {_FORM}")
    return tuple(cast("list[str]", names))


def _check(path: Path, lists: Mapping[str, tuple[str, ...]]) -> None:
    if not any(lists.values()):
        raise DatasetError(f"{path} names no feature; write at least one, as in {_FORM}")
    seen: dict[str, str] = {}
    for key, names in lists.items():
        for name in names:
            if name in seen:
                where = "twice" if seen[name] == key else f"and in {seen[name]}"
                raise DatasetError(f"{path}: {key} names {name!r} {where}; keep one of them")
            seen[name] = key
            if key != "textual" and name in NO_FEATURES:
                raise DatasetError(
                    f"{path}: {key} names {name!r}, which is the answer or an id and no feature; take it out"
                )
            if key == "textual" and name not in SIDES:
                raise DatasetError(
                    f"{path}: textual names {name!r}; the words of a call are those of {' and '.join(SIDES)}: "
                    'write textual = ["customer", "agent"], one of them, or leave the list out'
                )


def propose_features(profiles: Sequence[Mapping[str, object]], *, hears_calls: bool) -> str:
    """A file of features to begin with, as TOML: every column of some profiles that can be one.

    Args:
        profiles: features by name; numbers are float.
        hears_calls: there are calls beside them.
    """
    values: dict[str, set[object]] = {}
    for profile in profiles:
        for name, value in profile.items():
            values.setdefault(name, set()).add(value)
    numbers: list[str] = []
    words: list[str] = []
    for name, found in values.items():
        found.discard(None)
        if len(found) > 2 and all(isinstance(value, float) for value in found):
            numbers.append(name)
        elif 1 < len(found) <= min(_MAX_CATEGORIES, len(profiles) // 2):
            words.append(name)
    lists = zip(KEYS, (numbers, words, SIDES if hears_calls else ()), strict=True)
    return "\n".join(f"{key} = {_toml(names)}" for key, names in lists if names)


def _toml(names: Iterable[str]) -> str:
    # a JSON string is a TOML string
    return json.dumps(list(names), ensure_ascii=False)
