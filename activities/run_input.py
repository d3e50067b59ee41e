"""What the input of a run asks for. A run that came past our routes may ask for anything."""

from collections.abc import Mapping, Sequence
from typing import Any

from activities.retry_claim import is_run_ref
from orchestrations import names
from scraper.app_sources import app_sources
from scraper.errors import SourcesFileError
from scraper.manners.host_chains import host_chains
from scraper.settings import Settings


def why_refused(payload: Mapping[str, Any]) -> str:
    """Why the input cannot be that of a run; empty if it can."""
    problem = names.run_id_problem(payload["run_id"])
    if problem:
        return f"'{payload['run_id']}' cannot be the ID of a run: {problem}"
    epoch = payload["epoch"]
    if epoch is not None and (type(epoch) is not int or epoch < 1):
        return "'epoch' is not for callers: leave it out"
    if not is_run_ref(payload.get("retry_of")):
        return "'retry_of' is not for callers: POST runs/{runId}/retry"
    return ""


def wanted_sources(settings: Settings, wanted: Any) -> tuple[list[str], str]:
    """The names of the sources to scrape, in file order, and why there are none or fewer."""
    try:
        known = [source.name for source in app_sources(settings)]
    except SourcesFileError as error:
        return [], str(error)
    if wanted is None:
        return known, ""
    if not isinstance(wanted, list):
        return [], "'sources' must be a list of source names"
    missing = [str(name) for name in wanted if name not in known]
    reason = f"no such source: {', '.join(missing)[:500]}; known: {', '.join(known)}" if missing else ""
    return [name for name in known if name in wanted], reason


def chained(settings: Settings, wanted: Sequence[str]) -> dict[str, Any]:
    """`sources`, and `chains`: the same, those that share a host in one list.

    A source that has left the file meanwhile is by itself: its own first step will tell.
    """
    try:
        chains = host_chains(source for source in app_sources(settings) if source.name in wanted)
    except SourcesFileError:
        chains = []
    known = {name for chain in chains for name in chain}
    return {"sources": list(wanted), "chains": [*chains, *([name] for name in wanted if name not in known)]}
