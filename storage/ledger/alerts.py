"""The `alerts` table: what an operator is to be told, once each, and whether that has been sent.

An alert is named by what happened, and inserted once: so it does not matter how many look, nor how often. Whoever is
about to send one takes it by compare-and-swap, for a time; if nobody says what became of it, it is sent once more.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode

from storage.account.tables import Tables
from storage.keys import key_text, partition_filter

ALERTS: Final = "alert"
BOOKMARK: Final = "bookmark"


class AlertState(StrEnum):
    """What becomes of an alert."""

    PENDING = "pending"  # to be sent, at its `next_attempt_at`
    SENT = "sent"
    GIVEN_UP = "given_up"  # nobody has taken it for days
    UNWANTED = "unwanted"  # nobody is to be told: there was no address when it was written down


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that happened at `at`. `alert_id` is the same whoever has seen it; `facts` are plain JSON.

    `attempts` counts how often somebody was about to send it; `fault` is what came of the last time, if not well.
    """

    alert_id: str
    kind: str
    at: datetime
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    noticed_at: datetime | None = None
    state: AlertState = AlertState.PENDING
    attempts: int = 0
    next_attempt_at: datetime | None = None
    fault: str = ""
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far the ledger has been read: `since` is the first look, `looked_at` the last one that came to its end.

    Every run up to `epoch` has ended and has been looked at; `tick` is the newest of the schedule that was served.
    """

    since: datetime
    looked_at: datetime
    epoch: int = 0
    tick: datetime | None = None


class Alerts:
    """The alerts of the app."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def record(self, alert: Alert) -> bool:
        """Write an alert down; True for the one caller who was the first."""
        table = await self._tables.table("alerts")
        async with self._tables.faults():
            try:
                await table.create_entity(_to_entity(alert))
            except ResourceExistsError:
                return False
        return True

    async def update(self, alert: Alert) -> Alert | None:
        """Store an alert if nobody has changed it since it was read; None if somebody has."""
        table = await self._tables.table("alerts")
        async with self._tables.faults():
            try:
                answer = await table.update_entity(
                    _to_entity(alert),
                    mode=UpdateMode.REPLACE,
                    etag=alert.etag,
                    match_condition=MatchConditions.IfNotModified,
                )
            except (ResourceModifiedError, ResourceNotFoundError):
                return None
        return replace(alert, etag=str(answer["etag"]))

    async def pending(self) -> list[Alert]:
        """What is still to be sent, the oldest first."""
        return await self._found(f"{partition_filter(ALERTS)} and state eq '{AlertState.PENDING.value}'")

    async def all(self) -> list[Alert]:
        """Every alert that is kept, the oldest first."""
        return await self._found(partition_filter(ALERTS))

    async def _found(self, query: str) -> list[Alert]:
        table = await self._tables.table("alerts")
        async with self._tables.faults():
            found = [_from_entity(entity) async for entity in table.query_entities(query)]
        return sorted(found, key=lambda alert: (alert.at, alert.alert_id))

    async def bookmark(self) -> Bookmark | None:
        """How far somebody has looked; None before the first look."""
        table = await self._tables.table("alerts")
        async with self._tables.faults():
            try:
                entity = await table.get_entity(BOOKMARK, BOOKMARK)
            except ResourceNotFoundError:
                return None
        return Bookmark(entity["since"], entity["looked_at"], entity["epoch"], entity.get("tick"))

    async def set_bookmark(self, bookmark: Bookmark) -> None:
        """Say how far one has looked. Two may overtake each other: then something is looked at twice."""
        table = await self._tables.table("alerts")
        tick = {} if bookmark.tick is None else {"tick": bookmark.tick}
        async with self._tables.faults():
            await table.upsert_entity(
                {
                    "PartitionKey": BOOKMARK,
                    "RowKey": BOOKMARK,
                    "since": bookmark.since,
                    "looked_at": bookmark.looked_at,
                    "epoch": bookmark.epoch,
                    **tick,
                },
                mode=UpdateMode.REPLACE,
            )


def _to_entity(alert: Alert) -> dict[str, Any]:
    moments = {"noticed_at": alert.noticed_at, "next_attempt_at": alert.next_attempt_at}
    return {
        "PartitionKey": ALERTS,
        "RowKey": key_text(alert.alert_id),
        "alert_id": alert.alert_id,
        "kind": alert.kind,
        "at": alert.at,
        "text": alert.text,
        "facts": json.dumps(dict(alert.facts)),
        "state": alert.state.value,
        "attempts": alert.attempts,
        "fault": alert.fault,
        **{name: moment for name, moment in moments.items() if moment is not None},
    }


def _from_entity(entity: Any) -> Alert:
    return Alert(
        alert_id=entity["alert_id"],
        kind=entity["kind"],
        at=entity["at"],
        text=entity["text"],
        facts=json.loads(entity["facts"]),
        noticed_at=entity.get("noticed_at"),
        state=AlertState(entity["state"]),
        attempts=entity["attempts"],
        next_attempt_at=entity.get("next_attempt_at"),
        fault=entity["fault"],
        etag=str(entity.metadata["etag"]),
    )
