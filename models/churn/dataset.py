"""Joins profiles, calls and outcomes into examples, for `models.churn.split` and training.

What cannot be joined is counted and told; what cannot be meant is refused here, before anything long starts. Knows
neither embeddings nor models.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.churn.call_rows import read_calls
from models.churn.features_file import FeatureLists, propose_features, read_features
from models.churn.joining import Example, Join, everyone
from models.churn.outcome_rows import read_outcomes
from models.churn.profile_rows import Profile, read_profiles
from models.churn.row_files import Faults, RowFile
from models.churn.vectors import FeatureSpace, number_of
from models.manifest import DEFAULT_TENANT
from models.rows.dataset import DataFile
from models.rows.errors import DatasetError

# With fewer customers that left, or stayed, nothing is left to measure after learning.
LEAST_OF_A_CLASS = 5


@dataclass(frozen=True)
class ChurnFiles:
    """What to read.

    Args:
        features: FEATURES.toml.
        outcomes: who left.
        profiles, calls: None: the features need none.
        tenant: whose model it is; rows of other tenants are left out. `default` learns from all.
        consents: whether a tenant lets its data be learned from.
    """

    features: Path
    outcomes: Path
    profiles: Path | None = None
    calls: Path | None = None
    tenant: str = DEFAULT_TENANT
    consents: Callable[[str], bool] = everyone


@dataclass(frozen=True)
class ChurnData:
    """The examples in the order of the outcomes, and where they came from; notes in words, without folders or ids."""

    lists: FeatureLists
    examples: tuple[Example, ...]
    files: tuple[DataFile, ...]
    notes: tuple[str, ...]


def read_churn_data(files: ChurnFiles) -> ChurnData:
    """Read and join what a request names.

    Raises:
        DatasetError: a file is missing, cannot be read or has bad rows; features are named that no profile has;
            nothing can be joined, or too few left, or stayed.
    """
    lists = _read_features(files)
    _check_named(files, lists)
    profiles = (
        read_profiles(files.profiles, lists.numerical)
        if files.profiles and lists.of_profile
        else None
    )
    calls = read_calls(files.calls) if files.calls else None
    outcomes = read_outcomes(files.outcomes)
    if profiles is not None:
        _check_features(files, lists, profiles)
    joined = Join(profiles, calls, files.tenant, files.consents)
    examples = tuple(x for outcome in outcomes.rows if (x := joined.example(outcome)) is not None)
    notes = [note for read in (profiles, calls, outcomes) if read for note in read.notes]
    notes += joined.notes()
    if files.profiles is not None and profiles is None:
        notes.append("profiles are not read: no feature of a profile is named")
    _check_examples(files, lists, examples, joined)
    read = [one.file for one in (profiles, calls, outcomes) if one is not None]
    return ChurnData(lists, examples, tuple(dict.fromkeys(read)), tuple(notes))


def check_learned(data: ChurnData, known: Sequence[int], files: ChurnFiles) -> None:
    """Refuse features that only other customers have than those that are learned from, before anything long begins.

    Args:
        data: as read.
        known: places of the examples to learn from and to choose by.
        files: for the message.

    Raises:
        DatasetError: names the file, the feature and the way out.
    """
    try:
        FeatureSpace.fit(data.lists, [data.examples[place].features for place in known], 0)
    except DatasetError as error:
        raise DatasetError(
            f"{files.features}: of the {len(known)} examples to learn from and to choose by: {error}, or add outcomes"
        ) from error


def _read_features(files: ChurnFiles) -> FeatureLists:
    """The lists; where there is no file yet, the refusal holds one to begin with."""
    try:
        return read_features(files.features)
    except DatasetError as error:
        if files.features.exists() or files.profiles is None:
            raise
        profiles = [one.features for one in read_profiles(files.profiles).rows]
        proposed = propose_features(profiles, hears_calls=files.calls is not None)
        raise DatasetError(
            f"{error}. To begin with, from {files.profiles.name}:\n{proposed}"
        ) from error


def _check_named(files: ChurnFiles, lists: FeatureLists) -> None:
    """Refuse features whose file is not named."""
    if lists.of_profile and files.profiles is None:
        raise DatasetError(
            f"{files.features} names {lists.of_profile[0]!r} of a profile, and no profiles are named; "
            "name them (--profiles FILE), or leave numerical and categorical out to hear words alone"
        )
    if lists.textual and files.calls is None:
        raise DatasetError(
            f"{files.features} names textual = {list(lists.textual)}, and no calls are named; "
            "name them (--calls FILE), or leave textual out to learn from profiles alone"
        )


def _check_features(files: ChurnFiles, lists: FeatureLists, profiles: RowFile[Profile]) -> None:
    """Refuse words where numbers are listed, and features that no profile has."""
    faults = Faults()
    for place, profile in zip(profiles.places, profiles.rows, strict=True):
        for name in lists.numerical:
            value = profile.features.get(name)
            if value is not None and number_of(value) is None:
                with faults.at(place):
                    raise ValueError(
                        f"{name}={value!r} is no number, and {files.features.name} lists it as numerical; leave it "
                        "out where it is unknown, or list it as categorical"
                    )
    faults.check()
    try:
        FeatureSpace.fit(lists, [profile.features for profile in profiles.rows], 0)
    except DatasetError as error:
        raise DatasetError(f"{files.features}: {error}") from error


def _check_examples(
    files: ChurnFiles, lists: FeatureLists, examples: tuple[Example, ...], joined: Join
) -> None:
    left = sum(one.churned for one in examples)
    why = "; ".join(joined.notes())
    calls, customers = joined.some_ids()
    if not examples:
        raise DatasetError(
            f"{files.outcomes}: no outcome can be learned from: {why}; ids of calls are like {calls or 'none'}, "
            f"those of customers with a profile like {customers or 'none'}"
        )
    if min(left, len(examples) - left) < LEAST_OF_A_CLASS:
        raise DatasetError(
            f"{files.outcomes}: of {len(examples)} outcomes that can be learned from {left} left and "
            f"{len(examples) - left} stayed; {LEAST_OF_A_CLASS} of each are needed, add outcomes"
            + f" ({why})"
            * bool(why)
        )
    if lists.of_profile and all(one.features is None for one in examples):
        raise DatasetError(
            f"{files.profiles}: no call is of a customer with a profile; ids of customers are like {customers} there, "
            f"and like {examples[0].customer.partition('/')[2]!r} among the calls"
        )
    if lists.textual and not any(one.call and one.call.fragments for one in examples):
        raise DatasetError(
            f"{files.calls}: nobody says anything in {len(examples)} calls; add texts"
        )
