"""The tenants file in, checked `Tenants` out: to `tenants_file`, which keeps them fresh, and commands. Knows no mail.

    [default]                          # every tenant that has no table of its own
    on_unknown = "default"             # or "abstain": its mail is not classified
    consent_to_training = true
    [tenants.acme]                     # takes nothing over from [default] but the model
    boilerplate = ["Sent through the Acme help desk", "Ticket * was opened by *"]
    skip_kinds = ["auto_reply", "bounce"]
    languages = ["en", "de"]
    model = "acme-support"
    abstain_below = 0.6                # or by head: { queue = 0.8, "*" = 0.5 }
    consent_to_training = false
    dedicated_from = 2026-03-01T06:00:00Z   # mail that arrives from then on is left to `worker --tenant acme`
    dedicated_until = 2026-06-01T06:00:00Z  # and from then on no longer
    dedicated_to = "banks"             # workers and group shared with the other tenants that say so; else "acme"

A time of `dedicated_…` lies in the future when it is written, a minute at least, and all workers see the same file
before it comes: then each record is answered once. What is written too late is refused (`stream.dedication`) by workers
that run; one that starts cannot know what the file said before, and then records come twice or never.
Consent is never guessed: every table says it, and a file without [default] refuses it for tenants that have no table.
Mail that names no tenant is of the tenant `default`: of [tenants.default], else of [default].
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from stream.clean.boilerplate import Boilerplate
from stream.errors import SettingsError
from stream.language_codes import LANGUAGES
from stream.settings import Settings, SkippableKind
from stream.tenants import ALL_ALIKE, EVERY_HEAD, Period, Tenants, TenantSettings, language_code

MAX_TENANT_CHARS = 128  # as `records.Tenant`
_SHOWN_CHARS = 60
_MODEL = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(/[1-9][0-9]{0,8})?$"
_WRITTEN = {
    "boilerplate": 'a list of lines, as in ["Sent through the Acme help desk"]',
    "skip_kinds": f"a list of {', '.join(get_args(SkippableKind))}; [] skips nothing",
    "languages": 'a list of ISO 639-1 codes, as in ["en", "de"]; [] takes all',
    "model": 'the name of a model, "NAME" or "NAME/VERSION"',
    "abstain_below": "a number from 0 to 1, or one by head, as in { queue = 0.8 }",
    "consent_to_training": "true or false",
    "on_unknown": '"default" or "abstain"',
    "dedicated_from": "a time with zone, as in 2026-03-01T06:00:00Z",
    "dedicated_to": 'the name that workers of several tenants share, as in "banks"',
    "dedicated_until": "a time with zone after dedicated_from, as in 2026-06-01T06:00:00Z",
}


def load_tenants(settings: Settings) -> Tenants:
    """Read the file that the settings name; without one, all tenants are alike and consent.

    Raises:
        SettingsError: it was named and is missing, or it is wrong; says file, tenant, key, value and way out.
    """
    path = settings.tenants_path
    if "tenants_file" not in settings.model_fields_set and not os.path.lexists(path):
        return ALL_ALIKE
    return read_tenants(path)


def read_tenants(path: Path) -> Tenants:
    """Read and check one file.

    Raises:
        SettingsError: as `load_tenants`; all that is wrong is told at once.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            f"tenants_file={path} cannot be read ({reason}); name a file that exists, or unset it"
        ) from None
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML
        raise SettingsError(f"{path} is no TOML file ({error}); mend it there") from None
    faults: list[str] = []
    tenants = _tenants(content, faults)
    if faults:
        raise SettingsError("\n".join(f"{path}: {fault}" for fault in faults))
    return tenants


def _tenants(content: Mapping[str, object], faults: list[str]) -> Tenants:
    """What the tables say; what is wrong in them is added to `faults`, a sentence each."""
    if not content:
        faults.append("is empty; write [default] or [tenants.NAME], or remove the file")
    faults += [
        f"[{name}] is no table of this file; write {_meant(name, value)}"
        for name, value in content.items()
        if name not in {"default", "tenants"}
    ]
    others, on_unknown = TenantSettings(consents_to_training=False), "default"
    given = content.get("default")
    if given is not None and (table := _checked(_DefaultTable, "default", given, faults)):
        others, on_unknown = _settings(table), table.on_unknown
    own = content.get("tenants", {})
    if not isinstance(own, dict):
        faults.append(f"tenants={_shown(own)} is no table; write [tenants.NAME]")
        own = {}
    by_name: dict[str, TenantSettings] = {}
    for name, values in cast(dict[str, object], own).items():
        if not 0 < len(name) <= MAX_TENANT_CHARS:
            faults.append(
                f"[tenants.{_shown(name)}]: a tenant's name has 1 to {MAX_TENANT_CHARS} characters; "
                "write it as mail carries it"
            )
        if own_table := _checked(_OwnTable, f"tenants.{name}", values, faults):
            by_name[name] = _own(own_table)
    return Tenants(by_name, others, on_unknown == "abstain")


def _by_head(value: object) -> object:
    return cast(object, value) if isinstance(value, dict) else {EVERY_HEAD: value}


def _known_language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"{code!r} is no ISO 639-1 code")
    return language_code(code)


_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Table(BaseModel):
    """What both kinds of tables may say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    boilerplate: list[str] = []
    skip_kinds: list[SkippableKind] | None = None
    languages: list[Annotated[str, AfterValidator(_known_language)]] = []
    model: Annotated[str, Field(pattern=_MODEL)] | None = None
    abstain_below: Annotated[dict[str, _Share], BeforeValidator(_by_head)] = {}
    consent_to_training: bool

    @field_validator("boilerplate")
    @classmethod
    def _can_be_looked_for(cls, entries: list[str]) -> list[str]:
        Boilerplate.of(entries)
        return entries


def _read_time(value: object) -> object:
    """TOML has times of its own; one in quotes is taken too."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


_Time = Annotated[AwareDatetime, BeforeValidator(_read_time)]


class _OwnTable(_Table):
    """[tenants.NAME] as it is written."""

    dedicated_from: _Time | None = None
    dedicated_until: _Time | None = None
    dedicated_to: Annotated[str, Field(min_length=1, max_length=MAX_TENANT_CHARS)] | None = None

    @field_validator("dedicated_until")
    @classmethod
    def _is_later(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        begin: datetime | None = info.data.get("dedicated_from")
        if until is not None and (begin is None or until <= begin):
            raise ValueError("it ends what dedicated_from begins")
        return until


class _DefaultTable(_Table):
    """[default] as it is written."""

    on_unknown: Literal["default", "abstain"] = "default"


T = TypeVar("T", bound=_Table)


def _checked(model: type[T], name: str, values: object, faults: list[str]) -> T | None:
    if not isinstance(values, dict):
        faults.append(f"{name}={_shown(values)} is no table; write [{name}]")
        return None
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults += [_fault(model, name, item) for item in error.errors()]
        return None


def _fault(model: type[_Table], name: str, item: Any) -> str:
    """One sentence: table, key, value, what is wrong, the way out."""
    key = str(item["loc"][0])
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, model.model_fields, 1, 0)
        return f"[{name}] {key}={_shown(item['input'])}: there is no such key; the nearest is {near[0]}"
    if item["type"] == "missing":
        return (
            f"[{name}] does not say {key}; write {key} = true or {key} = false: every table says it, "
            "for consent to learn from a tenant's mail is not guessed and not taken over from [default]"
        )
    place = ".".join(str(part) for part in item["loc"] if part != EVERY_HEAD)
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"[{name}] {place}={_shown(item['input'])}: {message}; write {_WRITTEN[key]}"


def _settings(table: _Table) -> TenantSettings:
    return TenantSettings(
        boilerplate=Boilerplate.of(table.boilerplate),
        skip_kinds=None if table.skip_kinds is None else frozenset(table.skip_kinds),
        languages=frozenset(table.languages),
        model=table.model,
        abstain_below=table.abstain_below,
        consents_to_training=table.consent_to_training,
    )


def _own(table: _OwnTable) -> TenantSettings:
    begin, until = table.dedicated_from, table.dedicated_until
    period = None if begin is None else Period.of(begin, until)
    return replace(_settings(table), dedicated=period, dedicated_to=table.dedicated_to)


def _meant(name: str, value: object) -> str:
    """The heading that somebody meant who wrote [name], or a key outside of any table."""
    near = difflib.get_close_matches(name, ("default", "tenants"), 1, 0.6)
    if near:
        return f"[{near[0]}]" if near[0] == "default" else "[tenants.NAME]"
    return f"[tenants.{name}]" if isinstance(value, dict) else f"{name} below [default] or a tenant"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
