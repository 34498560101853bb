"""The one place that joins a mail's parts, and the shapes that training and serving share."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.labels import DEFAULT_TEMPLATE, HeadSpec, TrainingRow, check_template, input_text

TEXT = st.text(max_size=40)


def test_subject_and_body_are_two_lines() -> None:
    assert input_text("Card", "It is lost.", {}, DEFAULT_TEMPLATE) == "Card\nIt is lost."


def test_an_empty_subject_leaves_no_empty_line() -> None:
    assert input_text(" ", "It is lost.", {}, DEFAULT_TEMPLATE) == "It is lost."


def test_an_attribute_is_joined_with_its_words_and_left_out_with_them() -> None:
    template = "Bank: {attributes.custodian bank}\n{subject}\n{body}"
    assert input_text("a", "b", {"custodian bank": "DKB"}, template) == "Bank: DKB\na\nb"
    assert input_text("a", "b", {"other": "DKB"}, template) == "a\nb"


def test_a_mail_that_contains_a_field_name_is_not_a_template() -> None:
    assert input_text("{body}", "{attributes.x}", {"x": "no"}, DEFAULT_TEMPLATE) == (
        "{body}\n{attributes.x}"
    )


@given(subject=TEXT, body=TEXT)
def test_the_default_template_loses_no_word(subject: str, body: str) -> None:
    joined = input_text(subject, body, {}, DEFAULT_TEMPLATE)
    assert joined.split() == subject.split() + body.split()


@given(subject=TEXT, body=TEXT)
def test_a_training_row_reads_like_the_mail_that_is_served(subject: str, body: str) -> None:
    row = TrainingRow(id="1", subject=subject, body=body)
    assert row.text() == input_text(subject, body, {}, DEFAULT_TEMPLATE)


@pytest.mark.parametrize("template", ["{subjet}\n{body}", "{attributes.bank}", "text", "{body}}"])
def test_a_template_that_cannot_be_meant_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="template"):
        check_template(template)


def test_templates_with_known_fields_are_accepted() -> None:
    check_template(DEFAULT_TEMPLATE)
    check_template("Bank {attributes.custodian bank}: {body}")


def test_a_row_may_lack_its_subject_and_carry_unknown_fields() -> None:
    raw = b'{"id":"1","subject":null,"body":"x","company":"C","labels":{"a":"x","b":["y"]}}'
    row = msgspec.json.decode(raw, type=TrainingRow)
    assert row.text() == "x"
    assert row.labels == {"a": "x", "b": ["y"]}


@pytest.mark.parametrize(
    ("name", "labels"), [("", ("a", "b")), ("h", ("a",)), ("h", ("a", "a")), ("h", ("a", ""))]
)
def test_a_head_that_cannot_be_answered_is_refused(name: str, labels: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="head"):
        HeadSpec(name, "multiclass", labels)


def test_a_multi_label_head_may_have_one_label() -> None:
    assert HeadSpec("urgent", "multilabel", ("urgent",)).labels == ("urgent",)
