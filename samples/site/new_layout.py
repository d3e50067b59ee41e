"""Detail pages after a relaunch: the same books in a markup that no scraper knows yet."""

from samples.site.books import Book
from samples.site.catalogue import Catalogue
from samples.site.layout import document, text


def detail_page(catalogue: Catalogue, book: Book) -> str:
    """The page of one book."""
    main = f"""<section class="item" id="item-{book.book_id}">
<h2 class="item__name">{text(book.title)}</h2>
<dl>
<dt>Author</dt><dd>{text(book.author)}</dd>
<dt>Price</dt><dd>{book.price} GBP</dd>
<dt>Left</dt><dd>{book.stock} of {catalogue.books}</dd>
</dl>
<p class="item__text">{text(book.description)}</p>
</section>"""
    return document(title=book.title, breadcrumbs=[("Home", "/"), (book.title, "")], main=main)
