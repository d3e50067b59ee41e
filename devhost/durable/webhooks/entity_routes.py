"""The routes of the management API that concern entities.

Source: Azure/azure-functions-durable-extension 3.x, HttpApiHandler.cs.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from aiohttp import web

from devhost.durable.entities.entity import Entity, EntityId, EntityQuery
from devhost.durable.protocol import compact
from devhost.durable.webhooks.answers import empty_answer, json_answer
from devhost.durable.webhooks.json_values import stored_value
from devhost.durable.webhooks.requests import CONTINUATION_HEADER, Query, read_body, read_json

_EMPTY_KEY = "$"
_DELETE = "delete"


class ManagedEntities(Protocol):
    """What these routes need of a task hub; refusals are those of devhost.durable.errors."""

    async def signal_entity(self, entity_id: EntityId, operation: str, input_text: str | None) -> None:
        """Queue an operation; `input_text` is JSON text. Raises UnknownFunction."""

    async def read_entity(self, entity_id: EntityId) -> Entity | None:
        """The entity with its state, None if it does not exist."""

    async def list_entities(
        self, query: EntityQuery, *, fetch_state: bool, top: int, continuation: str | None
    ) -> tuple[list[Entity], str | None]:
        """At most `top` matching entities and the token for the next ones, None after the last."""


class EntityWebhooks:
    """Answers the requests below `entities`."""

    def __init__(self, hub: ManagedEntities) -> None:
        self._hub = hub

    async def answer(self, request: web.Request, query: Query, segments: Sequence[str]) -> web.Response:
        """The answer; `segments` are the decoded ones after `entities`. Raises HubError, RequestRefused."""
        match request.method, *segments:
            case ["GET"]:
                return await self._list(request, query, None)
            case ["GET", name]:
                return await self._list(request, query, name)
            case ["GET", name, key]:
                return await self._read(_entity_id(name, key))
            case ["POST", name, key]:
                input_text = await _read_input(request)
                await self._hub.signal_entity(_entity_id(name, key), query.text("op") or "", input_text)
                return empty_answer(202)
            case ["DELETE", name, key]:
                await self._hub.signal_entity(_entity_id(name, key), _DELETE, None)
                return empty_answer(202)
            case _:
                return empty_answer(404)

    async def _list(self, request: web.Request, query: Query, name: str | None) -> web.Response:
        entities, continuation = await self._hub.list_entities(
            EntityQuery(name, query.moment("lastOperationTimeFrom"), query.moment("lastOperationTimeTo")),
            fetch_state=query.flag("fetchState", default=False),
            top=query.top(),
            continuation=request.headers.get(CONTINUATION_HEADER) or None,
        )
        return json_answer(200, [_body(one) for one in entities], {CONTINUATION_HEADER: continuation or ""})

    async def _read(self, entity_id: EntityId) -> web.Response:
        entity = await self._hub.read_entity(entity_id)
        return empty_answer(404) if entity is None else json_answer(200, stored_value(entity.state_text))


def _entity_id(name: str, key: str) -> EntityId:
    return EntityId(name, "" if key == _EMPTY_KEY else key)


async def _read_input(request: web.Request) -> str | None:
    """A JSON body as it is, any other one as a JSON string; None for an empty one."""
    if request.content_type == "application/json":
        return await read_json(request)
    body = await read_body(request)
    return compact(body.decode("utf-8", errors="replace")) if body else None


def _body(entity: Entity) -> dict[str, Any]:
    return {
        "entityId": {"name": entity.entity_id.name, "key": entity.entity_id.key},
        "lastOperationTime": _milliseconds(entity.last_operation_at),
        "state": stored_value(entity.state_text),
    }


def _milliseconds(moment: datetime) -> str:
    """`2026-01-02T03:04:05.123Z`; the rest is cut, not rounded."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
