"""What a caller may ask of a watch."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from orchestrations.watch_plan import WatchRefused, read_watch
from scraper import clock
from triggers.web.problem import Problem

FIELDS = ("source", "intervalMinutes")


def watch_request(payload: dict[str, Any], instance_id: str, *, known: Sequence[str]) -> dict[str, Any]:
    """The input of a watch if there can be one: `source`, `intervalMinutes`. Raises Problem 400."""
    unknown = sorted(payload.keys() - set(FIELDS))
    if unknown:
        raise _refused(f"Unknown field '{unknown[0][:100]}' in the body; known: {', '.join(FIELDS)}.")
    source = payload.get("source")
    if source not in known:
        raise _refused(f"'source' must be one of {', '.join(known)}.")
    try:
        read_watch(payload, instance_id, now=clock.utc_now())
    except WatchRefused as refusal:
        raise _refused(f"{str(refusal)[:1].upper()}{str(refusal)[1:]}.") from refusal
    return payload


def _refused(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, detail)
