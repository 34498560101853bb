"""Blocks of lines quoted with `>`: where one ends, and how it begins without its marks. Knows lines, not mails."""

from collections.abc import Sequence

from stream.clean.lines import has_words, is_quoted

_HEAD_LINES = 6


def end_of_quoted(lines: Sequence[str], at: int) -> int:
    """The end of the quoted block at a line: empty lines within it and wrapped ends of its lines belong to it."""
    end = at
    while end < len(lines):
        if is_quoted(lines[end]):
            end += 1
            continue
        following = end + 1
        while following < len(lines) and not lines[following] and following - end < 4:
            following += 1
        if following >= len(lines) or not is_quoted(lines[following]):
            break
        is_wrapped = following == end + 1 and lines[end][:1].islower() and has_words(lines[end - 1])
        if lines[end] and not is_wrapped:
            break
        end = following
    return end


def dequoted_head(quoted: Sequence[str]) -> list[str]:
    """The first lines with words of a quoted block, without their marks; at most six."""
    head = (line.lstrip("> ") for line in quoted[: 2 * _HEAD_LINES])
    return [line for line in head if line][:_HEAD_LINES]
