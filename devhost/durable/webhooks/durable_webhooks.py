"""The HTTP management API of the durable extension, in front of one task hub.

Source: Azure/azure-functions-durable-extension 3.x, HttpApiHandler.cs.
"""

import logging

from aiohttp import web

from devhost.durable.errors import HubError, InstanceFinished, InstanceNotFound
from devhost.durable.instance import Instance, RuntimeStatus
from devhost.durable.webhooks.answers import (
    RequestRefused,
    empty_answer,
    fault_answer,
    json_answer,
    refusal_answer,
    status_body,
    status_code,
    unknown_restart,
)
from devhost.durable.webhooks.check_status import HubAddress, check_status_body
from devhost.durable.webhooks.entity_routes import EntityWebhooks
from devhost.durable.webhooks.history_rendering import render_history
from devhost.durable.webhooks.json_values import stored_value
from devhost.durable.webhooks.managed_hub import ManagedHub
from devhost.durable.webhooks.requests import (
    CONTINUATION_HEADER,
    Query,
    Target,
    read_json,
    read_list_query,
    read_purge_query,
    read_target,
    read_wait,
)

_logger = logging.getLogger(__name__)


class DurableWebhooks:
    """Answers every request below one mount point; the same object serves several mount points.

    `code` is the key that returned URLs carry; leave it empty when the host asks for none.
    """

    def __init__(self, hub: ManagedHub, *, hub_name: str, connection_name: str, code: str = "") -> None:
        self._hub = hub
        self._entities = EntityWebhooks(hub)
        self._hub_name = hub_name
        self._connection_name = connection_name
        self._code = code

    async def handle(self, request: web.Request, tail: str) -> web.Response:
        """The answer to a request whose path ends in `tail`, the part below the mount point.

        `tail` may be percent-encoded or decoded. Never raises for anything that a caller can send.
        """
        try:
            target, query = read_target(request, tail), Query(request)
            self._check_hub_name(query)
            return await self._route(request, target, query)
        except RequestRefused as refused:
            return json_answer(refused.status, refused.body)
        except HubError as error:
            return refusal_answer(error)
        except Exception as error:
            _logger.exception("The durable webhook %s %s failed", request.method, request.path)
            return fault_answer(error)

    def _check_hub_name(self, query: Query) -> None:
        wanted = query.text("taskHub")
        if wanted is not None and wanted.lower() != self._hub_name.lower():
            message = (
                f"This host runs the task hub '{self._hub_name}', not '{wanted}'. Leave taskHub out of the "
                "request and of the durable client binding, or set hubName in host.json."
            )
            raise RequestRefused(404, {"Message": message})

    async def _route(self, request: web.Request, target: Target, query: Query) -> web.Response:
        match request.method, *_fold(target.segments):
            case "POST", "orchestrators", name:
                answer = await self._start(request, target, query, name, None)
            case "POST", "orchestrators", name, instance_id:
                answer = await self._start(request, target, query, name, instance_id)
            case "GET", "instances":
                answer = await self._list(request, query)
            case "DELETE", "instances":
                answer = await self._purge_matching(query)
            case "GET", "instances", instance_id:
                answer = await self._status(request, query, instance_id)
            case "DELETE", "instances", instance_id:
                await self._hub.purge(instance_id)
                answer = json_answer(200, {"instancesDeleted": 1})
            case "POST", "instances", instance_id, "raiseevent", event_name:
                answer = await self._raise_event(request, instance_id, event_name)
            case "POST", "instances", instance_id, operation:
                answer = await self._command(target, query, instance_id, operation)
            case _, "entities", *rest:
                answer = await self._entities.answer(request, query, rest)
            case _:
                answer = empty_answer(404)
        return answer

    async def _start(
        self, request: web.Request, target: Target, query: Query, name: str, instance_id: str | None
    ) -> web.Response:
        timeout_s = read_wait(query)
        input_text = await read_json(request)
        started_id = await self._hub.create_instance(
            name, instance_id=instance_id, input_text=input_text, version=query.text("version")
        )
        return await self._started(target, query, started_id, timeout_s)

    async def _restart(self, target: Target, query: Query, instance_id: str) -> web.Response:
        timeout_s = read_wait(query)
        with_new_id = query.flag("restartWithNewInstanceId", default=True)
        try:
            started_id = await self._hub.restart(instance_id, with_new_id=with_new_id)
        except InstanceNotFound as error:
            raise unknown_restart(str(error)) from error
        return await self._started(target, query, started_id, timeout_s)

    async def _started(self, target: Target, query: Query, started_id: str, timeout_s: float | None) -> web.Response:
        if timeout_s is not None:
            instance = await self._hub.wait_until_finished(started_id, timeout_s)
            if instance is not None and instance.runtime_status.is_terminal:
                return _result(instance, query)
        address = HubAddress(
            target.base_url, self._hub_name, query.text("connection") or self._connection_name, self._code
        )
        headers = {"Location": address.instance_url(started_id), "Retry-After": "10"}
        return json_answer(202, check_status_body(address, started_id), headers)

    async def _status(self, request: web.Request, query: Query, instance_id: str) -> web.Response:
        instance = await self._hub.get_instance(instance_id)
        if instance is None:
            return empty_answer(404)
        show_input = query.flag("showInput", default=True)
        history = None
        if query.flag("showHistory", default=False) and instance.runtime_status is not RuntimeStatus.PENDING:
            history = render_history(
                await self._hub.history(instance_id),
                show_input=show_input,
                show_output=query.flag("showHistoryOutput", default=False),
            )
        body = status_body(instance, show_input=show_input, history=history)
        code = status_code(instance, failed_is_500=_failed_is_500(query))
        headers = {"Location": str(request.url), "Retry-After": "5"} if code == 202 else None
        return json_answer(code, body, headers)

    async def _list(self, request: web.Request, query: Query) -> web.Response:
        instances, continuation = await self._hub.list_instances(
            read_list_query(query),
            top=query.top(),
            continuation=request.headers.get(CONTINUATION_HEADER) or None,
        )
        show_input = query.flag("showInput", default=True)
        return json_answer(
            200,
            [status_body(one, show_input=show_input) for one in instances],
            {CONTINUATION_HEADER: continuation or ""},
        )

    async def _purge_matching(self, query: Query) -> web.Response:
        deleted = await self._hub.purge_matching(read_purge_query(query))
        return json_answer(200, {"instancesDeleted": deleted}) if deleted else empty_answer(404)

    async def _raise_event(self, request: web.Request, instance_id: str, event_name: str) -> web.Response:
        # The product looks at the instance before the body: a caller with both wrong gets 404 or 410.
        instance = await self._hub.get_instance(instance_id)
        if instance is None:
            raise InstanceNotFound(instance_id)
        if instance.runtime_status.is_terminal:
            raise InstanceFinished(instance_id, instance.runtime_status)
        if request.content_type != "application/json":
            raise RequestRefused(400, {"Message": "Only application/json request content is supported"})
        input_text = await read_json(request)
        await self._hub.raise_event(instance_id, event_name, "null" if input_text is None else input_text)
        return empty_answer(202)

    async def _command(self, target: Target, query: Query, instance_id: str, operation: str) -> web.Response:
        reason = query.text("reason") or ""
        match operation:
            case "terminate":
                await self._hub.terminate(instance_id, reason)
            case "suspend":
                await self._hub.suspend(instance_id, reason)
            case "resume":
                await self._hub.resume(instance_id, reason)
            case "restart":
                return await self._restart(target, query, instance_id)
            case "rewind":
                await self._hub.rewind(instance_id, reason)
            case _:
                return empty_answer(404)
        return empty_answer(202)


def _fold(segments: tuple[str, ...]) -> tuple[str, ...]:
    """The segments with the fixed words of the API in lower case; names and ids are left as they are.

    A path with an empty segment matches nothing: it becomes no segments at all.
    """
    if not all(segments):
        return ()
    match [one.lower() if position == 0 else one for position, one in enumerate(segments)]:
        case ["instances", instance_id, operation, *rest]:
            return ("instances", instance_id, operation.lower(), *rest)
        case folded:
            return tuple(folded)


def _result(instance: Instance, query: Query) -> web.Response:
    """What a start that waited answers once the instance has ended: the bare output, or why there is none."""
    if instance.runtime_status is RuntimeStatus.COMPLETED:
        return json_answer(200, stored_value(instance.output_text))
    return json_answer(
        status_code(instance, failed_is_500=_failed_is_500(query)), status_body(instance, show_input=True)
    )


def _failed_is_500(query: Query) -> bool:
    return query.flag("returnInternalServerErrorOnFailure", default=False)
