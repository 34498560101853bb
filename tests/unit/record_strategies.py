"""Hypothesis strategies for every record, read from the classes, so that a new field is covered at once."""

from collections.abc import Mapping
from datetime import timedelta, timezone
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import UNSET

from stream.records import Record

_ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_PLAIN: Mapping[type[msgspec.inspect.Type], st.SearchStrategy[Any]] = {
    msgspec.inspect.NoneType: st.none(),
    msgspec.inspect.BoolType: st.booleans(),
    msgspec.inspect.BytesType: st.binary(max_size=50),
    msgspec.inspect.DateTimeType: st.datetimes(timezones=_ZONES),
}


@cache
def records(record_type: type[Record]) -> st.SearchStrategy[Any]:
    """Instances with every field drawn, those with defaults too."""
    info = msgspec.inspect.type_info(record_type)
    assert isinstance(info, msgspec.inspect.StructType)
    fields = {field.name: _values(field.type) for field in info.fields}
    absent = [field.name for field in info.fields if field.default is UNSET]
    fields |= {name: st.just(UNSET) | fields[name] for name in absent}
    return st.builds(record_type, **fields)


def _values(info: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case msgspec.inspect.StructType():
            made = records(info.cls)
        case msgspec.inspect.UnionType():
            made = st.one_of(_values(option) for option in info.types)
        case msgspec.inspect.DictType():
            made = st.dictionaries(_values(info.key_type), _values(info.value_type), max_size=4)
        case msgspec.inspect.CollectionType() | msgspec.inspect.ListType():
            made = st.lists(_values(info.item_type), max_size=4)
        case _:
            made = _single(info)
    return made


def _single(info: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case msgspec.inspect.StrType():
            made = st.text(min_size=info.min_length or 0, max_size=info.max_length or 30)
        case msgspec.inspect.IntType():
            least = -(2**63) if info.ge is None else info.ge
            made = st.integers(least, 2**63 - 1 if info.le is None else info.le)
        case msgspec.inspect.FloatType():
            made = st.floats(info.ge, info.le, allow_nan=False, allow_infinity=False)
        case msgspec.inspect.LiteralType():
            made = st.sampled_from(info.values)
        case _:
            made = _PLAIN[type(info)]
    return made
