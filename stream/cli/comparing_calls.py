"""Two churn models on the calls kept back from both, in words: for `models compare` and `models approve`."""

from pathlib import Path

from models.churn.compare import ChurnComparison, compare_churn, kept_churn_answers
from models.evaluation.answers import AnswersError
from models.manifest import BundleError, read_manifest
from stream.errors import FatalError, SettingsError


def are_of_calls(*bundles: Path) -> bool:
    """Whether these bundles score calls; else they answer mail.

    Raises:
        FatalError: a manifest is missing or damaged.
        SettingsError: some do and some do not.
    """
    try:
        kinds = {read_manifest(bundle).kind for bundle in bundles}
    except BundleError as error:
        raise FatalError(str(error)) from error
    if len(kinds) > 1:
        names = " and ".join(f"{path.parent.name}/{path.name}" for path in bundles)
        raise SettingsError(f"{names} are of two kinds; name models of mail, or of calls")
    return kinds == {"churn"}


def compare_calls(before: Path, after: Path) -> ChurnComparison:
    """Ask whether `after` is worse than `before`.

    Raises:
        AnswersError: one of them keeps no answers.
    """
    return compare_churn(kept_churn_answers(before), kept_churn_answers(after))


def judge_calls(before: Path, after: Path, data: Path | None) -> tuple[list[str], list[str]]:
    """The same for an approval.

    Returns:
        What it says, a line each, and what speaks against an approval: it is worse, or nobody can tell.

    Raises:
        SettingsError: rows of mail were given.
    """
    if data is not None:
        raise SettingsError(
            "--data names rows of mail; leave it out: churn models are compared on the calls kept back from both"
        )
    try:
        comparison = compare_calls(before, after)
    except AnswersError as error:
        return [], [str(error)]
    speaks_against = comparison.verdict in ("worse", "cannot tell")
    lines = [f"compared with {comparison.before} on {comparison.calls} calls:"]
    lines += [f"  {reason}" for reason in comparison.reasons]
    return lines, list(comparison.reasons) if speaks_against else []
