"""What a caller may ask of a run."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from triggers.web.problem import Problem


def run_request(
    payload: dict[str, Any], *, known: Sequence[str], also: Sequence[str] = (), of: str = ""
) -> dict[str, Any]:
    """The request of a run if it can be served: `sources` is all that a caller may say. Raises Problem 400.

    `also` are fields that somebody else reads; `of` the run whose sources are the known ones, if not all are.
    """
    fields = ("sources", *also)
    unknown = sorted(payload.keys() - set(fields))
    if unknown:
        raise Problem(
            HTTPStatus.BAD_REQUEST, f"Unknown field '{unknown[0][:100]}' in the body; known: {', '.join(fields)}."
        )
    wanted = payload.get("sources")
    if wanted is None:
        return {}
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, str) for one in wanted):
        raise Problem(HTTPStatus.BAD_REQUEST, "'sources' must be a list of source names; leave it out for all of them.")
    missing = [name for name in wanted if name not in known]
    if missing:
        said = f"the run '{of}' has no source" if of else "there is no source"
        raise Problem(HTTPStatus.BAD_REQUEST, f"'sources': {said} '{missing[0][:100]}'. Known: {', '.join(known)}.")
    return {"sources": list(dict.fromkeys(wanted))}
