"""Opens files of rows: a path in, bytes and text out, to `dataset`; knows kinds of files and no rows."""

import codecs
import gzip
import sys
import zlib
from pathlib import Path

from models.rows.errors import DatasetError

STDIN = Path("-")
_SUFFIXES = (".jsonl", ".jsonl.gz", ".csv", ".csv.gz")


def read_bytes(path: Path) -> bytes:
    """The bytes of a file, or of stdin.

    Raises:
        DatasetError: the file cannot be read or is of an unknown kind.
    """
    if path == STDIN:
        return sys.stdin.buffer.read()
    if path.suffix == ".parquet":
        raise DatasetError(
            f"{path}: Parquet is read with the extra `store`: "
            "pip install 'switchboard-classifier[store]', or write the rows as .jsonl.gz"
        )
    if path.suffix in {".xlsx", ".xls", ".ods"}:
        raise DatasetError(
            f"{path}: unknown kind of file: a spreadsheet; save it as `CSV UTF-8` and name that file"
        )
    if not path.name.endswith(_SUFFIXES):
        raise DatasetError(f"{path}: unknown kind of file; use one of {', '.join(_SUFFIXES)}, or -")
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DatasetError(f"{path} cannot be read ({reason}); name a file that exists") from error


def read_text(path: Path, content: bytes) -> str:
    """Unpack and decode: UTF-8, or UTF-16 where the first bytes say so, as spreadsheets write "Unicode text".

    Raises:
        DatasetError: it is neither; names the line.
    """
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DatasetError(f"{path} is no whole gzip file ({error}); copy it again") from error
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise DatasetError(
                f"{path} begins as UTF-16 and goes on otherwise; copy it again"
            ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{path}:{line}: not UTF-8; convert the file to UTF-8 (Excel: save as `CSV UTF-8`)"
        ) from error


def is_csv(path: Path) -> bool:
    """Whether the file is named as CSV; everything else is JSON lines."""
    return path.name.removesuffix(".gz").endswith(".csv")
