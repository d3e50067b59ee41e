"""Pages that say with status 200 that they are not the page: captchas, consent walls, "access denied"."""

from html import unescape
from http import HTTPStatus

from scraper.errors import ExtractError, shown
from scraper.models import Reason
from scraper.row_rules import RowRules
from scraper.rows.charsets import decode_page
from scraper.rows.content_kinds import Format

_WITHOUT_THE_PAGE = frozenset(
    {HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.PARTIAL_CONTENT}
)
"""Answers that are no errors, and not the page, or not all of it."""


def refuse_empty(body: bytes, *, url: str, status: int) -> None:
    """Raise ExtractError (no_content) for an answer that has no page in it, or only a part of one."""
    if status in _WITHOUT_THE_PAGE:
        detail = f"the server answered {status} ({HTTPStatus(status).phrase}), which is not the page"
        raise ExtractError(url, Reason.NO_CONTENT, detail, status=status)
    if not body or body.isspace():
        raise ExtractError(url, Reason.NO_CONTENT, "the body is empty", status=status)


def refuse_blocked(rules: RowRules, body: bytes, *, url: str, charset: str | None) -> None:
    """Raise ExtractError (blocked) if the body has one of the texts of `blocked_if`, markup included.

    Capitals, the kind of white space, and characters that are written as references make no difference.
    """
    if not rules.blocked_if:
        return
    try:
        text = decode_page(body, url=url, charset=rules.charset or charset, kind=rules.content_format or Format.HTML)
    except ExtractError:
        return  # whoever reads it next says so
    found = _comparable(unescape(text))
    for marker in rules.blocked_if:
        if _comparable(marker) in found:
            raise ExtractError(url, Reason.BLOCKED, f"the page says {shown(marker)}, which is a text of blocked_if")


def _comparable(text: str) -> str:
    return " ".join(text.casefold().split())
