"""What the query of each route may have: to ignore what nobody reads would do something else than the caller wants."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func

OF_AZURE: Final = ("code", "clientid")
"""The function key and its name, in lower case; the host reads them."""
PAGE: Final = ("limit", "continuation")
QUERIES: Final[Mapping[str, tuple[str, ...]]] = {
    "start_orchestrator": ("startAt",),
    "poll_orchestrator": ("startAt",),
    "start_run": ("startAt",),
    "request_stop": ("mode",),
    "list_runs": PAGE,
    "list_failures": PAGE,
    "list_batches": PAGE,
    "list_skips": PAGE,
    "get_dataset": PAGE,
    "list_rows": ("format", "run", *PAGE),
    "get_diff": ("from", "to", *PAGE),
    "publish_dataset": ("run", "force"),
}
"""By handler; the others read none. `startAt` counts in any case.

Health and the page of the dashboard are not held to it: probes of platforms, and browsers, may add parameters.
"""


def unknown_parameter(handler: str, req: func.HttpRequest) -> str:
    """What is wrong with the first parameter that this handler does not read; empty if it reads them all."""
    known = QUERIES.get(handler, ())
    read = {*known, *OF_AZURE, *("startat" for name in known if name == "startAt")}
    query = parse_qsl(urlsplit(req.url).query, keep_blank_values=True)  # `params` lacks names without a value
    for name in [*(name for name, _ in query), *req.params]:
        if name not in read and name.lower() not in read - set(known):
            return f"Unknown parameter '{name[:100]}' in the query; {_cure(name, known)}."
    return ""


def _cure(name: str, known: Sequence[str]) -> str:
    if not known:
        return "this route has none"
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    meant = f"did you mean '{near[0]}'? " if near else ""
    return f"{meant}known: {', '.join(known)}"
