"""Writes what is generated and committed: JSON Schemas, the AsyncAPI document, the README's settings table.

Takes `stream.asyncapi` and `stream.settings`, gives files in the checkout: `python -m stream.generate`
writes them; with `--check` it only names the stale ones and exits with 1.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Literal, get_args, get_origin

import orjson
from pydantic.fields import FieldInfo

from stream.asyncapi import RECORDS, Document, asyncapi_document, file_stem, record_schema
from stream.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- settings:begin -->", "<!-- settings:end -->"


def generated_files(root: Path) -> dict[Path, bytes]:
    """Every generated file with its right content; the README keeps what is outside its markers.

    Raises:
        ValueError: the README has no markers, or not in order.
    """
    schemas = root / "schemas"
    files = {
        schemas / f"{file_stem(record)}.json": _json(record_schema(record)) for record in RECORDS
    }
    files[schemas / "asyncapi.json"] = _json(asyncapi_document())
    readme = root / "README.md"
    files[readme] = with_table(readme.read_text("utf-8"), settings_table()).encode()
    return files


def stale_files(files: Mapping[Path, bytes]) -> list[Path]:
    """Those whose content on disk is missing or another."""
    return [
        path
        for path, content in files.items()
        if not path.is_file() or path.read_bytes() != content
    ]


def with_table(readme: str, table: str) -> str:
    """The README with the table between its markers.

    Raises:
        ValueError: a marker is missing, or the end comes first.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(
            f"README.md has no {BEGIN} … {END}; add both lines where the table belongs"
        )
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def settings_table() -> str:
    """Every environment variable with its default and meaning, as a Markdown table."""
    config = (
        f"| `{ENV_PREFIX}CONFIG` | `switchboard.toml` | The TOML file to read, when it exists. |"
    )
    rows = [
        f"| `{ENV_PREFIX}{name.upper()}` | {_default(field)} | {_meaning(field)} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", config, *rows])


def _default(field: FieldInfo) -> str:
    value: object = field.default
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, frozenset):
        return f"`{','.join(sorted(map(str, value)))}`"  # pyright: ignore[reportUnknownArgumentType]  # of strings
    return f"`{value}`"


def _meaning(field: FieldInfo) -> str:
    parts = [field.description or "", _choices(field), _bounds(field.metadata)]
    return " ".join(part for part in parts if part).replace("|", "\\|")


def _choices(field: FieldInfo) -> str:
    words: Iterable[str] = (
        get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    )
    shown = ", ".join(f"`{word}`" for word in words)
    return f"One of {shown}." if shown else ""


def _bounds(metadata: Sequence[object]) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [
        f"{sign} {limit:,}".replace(",", " ")
        for name, sign in signs.items()
        for entry in metadata
        if not isinstance(limit := getattr(entry, name, None), NoneType)
    ]
    return f"({', '.join(bounds)})" if bounds else ""


def _json(document: Document) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write the files, or with `--check` say which are stale; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m stream.generate", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, exit with 1 when stale"
    )
    only_check = bool(parser.parse_args(arguments).check)
    try:
        files = generated_files(root)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stale = stale_files(files)
    for path in stale:
        sys.stdout.write(f"{'stale' if only_check else 'written'}: {path.relative_to(root)}\n")
        if not only_check:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(files[path])
    if stale and only_check:
        sys.stderr.write("run `make generate` and commit the result\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
