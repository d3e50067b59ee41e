"""What a request to the management API asks for."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from aiohttp import web

from devhost.durable.instance import TERMINAL, InstanceQuery, RuntimeStatus
from devhost.durable.webhooks.answers import RequestRefused, bad_argument
from devhost.durable.webhooks.json_values import InvalidJson, compact_json

CONTINUATION_HEADER = "x-ms-continuation-token"
DEFAULT_TOP = 100
_MAX_TOP = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Target:
    """The mount point of a request, as the caller wrote it, and the decoded path segments below it."""

    base_url: str
    segments: tuple[str, ...]


def read_target(request: web.Request, tail: str) -> Target:
    """Split the request's path at `tail`, which may be percent-encoded or decoded.

    Segments are cut first and decoded afterwards: an encoded slash stays inside its segment. `+` is a space.
    """
    raw_path = request.rel_url.raw_path
    whole = raw_path if raw_path.endswith(tail) else request.path
    assert whole.endswith(tail), f"{tail!r} is not the end of {whole!r}"
    # The mount point holds no escapes, so its length is the same in both forms of the path.
    mount_length = len(whole) - len(tail)
    encoded_tail = raw_path[mount_length:].strip("/")
    segments = tuple(unquote_plus(one) for one in encoded_tail.split("/")) if encoded_tail else ()
    return Target(f"{request.url.origin()}{raw_path[:mount_length].rstrip('/')}", segments)


class Query:
    """The query parameters; names are compared ignoring case, repeated ones are joined by commas."""

    def __init__(self, request: web.Request) -> None:
        self._values: dict[str, str] = {}
        for name, value in request.query.items():
            key = name.lower()
            self._values[key] = f"{self._values[key]},{value}" if key in self._values else value

    def text(self, name: str) -> str | None:
        """The value, or None if there is none or it is empty."""
        return self._values.get(name.lower()) or None

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false in any case; anything else is the default."""
        return {"true": True, "false": False}.get((self.text(name) or "").lower(), default)

    def moment(self, name: str) -> datetime | None:
        """A time in UTC; a text without an offset means UTC, too. Raises RequestRefused for an unreadable one."""
        text = self.text(name)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except ValueError as error:
            raise bad_argument(
                f"The query parameter '{name}' is not an ISO 8601 time: '{text}'. Write it like "
                "2026-01-02T03:04:05Z, and a + of an offset as %2B."
            ) from error
        except OverflowError as error:
            raise bad_argument(
                f"The query parameter '{name}' is, in UTC, outside the years 1 to 9999: '{text}'."
            ) from error

    def seconds(self, name: str) -> float | None:
        """A duration, zero or more. Raises RequestRefused for anything else."""
        text = self.text(name)
        if text is None:
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds >= 0):
            raise bad_argument(f"The query parameter '{name}' is not a number of seconds: '{text}'.")
        return seconds

    def statuses(self) -> frozenset[RuntimeStatus]:
        """The known names in `runtimeStatus`; unknown ones are ignored, as the product does."""
        names = {one.strip() for one in (self.text("runtimeStatus") or "").split(",")}
        return frozenset(status for status in RuntimeStatus if status.value in names)

    def top(self) -> int:
        """How many instances a page of the list may hold."""
        text = self.text("top") or ""
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
        return number if 0 < number <= _MAX_TOP else DEFAULT_TOP


def read_list_query(query: Query) -> InstanceQuery:
    """Which instances a list request asks for. Raises RequestRefused."""
    return InstanceQuery(
        prefix=query.text("instanceIdPrefix"),
        created_from=query.moment("createdTimeFrom"),
        created_to=query.moment("createdTimeTo"),
        statuses=query.statuses(),
    )


def read_purge_query(query: Query) -> InstanceQuery:
    """Which instances a purge request means: ended ones only. Raises RequestRefused.

    The product drops live statuses from the filter, and purges instances of every status when nothing is left
    of it; here such a filter is refused.
    """
    created_from = query.moment("createdTimeFrom")
    if created_from is None:
        raise RequestRefused(400, "Please provide value for 'createdTimeFrom' parameter.")
    statuses = query.statuses() & TERMINAL
    if query.text("runtimeStatus") and not statuses:
        names = ", ".join(sorted(TERMINAL))
        raise RequestRefused(400, f"Only ended instances can be purged; 'runtimeStatus' may name {names}.")
    return InstanceQuery(created_from=created_from, created_to=query.moment("createdTimeTo"), statuses=statuses)


def read_wait(query: Query) -> float | None:
    """For how many seconds a start waits for the result; None unless timeout and polling interval are given.

    The interval is only checked: the hub tells when the instance ends. Raises RequestRefused.
    """
    timeout_s, interval_s = query.seconds("timeout"), query.seconds("pollingInterval")
    if timeout_s is None or interval_s is None:
        return None
    if interval_s > timeout_s:
        raise bad_argument(f"Total timeout {timeout_s:g} should be bigger than retry timeout {interval_s:g} (seconds).")
    return timeout_s


async def read_body(request: web.Request) -> bytes:
    """The body. Raises RequestRefused."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise RequestRefused(413, {"Message": error.text}) from error


async def read_json(request: web.Request) -> str | None:
    """The body as compact JSON text, None if it is empty. Raises RequestRefused."""
    body = await read_body(request)
    if not body:
        return None
    try:
        return compact_json(body)
    except InvalidJson as error:
        raise bad_argument(str(error)) from error
