"""Every error that this package raises on purpose.

ScraperError
├── SettingsError(problems)                       the environment cannot be used
├── SourcesFileError(path, source, key, reason)   the sources file cannot be used
├── LongPauseAsked(url, seconds)                  a site wants to be left alone for longer than a batch can wait
├── CompressionError(reason, detail)              a compressed body is damaged or too large
└── PageError(url, reason, detail)                one page gave no rows
    ├── FetchError(… status)                      no usable answer; another attempt may cure it
    │   ├── RateLimited(… retry_after_s)          the server asked for a pause
    │   └── PageGone                              404 or 410: no attempt will cure it
    ├── SitemapError                              an answer that is no sitemap
    ├── FeedError                                 an answer that is no feed
    └── ExtractError                              an answer that is not the page we know
        ├── PageLayoutChanged(… missing)          the page has no rows
        ├── MissingField(… field, selector)       a required field has no value
        └── BadValue(… field, selector, value)    a value is not of the field's type
"""

from collections.abc import Sequence
from pathlib import Path

from scraper.models import PageFailure, Reason

_SHOWN_CHARACTERS = 80
_LINE_CHARACTERS = 1000


class ScraperError(Exception):
    """Base of every error that this package raises on purpose."""


class SettingsError(ScraperError):
    """Settings are missing or wrong; `problems` has one line for each, naming setting and cure."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class SourcesFileError(ScraperError):
    """The sources file cannot be used. `source` and `key` are None where the whole file is meant.

    `more` are the other mistakes that were found, in the order of the file.
    """

    more: tuple["SourcesFileError", ...] = ()

    def __init__(self, path: Path, source: str | None, key: str | None, reason: str) -> None:
        place = "".join([f": source {source}" if source else "", f": {key}" if key else ""])
        reason = one_line(reason)
        super().__init__(f"{path}{one_line(place)}: {reason}")
        self.path, self.source, self.key, self.reason = path, source, key, reason


class CompressionError(ScraperError):
    """A compressed body cannot be unpacked; `reason` is bad_compression or body_too_large."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class LongPauseAsked(ScraperError):
    """A site asked for a pause of `seconds`, longer than one waits for within a batch: all its pages have to wait."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(f"{url}: the site asked for a pause of {seconds:.0f} s")
        self.url, self.seconds = url, seconds


class PageError(ScraperError):
    """One page gave no rows. `attempts` counts the requests that were made for it."""

    def __init__(self, url: str, reason: Reason, detail: str, *, status: int | None = None) -> None:
        detail = one_line(detail)
        super().__init__(f"{url}: {reason}: {detail}")
        self.url, self.reason, self.detail, self.status = url, reason, detail, status
        self.attempts = 1

    def as_failure(self) -> PageFailure:
        """This error as a record that can be stored and shown."""
        return PageFailure(
            url=self.url, reason=self.reason, detail=self.detail, status=self.status, attempts=self.attempts
        )


class FetchError(PageError):
    """One attempt brought no usable answer."""


class RateLimited(FetchError):
    """The server asked for a pause of `retry_after_s` seconds, or of no stated length (None)."""

    def __init__(
        self, url: str, retry_after_s: float | None, *, reason: Reason = Reason.HTTP_429, status: int = 429
    ) -> None:
        pause = "" if retry_after_s is None else f", Retry-After {retry_after_s:.0f} s"
        super().__init__(url, reason, f"the server answered {status}{pause}", status=status)
        self.retry_after_s = retry_after_s


class PageGone(FetchError):
    """The server says that there is no such page (404) or no longer (410)."""

    def __init__(self, url: str, status: int) -> None:
        reason = Reason.HTTP_410 if status == 410 else Reason.HTTP_404
        super().__init__(url, reason, f"the server answered {status}", status=status)


class SitemapError(PageError):
    """The answer is no sitemap that can be used."""


class FeedError(PageError):
    """The answer is no feed that can be used."""


class ExtractError(PageError):
    """The page was fetched, and it is not the page that the source describes."""


class PageLayoutChanged(ExtractError):
    """The page has no rows: nothing is where the source looks for them, at `missing`.

    `rows_before` counts those that it had in the published snapshot; 0 if it was not there, or nobody knows.
    """

    def __init__(self, url: str, *, missing: str, rows_before: int = 0) -> None:
        detail, reason = f"no row: nothing matches {missing!r}", Reason.NO_ROWS
        if rows_before:
            detail, reason = f"{detail}; the published snapshot has {rows_before} of this page", Reason.LAYOUT_CHANGED
        super().__init__(url, reason, detail)
        self.missing, self.rows_before = missing, rows_before


class MissingField(ExtractError):
    """A required field has no value in the row at `position`; `text` is what it was made of, if there is some."""

    def __init__(self, url: str, field: str, selector: str, *, position: int, text: str = "") -> None:
        found = f"its regex and transform leave nothing of {shown(text)}" if text else "nothing"
        detail = f"field {field!r} of row {position} has no value: {found} at {selector!r}"
        super().__init__(url, Reason.MISSING_FIELD, detail)
        self.field, self.selector, self.position = field, selector, position


class BadValue(ExtractError):
    """A field's text in the row at `position` is not a value of its type; `problem` says why."""

    def __init__(self, url: str, field: str, selector: str, problem: str, *, position: int) -> None:
        detail = f"field {field!r} of row {position}: {problem} (selector {selector!r})"
        super().__init__(url, Reason.BAD_VALUE, detail)
        self.field, self.selector, self.position = field, selector, position


def one_line(text: str) -> str:
    """`text`, which may quote a foreign server, as one line that can be stored and shown: only what can be printed."""
    encodable = text[:_LINE_CHARACTERS].encode("utf-8", "replace").decode()
    return " ".join("".join(one if one.isprintable() else " " for one in encodable).split())


def shown(text: str) -> str:
    """`text` quoted for a message, and cut if it is long."""
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")
