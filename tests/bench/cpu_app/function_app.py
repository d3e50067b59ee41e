"""Activities that only think: each hashes for the number of rounds that it is given."""

from collections.abc import Generator
from hashlib import sha256
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.activity_trigger(input_name="rounds")
def think(rounds: int) -> str:
    digest = b""
    for _ in range(rounds):
        digest = sha256(digest).digest()
    return digest.hex()


@app.orchestration_trigger(context_name="context")
def think_in_parallel(context: df.DurableOrchestrationContext) -> Generator[Any, Any, int]:
    order = context.get_input()
    digests = yield context.task_all([context.call_activity("think", order["rounds"]) for _ in range(order["times"])])
    return len(digests)


@app.route(route="think", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return client.create_check_status_response(
        req, await client.start_new("think_in_parallel", client_input=req.get_json())
    )
