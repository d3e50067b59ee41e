"""Every trigger, orchestrator and activity of the system, on one page."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

import activities.batches
import activities.claim
import activities.datasets
import activities.runs
import triggers.health
import triggers.orchestrators
import triggers.runs
from orchestrations.daily_scrape import daily_scrape
from orchestrations.scrape_lane import scrape_lane
from orchestrations.scrape_source import scrape_source
from scraper.settings import Settings

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

# Orchestrators: plain generators until here.
for orchestrator in (daily_scrape, scrape_source, scrape_lane):
    app.orchestration_trigger(context_name="context")(orchestrator)


# Starting: by HTTP, and once a day. Both go through the one singleton.
@app.route(route="orchestrators/{functionName}/{instanceId}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start_orchestrator(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await triggers.orchestrators.start_orchestrator(client, req)


@app.timer_trigger(arg_name="timer", schedule=Settings().scrape_schedule)
@app.durable_client_input(client_name="client")
async def daily_timer(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    await triggers.runs.start_daily(client, timer)


# Looking: what ran, how far it is, and whether the app can work.
@app.route(route="runs", methods=["GET"])
@app.durable_client_input(client_name="client")
async def list_runs(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await triggers.runs.list_runs(client, req)


@app.route(route="runs/{runId}", methods=["GET"])
@app.durable_client_input(client_name="client")
async def get_run(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await triggers.runs.get_run(client, req)


@app.route(route="runs/{runId}/failures", methods=["GET"])
async def list_failures(req: func.HttpRequest) -> func.HttpResponse:
    return await triggers.runs.list_failures(req)


@app.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@app.durable_client_input(client_name="client")
async def health(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await triggers.health.health(client, detailed=False)


@app.route(route="health/details", methods=["GET"])
@app.durable_client_input(client_name="client")
async def health_details(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await triggers.health.health(client, detailed=True)


# Activities: what the orchestrators name. Inputs and outputs are keys, counts and codes, never page bodies.
@app.activity_trigger(input_name="payload")
@app.durable_client_input(client_name="client")
async def claim_run(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    return await activities.claim.claim_run(payload, client)


@app.activity_trigger(input_name="payload")
@app.durable_client_input(client_name="client")
async def plan_source(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    return await activities.batches.plan_source(payload, client)


@app.activity_trigger(input_name="payload")
@app.durable_client_input(client_name="client")
async def scrape_batch(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    return await activities.batches.scrape_batch(payload, client)


@app.activity_trigger(input_name="payload")
@app.durable_client_input(client_name="client")
async def publish_source(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    return await activities.datasets.publish_source(payload, client)


@app.activity_trigger(input_name="payload")
async def finish_run(payload: dict) -> dict[str, Any]:
    return await activities.runs.finish_run(payload)
