"""The shop's pages as HTML text. Pure: book in, markup out."""

from samples.site.books import Book
from samples.site.catalogue import Catalogue
from samples.site.layout import document, text

_HOME = ("Home", "/")
_CATALOGUE = ("All books", "/catalogue/page-1.html")
_RELATED = 6
_COVER_COLOURS = ("#7a2e2e", "#2f4858", "#33658a", "#55613b", "#6b4e71", "#8a5a24", "#1f4e4a", "#4a4e69")


def detail_page(catalogue: Catalogue, book: Book) -> str:
    """The page of one book."""
    main = f"""<article class="product" data-book-id="{book.book_id}">
{_cover(book)}
<div>
<h1 class="book-title">{text(book.title)}</h1>
<p class="by">by <a class="author" href="/catalogue/page-1.html">{text(book.author)}</a></p>
{_rating(book)}
{_price(book)}
{_availability(book)}
<p><a class="button" href="/basket" rel="nofollow">Add to basket</a></p>
</div>
</article>
<h2 id="about">About this book</h2>
<p class="description">{text(book.description)}</p><h2 id="information">Product information</h2>
<table class="information"><tbody>{_information(book)}</tbody></table>
<h2 id="related">Readers also looked at</h2>
<ul class="cards">
{_related(catalogue, book)}
</ul>"""
    return document(
        title=f"{book.title} by {book.author}", breadcrumbs=[_HOME, _CATALOGUE, (book.title, "")], main=main
    )


def listing_page(catalogue: Catalogue, page: int) -> str:
    """Listing page `page`, from 1; raises KeyError(page) if there is no such page."""
    cards = "\n".join(_card(book) for book in catalogue.books_on_listing_page(page))
    main = f"""<h1>All books</h1>
<p class="by">{catalogue.books} books, page {page} of {catalogue.listing_pages}</p>
<ol class="cards">
{cards}
</ol>
<nav class="pager" aria-label="Pages">{_pager(page, catalogue.listing_pages)}</nav>"""
    return document(title=f"All books, page {page}", breadcrumbs=[_HOME, ("All books", "")], main=main)


def home_page(catalogue: Catalogue) -> str:
    """The front page."""
    cards = "\n".join(_card(book) for book in catalogue.books_on_listing_page(1)[:8])
    main = f"""<h1>Books, and notes in their margins</h1>
<p>We stock {catalogue.books} titles. <a href="/catalogue/page-1.html">See all of them</a>.</p>
<h2>New this week</h2>
<ul class="cards">
{cards}
</ul>"""
    return document(title="Welcome", breadcrumbs=[("Home", "")], main=main)


def basket_page() -> str:
    """The basket, always empty; robots.txt asks robots to keep out."""
    return document(title="Basket", breadcrumbs=[_HOME, ("Basket", "")], main="<h1>Your basket is empty</h1>")


def login_page() -> str:
    """What a reader without a session gets to see instead of a page."""
    main = """<h1>Please sign in</h1>
<p>This page is for members of the reading club.</p>
<form method="post" action="/login"><label>Name <input name="name"></label> <button>Sign in</button></form>"""
    return document(title="Sign in", breadcrumbs=[_HOME, ("Sign in", "")], main=main)


def error_page(status: int, message: str) -> str:
    """The page that goes with an error status; `message` is plain text."""
    main = f'<h1>{text(message)}</h1>\n<p>Error {status}. <a href="/">Back to the shop</a></p>'
    return document(title=message, breadcrumbs=[_HOME, (message, "")], main=main)


def _cover(book: Book) -> str:
    colour = _COVER_COLOURS[book.book_id % len(_COVER_COLOURS)]
    initials = "".join(word[0] for word in book.title.replace("“", "").split() if word[0].isalpha())[:3]
    return (
        f'<svg class="cover" viewBox="0 0 200 300" role="img" aria-label="Cover of {text(book.title)}">'
        f'<rect width="200" height="300" fill="{colour}"/><rect x="14" y="14" width="172" height="272" fill="none" '
        'stroke="#fff" stroke-opacity=".5"/><text x="100" y="165" fill="#fff" font-family="Georgia,serif" '
        f'font-size="56" text-anchor="middle">{text(initials)}</text></svg>'
    )


def _rating(book: Book) -> str:
    stars = "★" * book.rating + "☆" * (5 - book.rating)
    return f'<p class="rating" data-rating="{book.rating}" title="{book.rating} of 5">{stars}</p>'


def _price(book: Book) -> str:
    return f'<p class="price">£{book.price}</p>'


def _availability(book: Book) -> str:
    label = f"In stock ({book.stock} available)" if book.in_stock else "Out of stock"
    return f'<p class="availability" data-in-stock="{str(book.in_stock).lower()}">{label}</p>'


def _information(book: Book) -> str:
    # Without white space between the cells, so that the page with unclosed cells reads the same.
    published = f'<time datetime="{book.published}">{book.published:%d %B %Y}</time>'
    rows = (
        ("isbn", "ISBN", book.isbn),
        ("category", "Category", text(book.category)),
        ("publisher", "Publisher", text(book.publisher)),
        ("published", "Published", published),
        ("format", "Format", text(book.book_format)),
        ("page-count", "Pages", str(book.page_count)),
        ("stock", "Copies in stock", str(book.stock)),
        ("tax", "VAT", "£0.00"),
    )
    return "".join(
        f'<tr><th scope="row">{label}</th><td class="{name}">{value}</td></tr>' for name, label, value in rows
    )


def _related(catalogue: Catalogue, book: Book) -> str:
    count = min(_RELATED, catalogue.books - 1)
    # Steps of 37 books: other neighbours on every page, the same ones at every start.
    ids = [(book.book_id - 1 + step * 37) % catalogue.books + 1 for step in range(1, count + 1)]
    others = [catalogue.book(book_id) for book_id in dict.fromkeys(ids) if book_id != book.book_id]
    return "\n".join(
        f'<li class="card related"><p><a href="{other.path}">{text(other.title)}</a></p>'
        f'<p class="by">{text(other.author)}</p></li>'
        for other in others
    )


def _card(book: Book) -> str:
    return f"""<li class="card book"><p><a class="book-title" href="{book.path}">{text(book.title)}</a></p>
<p class="by">{text(book.author)}</p>
{_rating(book)}
{_price(book)}
{_availability(book)}</li>"""


def _pager(page: int, pages: int) -> str:
    previous = f'<a rel="prev" href="/catalogue/page-{page - 1}.html">← Previous</a>' if page > 1 else "<span></span>"
    following = f'<a rel="next" href="/catalogue/page-{page + 1}.html">Next →</a>' if page < pages else "<span></span>"
    return previous + following
