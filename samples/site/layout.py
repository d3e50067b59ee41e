# ruff: noqa: RUF001  typographic characters are part of what a scraper must cope with
"""The frame that every page of the shop shares, and how text becomes HTML."""

from html import escape

from samples.site.words import CATEGORIES

_STYLE = """
:root{--ink:#22262b;--soft:#6b7280;--line:#e5e1d8;--paper:#fbf9f4;--card:#fff;--brand:#7a2e2e;--ok:#2f6f4f;--gold:#b7791f}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 Georgia,"Times New Roman",serif}
a{color:var(--brand);text-decoration:none}a:hover{text-decoration:underline}
.wrap{max-width:1040px;margin:0 auto;padding:0 20px}
.site-header{background:var(--card);border-bottom:3px solid var(--brand)}
.site-header .wrap{display:flex;flex-wrap:wrap;gap:12px 28px;align-items:center;padding-top:14px;padding-bottom:14px}
.logo{font-size:1.35rem;font-weight:bold}.logo span{color:var(--soft);font-weight:normal}
.site-nav{display:flex;flex-wrap:wrap;gap:4px 16px;font:14px/1.6 system-ui,sans-serif}
.breadcrumbs{font:13px/1.6 system-ui,sans-serif;color:var(--soft);padding:14px 0}
.breadcrumbs ol{list-style:none;display:flex;flex-wrap:wrap;gap:6px;margin:0;padding:0}
.breadcrumbs li+li::before{content:"›";margin-right:6px}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 4px}h2{font-size:1.2rem;margin:32px 0 10px}
.by{color:var(--soft);margin:0 0 14px}
.price{font:600 1.5rem/1.2 system-ui,sans-serif;margin:0 0 6px}
.rating{color:var(--gold);letter-spacing:2px;margin:0 0 6px}
.availability{font:600 14px/1.6 system-ui,sans-serif;color:var(--soft);margin:0 0 14px}
.availability[data-in-stock=true]{color:var(--ok)}
.button{display:inline-block;background:var(--brand);color:#fff;border-radius:4px;padding:8px 18px;font:600 14px/1.6 system-ui,sans-serif}
.product{display:grid;grid-template-columns:230px 1fr;gap:32px}
.cover{width:100%;height:auto;border-radius:4px;box-shadow:0 4px 14px rgba(0,0,0,.18)}
table{border-collapse:collapse;width:100%;background:var(--card);font:14px/1.6 system-ui,sans-serif}
th,td{border:1px solid var(--line);padding:6px 12px;text-align:left}th{width:220px;color:var(--soft);font-weight:600}
.cards{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(180px,1fr));gap:18px}
.card{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:14px}
.card .price{font-size:1.1rem;margin-top:6px}.card p{margin:0 0 4px}
.pager{display:flex;justify-content:space-between;padding:24px 0;font:14px/1.6 system-ui,sans-serif}
.site-footer{margin-top:40px;border-top:1px solid var(--line);padding:18px 0 28px;color:var(--soft);font:13px/1.6 system-ui,sans-serif}
@media(max-width:640px){.product{grid-template-columns:1fr}}
""".strip()  # noqa: E501  style rules read best one selector a line

_ENTITIES = str.maketrans(
    {"é": "&eacute;", "ü": "&uuml;", "—": "&mdash;", "’": "&#8217;", "…": "&hellip;", "“": "&#x201C;"}
)


def text(value: str) -> str:
    """`value` as HTML text or attribute value: escaped, some letters as named or numbered entities."""
    return escape(value).translate(_ENTITIES)


_NAV = "".join(
    f'<a href="/catalogue/page-1.html#{number}">{text(category)}</a>' for number, category in enumerate(CATEGORIES, 1)
)
_FOOTER = (
    '<footer class="site-footer"><div class="wrap">\n'
    "<p>Marginalia is a made-up shop: its books, people and prices are generated, and nothing is for sale."
    "&nbsp;Scrape it as hard as you like.</p>\n"
    '<p><a href="/sitemap.xml">Sitemap</a> · <a href="/robots.txt">robots.txt</a> '
    '· <a href="/stats">Statistics</a></p>\n'
    "</div></footer>"
)


def document(*, title: str, breadcrumbs: list[tuple[str, str]], main: str) -> str:
    """A whole HTML5 page: `main` is markup, `title` and the labels of `breadcrumbs` (label, path) are plain text.

    An empty path marks the current page.
    """
    crumbs = "".join(
        f'<li><a href="{path}">{text(label)}</a></li>' if path else f'<li aria-current="page">{text(label)}</li>'
        for label, path in breadcrumbs
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(title)} – Marginalia Books</title>
<style>
{_STYLE}
</style>
</head>
<body>
<header class="site-header"><div class="wrap">
<a class="logo" href="/">Marginalia <span>books</span></a>
<nav class="site-nav" aria-label="Categories">{_NAV}</nav>
</div></header>
<div class="wrap">
<nav class="breadcrumbs" aria-label="Breadcrumbs"><ol>{crumbs}</ol></nav>
<main>
{main}
</main>
</div>
{_FOOTER}
</body>
</html>
"""
