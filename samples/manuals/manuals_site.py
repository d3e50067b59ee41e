"""The folders over HTTP, with a sitemap that names every page."""

import mimetypes
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from pathlib import Path

from aiohttp import web

from samples.manuals.folders import Folder, html_files, served_file
from samples.sitemap_xml import sitemap_index, url_set

_XML = "application/xml"


class ManualsSite:
    """The request handler of the site; pass `handle` to `samples.serving`."""

    def __init__(self, folders: Iterable[Folder]) -> None:
        """`folders` are served under their names; the sitemaps list what is there at the first request."""
        self._folders = {folder.name: folder for folder in folders}
        self._html_files = lru_cache(lambda name: tuple(html_files(self._folders[name])))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"}, text="only GET and HEAD\n")
        origin = f"http://{request.host}"
        return self._fixed_page(request.path, origin) or self._file(request)

    def _fixed_page(self, path: str, origin: str) -> web.Response | None:
        if path == "/":
            return web.Response(text=self._front_page(), content_type="text/html")
        if path == "/healthz":
            return web.Response(text="ok\n")
        if path == "/robots.txt":
            return web.Response(text=f"User-agent: *\nDisallow:\n\nSitemap: {origin}/sitemap.xml\n")
        if path == "/sitemap.xml":
            children = (f"{origin}/sitemaps/{name}.xml" for name in self._folders)
            return web.Response(body=sitemap_index(children), content_type=_XML)
        name = path.removeprefix("/sitemaps/").removesuffix(".xml")
        if path == f"/sitemaps/{name}.xml" and name in self._folders:
            pages = ((origin + file.url_path, file.changed_on.isoformat()) for file in self._html_files(name))
            return web.Response(body=url_set(pages), content_type=_XML)
        return None

    def _file(self, request: web.BaseRequest) -> web.Response:
        _, name, *rest = request.path.split("/", 2)
        if name in self._folders and not rest:
            # Without the slash at the end, the page's relative links would miss the folder.
            return web.Response(status=301, headers={"Location": f"/{name}/"})
        path = served_file(self._folders[name], rest[0]) if name in self._folders else None
        if path is None:
            return web.Response(status=404, text="There is no such page.\n")
        etag = _etag(path)
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        # No charset here: these pages declare their own, and a scraper has to find it.
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return web.Response(body=path.read_bytes(), headers={"Content-Type": media_type, "ETag": etag})

    def _front_page(self) -> str:
        links = "".join(f'<li><a href="/{escape(name)}/">{escape(name)}</a></li>' for name in self._folders)
        return f'<!DOCTYPE html>\n<html lang="en"><title>Manuals</title><h1>Manuals</h1><ul>{links}</ul></html>\n'


def _etag(path: Path) -> str:
    state = path.stat()
    return f'"{state.st_mtime_ns:x}-{state.st_size:x}"'
