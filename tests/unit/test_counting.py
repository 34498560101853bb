"""The wrapper of the integration tests around the verifier: it must fail where the verdict names a fault."""

import dataclasses

import pytest

from stream.verify import Found, Verdict
from tests.counting import Count

CLEAN = Verdict(inputs=3, answers=2, letters=1, texts=2)


def test_a_clean_verdict_is_exactly_once() -> None:
    Count(CLEAN).must_be_exactly_once()


@pytest.mark.parametrize("kind", CLEAN.faults())
def test_every_kind_of_fault_fails_with_its_name(kind: str) -> None:
    faulty = dataclasses.replace(CLEAN, **{kind: Found(1, ("p-inbound-emails/0/17",))})
    with pytest.raises(AssertionError, match=f"{kind}.*inbound-emails/0/17"):
        Count(faulty).must_be_exactly_once()
    assert getattr(Count(faulty), kind) == ("p-inbound-emails/0/17",)


def test_what_still_waits_is_not_exactly_once_yet() -> None:
    with pytest.raises(AssertionError, match="waiting=1"):
        Count(dataclasses.replace(CLEAN, inputs=4, waiting=1)).must_be_exactly_once()
