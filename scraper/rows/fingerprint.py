"""Whether two runs would make the same rows of the same page."""

import re
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

from scraper.sources import Source

ROWS_DO_NOT_DEPEND_ON: Final = {
    "urls",
    "url_template",
    "pages",
    "sitemap",
    "feed",
    "max_pages",
    "respect_robots",
    "allow_private_hosts",
    "headers",
    "requests_per_second",
    "concurrency",
    "max_body_bytes",
    "timeout_s",
    "max_redirects",
    "max_attempts",
    "gate",
    "conditional_requests",
    "trust_lastmod",
}
"""Keys of a source that say which pages are asked for, and how. A key that is not here makes every page new."""

_CREDENTIAL: Final = re.compile(r"auth|cookie|key|token|secret|session|signature|password", re.IGNORECASE)
"""In the name of a header: its value changes often, and the pages do not. All others choose what the site answers."""

_LIBRARIES: Final = ("selectolax", "lxml", "cssselect", "jmespath", "tzdata")


def extraction_fingerprint(source: Source) -> str:
    """16 hexadecimal digits that change with whatever decides about the rows of a page: the source's keys, this code
    and the libraries that it parses with.
    """
    rules = source.model_dump_json(exclude=set(ROWS_DO_NOT_DEPEND_ON))
    choosing = sorted((name.lower(), text) for name, text in source.headers.items() if not _CREDENTIAL.search(name))
    told = f"\n{choosing}" if choosing else ""
    return sha256(f"{_code()}\n{rules}{told}".encode()).hexdigest()[:16]


@cache
def _code() -> str:
    """Stands for the code of this room, and for the keys that it obeys: nobody has to remember what changes rows."""
    code = sha256(" ".join(version(name) for name in _LIBRARIES).encode())
    room = Path(__file__).parent
    for file in (*sorted(room.glob("*.py")), room.parent / "row_rules.py"):
        code.update(file.read_bytes())
    return code.hexdigest()
