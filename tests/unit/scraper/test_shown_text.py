"""The text of an element is what a reader sees, in one line."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from scraper.rows.shown_text import shown_text
from scraper.rows.transforms import Transform, apply_transform


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("Berlin<br>Germany", "Berlin Germany"),
        ("<p>One</p><p>Two</p>after", "One Two after"),
        ("<table><tr><td>1<td>2<tr><td>3</table>", "1 2 3"),
        ("<ul><li>a<ul><li>b</ul></ul>c", "a b c"),
        ("<b>4</b>.<i>20</i> <s> 5.00 </s>", "4.20 5.00"),
        ("a<!-- no -->b", "ab"),
        ("<select><option>S<option>M</select>", "S M"),
        ("12<script>var x = 1</script><style>b{}</style> left", "12 left"),
        ("<pre>a\n  b</pre>", "a b"),
        ("", ""),
    ],
)
def test_words_run_together_only_where_they_are_shown_so(markup: str, text: str) -> None:
    body = LexborHTMLParser(f"<body>{markup}").css_first("body")
    assert body is not None
    assert shown_text(body) == text
    assert apply_transform(Transform.HTML_TEXT, markup, base="") == text


def test_a_script_that_is_the_field_itself_is_its_source() -> None:
    script = LexborHTMLParser('<script type="application/ld+json">{"a": "x<br>y"}</script>').css_first("script")
    assert script is not None
    assert shown_text(script) == '{"a": "x<br>y"}'
