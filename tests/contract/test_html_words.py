"""Our walk over a page gives the words that the parser of a browser engine finds (Lexbor, by the HTML standard)."""

import base64
import email
import gzip
import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from benchmarks.cleaning import pages_of_3_kb
from stream.clean import CleanOptions
from stream.clean.fence import Deadline
from stream.clean.hypertext.markup import html_to_text
from stream.clean.lines import listed
from stream.clean.message.charsets import decode_text

PATIENT = CleanOptions(time_budget_ms=60_000)
UNSEEN = (
    "head, style, script, title, template, iframe, object, svg, math, textarea, select, noembed, noframes"
    ", [hidden], [style*='display:none' i], [style*='display: none' i], [style*='visibility:hidden' i]"
)
# Where we differ by choice: words of pictures count, and an address that looks like a tag is text.
ALT = re.compile(r"""\balt\s*=\s*(?:"[^"]*"|'[^']*')""", re.IGNORECASE)
ADDRESS_TAG = re.compile(r"<([^\s<>@]+@[^\s<>@]+)>")


def letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def of_a_browser(page: str) -> str:
    parser = LexborHTMLParser(page)
    for node in parser.css(UNSEEN):
        node.decompose()
    return letters(parser.root.text() if parser.root is not None else "")


def of_ours(page: str) -> str:
    return letters(html_to_text(page, 10_000_000, Deadline(PATIENT)).text)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def real_pages(folder: Path) -> Iterator[str]:
    for row in rows(folder / "cleaning" / "html_samples.shared.jsonl.gz"):
        yield decode_text(base64.b64decode(row["raw_base64"]), None)
    for row in rows(folder / "cleaning" / "reply_fixtures.shared.jsonl.gz"):
        if row["content_type"] == "text/html":
            yield row["raw"]
    for row in rows(folder / "rfc822" / "messages.shared.jsonl.gz"):
        for part in email.message_from_bytes(base64.b64decode(row["raw_base64"])).walk():
            if part.get_content_type() == "text/html":
                data = part.get_payload(decode=True)
                assert isinstance(data, bytes)
                yield data.decode("utf-8", "replace")


def without_choices(page: str) -> str:
    return ADDRESS_TAG.sub(r"&lt;\1&gt;", ALT.sub("", page))


def test_the_words_of_real_pages_are_those_of_a_browser(shared_data: Path) -> None:
    pages = list(map(without_choices, real_pages(shared_data)))
    assert len(pages) > 60
    assert [page[:200] for page in pages if of_ours(page) != of_a_browser(page)] == []


def test_the_words_of_pages_as_mail_programs_write_them_are_those_of_a_browser() -> None:
    pages = [mail.html or "" for mail in pages_of_3_kb(60)]
    assert all(map(letters, pages))
    assert [page[:200] for page in pages if of_ours(page) != of_a_browser(page)] == []


WORDS = st.text("abcäß一 é&<>\"'-", max_size=12).map(escape)
VALUES = st.text("ab>'= /-", max_size=8)
TEXTS = WORDS | st.sampled_from(
    ("&eacute;", "&amp", "&#228;", "&#x4e00;", "&nbsp;", "a < b", "<!-- c > d -->")
)
NAMES = st.sampled_from(listed("div|p|span|b|ul|li|table|blockquote|a|center|font|h1|section|em"))


def element(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(NAMES, VALUES, st.lists(inner, max_size=4)).map(
        lambda drawn: f'<{drawn[0]} title="{drawn[1]}">{"".join(drawn[2])}</{drawn[0]}>'
    )


@settings(deadline=None)
@given(st.recursive(TEXTS, element, max_leaves=12))
def test_the_words_of_a_page_with_matching_tags_are_those_of_a_browser(page: str) -> None:
    page = f"<html><body>{page}</body></html>"
    assert sorted(of_ours(page)) == sorted(
        of_a_browser(page)
    )  # a browser moves words out of tables


@pytest.mark.parametrize(
    "page",
    [
        "<p>one<p>two</div>three</b>",
        "<div><b>one<div>two</b>three",
        "<table><tr><td>one<td>two</table>three",
        "one<br/>two<br>three</br>four",
        "<a href='x>y'>one</a><a href=x>two</a>",
        '<p class="a>b">one</p>',
        "<style>p{}</style>one<script>var a='<p>x</p>'</script>two",
        "<!--[if mso]><p>x</p><![endif]-->one<![if !mso]>two<![endif]>",
        "<ul><li>one<li>two</ul><ol><li>three</ol>",
        "one<!-- -- > two -->three",
        "<title>x</title><body>one",
        "one &lt;b&gt; two &notit; &copy three &#0; &#xD800;",
        "<xmp>a</xmp><pre>\none\n two</pre>",
        "<P>ONE</P><BR>TWO",
        "<div/>one</div><o:p>two</o:p>",
    ],
)
def test_the_words_of_broken_pages_are_those_of_a_browser(page: str) -> None:
    assert of_ours(page) == of_a_browser(page)
