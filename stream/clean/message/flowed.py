"""Plain text with `format=flowed` (RFC 3676) in, the same text without its soft line breaks out, to `parts`."""

_SIGNATURE = "-- "


def unflow(text: str, *, is_joined: bool) -> str:
    """Join lines that were broken only to fit.

    Args:
        text: lines as sent; a space at the end of a line means that the next one goes on, unless it is `-- `.
        is_joined: `DelSp=yes`: that space was added too (RFC 3676, section 4.1).

    Returns:
        One line per paragraph at each depth of quoting; quote marks and `-- ` as they were.
    """
    lines: list[str] = []
    pieces: list[str] = []  # of the paragraph that goes on
    depth_before = 0
    for line in text.replace("\r\n", "\n").split("\n"):
        rest = line.lstrip(">")
        depth = len(line) - len(rest)
        rest = rest.removeprefix(" ")  # space-stuffing
        is_signature = rest == _SIGNATURE
        if pieces and (depth != depth_before or is_signature):
            lines.append("".join(pieces))
            pieces.clear()
        if not pieces:
            pieces.append(">" * depth + " " * bool(depth))
        depth_before = depth
        if rest.endswith(" ") and not is_signature:
            pieces.append(rest[:-1] if is_joined else rest)
            continue
        pieces.append(rest)
        lines.append("".join(pieces))
        pieces.clear()
    if pieces:
        lines.append("".join(pieces))
    return "\n".join(lines)
