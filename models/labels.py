"""Heads, labelled rows and the one input text, for training and serving alike; knows no file, no model and no Kafka."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec

HeadKind = Literal["multiclass", "multilabel"]

DEFAULT_TEMPLATE = "{subject}\n{body}"

_FIELD = re.compile(r"\{(subject|body|attributes\.[^{}\n]+)\}")


@dataclass(frozen=True)
class HeadSpec:
    """One question asked of every text, and its possible answers.

    Args:
        name: the head's name, as in a row's `labels`.
        kind: `multiclass`: exactly one label is right; `multilabel`: any number of them, none included.
        labels: the label set in the order of the head's scores, without repeats.

    Raises:
        ValueError: the name or a label is empty, a label occurs twice, or there is nothing to choose from.
    """

    name: str
    kind: HeadKind
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        least = 2 if self.kind == "multiclass" else 1
        if not self.name:
            raise ValueError("a head has no name; give it one in the rows' `labels`")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"head {self.name!r} names a label twice; each label occurs once")
        if not all(self.labels):
            raise ValueError(f"head {self.name!r} has an empty label; leave the head out instead")
        if len(self.labels) < least:
            raise ValueError(
                f"head {self.name!r} ({self.kind}) has {len(self.labels)} labels, needs {least}; "
                "add rows with other labels or leave the head out"
            )


class TrainingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One cleaned text with what is known about it. Unknown fields are ignored.

    `labels` holds a string for a multi-class head and a list (maybe empty) for a multi-label one;
    a head that is missing is unknown, not negative. `received_at` is RFC 3339 or a plain date; without a zone it is
    UTC.
    """

    id: str
    subject: str | None = None
    body: str | None = None
    language: str | None = None
    tenant: str | None = None
    attributes: dict[str, str] = {}
    customer_id: str | None = None
    thread_id: str | None = None
    received_at: str | None = None
    labels: dict[str, str | list[str]] = {}

    def received_s(self) -> float | None:
        """`received_at` in seconds since 1970, UTC; None: the row does not say.

        Raises:
            ValueError: it is no time; says the value and the way out.
        """
        if not self.received_at:
            return None
        try:
            moment = datetime.fromisoformat(self.received_at)
        except ValueError as error:
            raise ValueError(
                f"received_at={self.received_at!r} is no time; write it like 2026-03-31 or 2026-03-31T08:15:00Z"
            ) from error
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def text(self, template: str = DEFAULT_TEMPLATE) -> str:
        """The text that an encoder reads for this row: `input_text` of its fields."""
        return input_text(self.subject or "", self.body or "", self.attributes, template)


def template_with(attributes: Sequence[str], template: str = DEFAULT_TEMPLATE) -> str:
    """The template with a line `NAME: value` for each attribute before it, so that a value is read as what it is."""
    return "\n".join([*(f"{name}: {{attributes.{name}}}" for name in attributes), template])


def check_template(template: str) -> None:
    """Refuse a template that could not have been meant.

    Raises:
        ValueError: a brace belongs to no known field, or neither subject nor body is used.
    """
    fields = set(_FIELD.findall(template))
    rest = _FIELD.sub("", template)
    if "{" in rest or "}" in rest:
        raise ValueError(
            f"input template {template!r} has an unknown field; "
            "use {subject}, {body} or {attributes.NAME}"
        )
    if not fields & {"subject", "body"}:
        raise ValueError(f"input template {template!r} reads no text; add {{subject}} or {{body}}")


def input_text(subject: str, body: str, attributes: Mapping[str, str], template: str) -> str:
    """Join the parts of a mail into the text that the encoder reads.

    The template is read line by line. A line that has fields, all of them empty or absent, is left
    out, so that a mail without a subject reads like its body alone. Values are put in once and
    never read as templates themselves.

    Args:
        subject: may be empty.
        body: may be empty and may have many lines.
        attributes: structured facts by name; names that the template does not ask for are ignored.
        template: fields `{subject}`, `{body}` and `{attributes.NAME}`, anything else is literal.

    Returns:
        The text without white space at its ends; empty when nothing was given.
    """
    values = {"subject": subject, "body": body}

    def value(match: re.Match[str]) -> str:
        field = match.group(1)
        if field in values:
            return values[field].strip()
        return attributes.get(field.removeprefix("attributes."), "").strip()

    lines: list[str] = []
    for line in template.split("\n"):
        fields = list(_FIELD.finditer(line))
        if not fields or any(value(field) for field in fields):
            lines.append(_FIELD.sub(value, line))
    return "\n".join(lines).strip()
