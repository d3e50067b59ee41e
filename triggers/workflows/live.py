"""`GET workflows`: the workflows that live, as the task hub lists them."""

from collections.abc import Mapping
from typing import Any, Final

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from orchestrations.workflow_request import BadWorkflow, WorkflowRequest, key_problem, workflow_id, workflow_request
from storage.ledger.hub import decoded, live_instances
from triggers.web.problem import answers_problems, json_response
from triggers.workflows.views import workflow_links

PREFIX: Final = workflow_id("")


@answers_problems
async def list_workflows(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Those that live, the oldest first; `isWhole` is false if there may be more than the hub lists at once."""
    found, is_whole = await live_instances(client, PREFIX, of=names.WORKFLOW)
    ours = [one for one in found if not _problem(one)]
    ours.sort(key=lambda one: (one.created_time, one.instance_id))
    return json_response({"workflows": [_view(one, req) for one in ours], "isWhole": is_whole})


def _problem(status: Any) -> str:
    return key_problem(_key(status))


def _key(status: Any) -> str:
    return str(status.instance_id).removeprefix(PREFIX)


def _view(status: Any, req: func.HttpRequest) -> dict[str, Any]:
    """One workflow; what it waits for is empty if the hub does not tell its input."""
    request, told = _request(status), status.custom_status
    return {
        "input": _key(status),
        "instanceId": str(status.instance_id),
        "runtimeStatus": status.runtime_status.name,
        "waitFor": list(request.wait_for) if request else [],
        "mode": request.mode if request else None,
        "deadline": told.get("deadline") if isinstance(told, Mapping) else None,
        "startedAt": status.created_time.isoformat(),
        "links": workflow_links(req, _key(status)),
    }


def _request(status: Any) -> WorkflowRequest | None:
    document = decoded(decoded(status.input_))
    try:
        return workflow_request(document)
    except BadWorkflow:
        return None
