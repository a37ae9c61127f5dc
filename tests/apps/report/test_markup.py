"""Markup is escaped by construction."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from nasir.apps.report.markup import Html, joined, number, tag


def test_an_element_has_its_attributes_and_children():
    made = tag("a", "x", [tag("b", 1), None], class_="y z", data_view="v", hidden=True, title=None)
    assert made == '<a class="y z" data-view="v" hidden>x<b>1</b></a>'


def test_a_void_element_has_no_end():
    assert tag("img", src="data:,") == '<img src="data:,">'


def test_text_is_escaped_and_markup_is_unchanged():
    assert joined("<b>&\"'", Html("<i>")) == "&lt;b&gt;&amp;&quot;&#x27;<i>"


def test_coordinates_have_no_needless_digits():
    assert [number(v) for v in (1.0, 0.125, 1 / 3, -2.50)] == ["1", "0.12", "0.33", "-2.5"]


def test_invalid_characters_become_escape_sequences():
    assert joined("a\x00b\udcffc") == "a\ufffdb\\udcffc"


@given(st.text())
@settings(deadline=None)
def test_a_browser_reads_any_text_unchanged(text: str):
    page = tag("p", text, title=text)
    heard: list[tuple[str, object]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, name, attributes):
            heard.append((name, dict(attributes)))

    parser = Parser()
    parser.feed(page)
    parser.close()
    whole = unescape(page.partition(">")[2].removesuffix("</p>"))
    assert [name for name, _ in heard] == ["p"]
    assert list(heard[0][1]) == ["title"]
    assert page.encode()
    assert "<" not in page.partition(">")[2].removesuffix("</p>")
    if text.isprintable() and text.isascii():
        assert whole == text
