"""What a pointer remembers of the times that it was moved."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

MOST_PUBLICATIONS: Final = 20
"""A property takes 32,000 characters; these take 20,000 at most."""
MOST_CHARACTERS: Final = 400
"""Of the texts in a publication, each."""
BY_RUN: Final = "run"


@dataclass(frozen=True, slots=True)
class Publication:
    """One move of a pointer: which snapshot readers saw from `at` on, and how much it is.

    `by` is `run` if its own run has published it, else who did by hand; `overridden` is the rule of the gate that it
    breaks, if that was forced.
    """

    run_id: str
    epoch: int
    at: datetime
    pages: int
    failed: int
    rows: int
    by: str = BY_RUN
    overridden: str = ""


def with_newest(newest: Publication, before: Sequence[Publication]) -> tuple[Publication, ...]:
    """The publications that a pointer remembers, the newest first."""
    return (newest, *before)[:MOST_PUBLICATIONS]


def as_text(publications: Sequence[Publication]) -> str:
    """As a pointer keeps them."""
    return json.dumps([_as_json(one) for one in publications])


def from_text(text: str) -> tuple[Publication, ...]:
    """What `as_text` made this of."""
    return tuple(Publication(**{**one, "at": datetime.fromisoformat(one["at"])}) for one in json.loads(text))


def _as_json(publication: Publication) -> dict[str, object]:
    texts = {name: getattr(publication, name)[:MOST_CHARACTERS] for name in ("by", "overridden")}
    return {**asdict(publication), "at": publication.at.isoformat(), **texts}
