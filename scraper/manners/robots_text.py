"""A robots.txt cut down to what it says to one crawler."""

import re
from collections.abc import Iterable

_NOBODY = "\N{DAGGER}"
"""A name that no user agent has: those are printable ASCII."""
# The ways to write it that the parser understands.
_AGENT_LINE = re.compile(r"\s*user(?:-|\s+)?agent\s*(?::|\s)\s*(?P<name>[^#]*)", re.IGNORECASE)


def text_for(user_agent: str, text: str) -> str:
    """`text` with all names of crawlers replaced by one, but for the one whose rules count for `user_agent`.

    The parser files each rule under each name of its group: a page of names over a page of rules would cost it minutes
    and all memory. It goes by the longest name that is in the user agent, else by `*`.
    """
    lines = text.splitlines()
    names = [_name_in(line) for line in lines]
    kept = _name_that_counts(user_agent, names)
    return "\n".join(
        line if name is None or name == kept else f"User-agent: {_NOBODY}"
        for line, name in zip(lines, names, strict=True)
    )


def lines_for(user_agent: str, text: str) -> list[str]:
    """The lines of `text` that hold for `user_agent`, without those that name crawlers; in order."""
    lines = text.splitlines()
    names = [_name_in(line) for line in lines]
    kept = _name_that_counts(user_agent, names)
    ours: list[str] = []
    is_ours = follows_a_name = False
    for line, name in zip(lines, names, strict=True):
        stripped = line.partition("#")[0].strip()
        if name is not None:
            is_ours = name == kept or (follows_a_name and is_ours)
            follows_a_name = True
        elif stripped:
            follows_a_name = False
            if is_ours:
                ours.append(stripped)
    return ours


def _name_that_counts(user_agent: str, names: Iterable[str | None]) -> str:
    ours = max({name for name in names if name}, key=lambda name: _score(name, user_agent), default="")
    return ours if ours and _score(ours, user_agent) else "*"


def _name_in(line: str) -> str | None:
    """The crawler that a line names, in lower case, without wildcards unless it is only one; None if it names none."""
    found = _AGENT_LINE.match(line)
    if found is None:
        return None
    name = found["name"].strip().lower()
    return name if name == "*" else name.replace("*", "")


def _score(name: str, user_agent: str) -> int:
    """How well a name fits: its length if it begins a word of the user agent, 1 for all crawlers, else 0."""
    if name == "*":
        return 1
    begins_a_word = name and re.search(rf"(?<![\w-]){re.escape(name)}", user_agent.lower())
    return len(name) if begins_a_word else 0
