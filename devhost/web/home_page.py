"""What `/` shows when no function answers it."""

from aiohttp import web

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Functions host</title></head>
<body><h1>The functions host is running</h1>
<p>The functions and their addresses are listed on the console and at
<a href="/admin/functions">/admin/functions</a>.</p></body></html>
"""


def home_page(*, is_disabled: bool) -> web.Response:
    """200 with a short page; 204 if the app has switched the page off."""
    if is_disabled:
        return web.Response(status=204)
    return web.Response(text=_PAGE, content_type="text/html")
