import tomllib
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from samples.site.catalogue import Catalogue
from samples.site.content import ShopContent
from samples.site.faults import Fault
from samples.site.markup_faults import damage
from samples.site.pages import detail_page, home_page, listing_page

ROOT = Path(__file__).resolve().parents[3]
VOID = {"meta", "rect", "br", "link", "img", "input"}
CATALOGUE = Catalogue(1200, 1, 5)


class Balance(HTMLParser):
    """Raises AssertionError at the first tag that closes another than the last one opened."""

    def __init__(self):
        super().__init__()
        self.open_tags = []

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), f"attribute twice in {tag}"
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag


def assert_balanced(markup):
    checker = Balance()
    checker.feed(markup)
    checker.close()
    assert checker.open_tags == []


def shown(tree, selector):
    return tree.css_first(selector).text()


def values_by_sources_toml(markup):
    """Reads the page with the selectors of the repository's sources.toml: attribute or text, stripped."""
    fields = tomllib.loads((ROOT / "sources.toml").read_text())["source"][0]["fields"]
    tree = LexborHTMLParser(markup)
    values = {}
    for name, field in fields.items():
        css, _, take = (field if isinstance(field, str) else field["css"]).partition("::")
        node = tree.css_first(css)
        values[name] = node.text().strip() if take == "text" else node.attributes[take[5:-1]]
    return values


@pytest.mark.parametrize(
    "markup",
    [detail_page(CATALOGUE, CATALOGUE.book(1)), listing_page(CATALOGUE, 60), home_page(CATALOGUE)],
    ids=["detail", "listing", "home"],
)
def test_tags_are_balanced(markup):
    assert_balanced(markup)


def test_a_detail_page_weighs_as_much_as_a_real_one():
    sizes = [len(detail_page(CATALOGUE, CATALOGUE.book(book_id)).encode()) for book_id in range(1, 200)]
    assert min(sizes) > 6_000
    assert max(sizes) < 10_000


@pytest.mark.parametrize("fault", [None, Fault.MESSY_MARKUP])
@pytest.mark.parametrize("book_id", range(1, 60))
def test_the_selectors_of_sources_toml_find_the_expected_values(book_id, fault):
    book = CATALOGUE.book(book_id)
    markup = detail_page(CATALOGUE, book)
    assert values_by_sources_toml(damage(markup, fault) if fault else markup) == {
        "title": book.title,
        "author": book.author,
        "price": f"£{book.price}",
        "in_stock": "true" if book.in_stock else "false",
        "stock": str(book.stock),
        "rating": str(book.rating),
        "published": book.published.isoformat(),
        "isbn": book.isbn,
        "description": book.description,
    }


def test_messy_markup_is_not_balanced():
    with pytest.raises(AssertionError):
        assert_balanced(damage(detail_page(CATALOGUE, CATALOGUE.book(1)), Fault.MESSY_MARKUP))


def test_no_title_removes_the_title_only():
    tree = LexborHTMLParser(damage(detail_page(CATALOGUE, CATALOGUE.book(7)), Fault.NO_TITLE))
    assert tree.css_first("h1") is None
    assert shown(tree, "td.isbn") == "9780100000070"


def test_bad_price_is_no_number():
    tree = LexborHTMLParser(damage(detail_page(CATALOGUE, CATALOGUE.book(7)), Fault.BAD_PRICE))
    assert shown(tree, "p.price") == "£n/a"


def test_faults_of_the_server_are_not_faults_of_the_markup():
    with pytest.raises(ValueError, match="http_404 is not"):
        damage("<p>", Fault.HTTP_404)


def test_a_listing_page_has_one_card_a_book_in_order():
    cards = LexborHTMLParser(listing_page(CATALOGUE, 2)).css("li.card.book")
    assert [card.css_first("a.book-title").attributes["href"] for card in cards] == [
        f"/books/{book_id}.html" for book_id in range(21, 41)
    ]
    assert [Decimal(card.css_first("p.price").text()[1:]) for card in cards] == [
        row["price"] for row in CATALOGUE.expected_listing_rows(2, site_url="")
    ]


def test_following_next_reaches_the_last_listing_page():
    content = ShopContent(Catalogue(45, 1))
    path, visited = "/catalogue/page-1.html", []
    while path:
        visited.append(path)
        link = LexborHTMLParser(content.find(path, "").body).css_first("a[rel=next]")
        path = link.attributes["href"] if link else None
    assert visited == ["/catalogue/page-1.html", "/catalogue/page-2.html", "/catalogue/page-3.html"]


@pytest.mark.parametrize(
    "path", ["/books/0.html", "/books/1201.html", "/books/01.html", "/catalogue/page-61.html", "/sitemaps/books-3.xml"]
)
def test_there_is_no_page_beside_the_shops_own(path):
    assert ShopContent(CATALOGUE).find(path, "http://shop") is None


def test_the_last_sitemap_is_compressed():
    assert ShopContent(CATALOGUE).sitemap_paths == [
        "/sitemaps/books-1.xml",
        "/sitemaps/books-2.xml",
        "/sitemaps/books-3.xml.gz",
    ]


def test_a_page_is_rendered_once():
    content = ShopContent(CATALOGUE)
    assert content.find("/books/1.html", "http://shop") is content.find("/books/1.html", "http://shop")
