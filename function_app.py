"""Every trigger, orchestrator and activity of the system, on one page."""

from collections.abc import Callable
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from activities.batches import scrape_batch
from activities.claim import claim_run
from activities.datasets import publish_source
from activities.planning import plan_source
from activities.purging import purge_slice
from activities.runs import finish_run
from activities.starting import start_instance
from activities.welcome import say_welcome
from orchestrations.daily_scrape import daily_scrape
from orchestrations.purge_expired import purge_expired
from orchestrations.scrape_chain import scrape_chain
from orchestrations.scrape_lane import scrape_lane
from orchestrations.scrape_source import scrape_source
from orchestrations.start_later import start_later
from orchestrations.watch_source import watch_source
from orchestrations.welcome import welcome
from orchestrations.workflow import workflow
from scraper.app_sources import tell_if_unusable
from scraper.run_log import use_log_format
from scraper.settings import Settings
from telemetry.switch import switch_on
from triggers.dashboard.page import dashboard, dashboard_file
from triggers.datasets.diff import get_diff
from triggers.datasets.overview import get_dataset, list_datasets
from triggers.datasets.publish import publish_dataset
from triggers.datasets.rows import list_rows
from triggers.operations.health import health, health_details
from triggers.operations.purge_timer import PURGE_SCHEDULE, purge_timer
from triggers.operations.watchdog import watchdog
from triggers.orchestrators.polling import poll_orchestrator
from triggers.orchestrators.start import start_orchestrator
from triggers.runs.batches import list_batches
from triggers.runs.commands import request_stop, start_run
from triggers.runs.failures import list_failures
from triggers.runs.history import get_run, list_runs
from triggers.runs.retry import retry_run
from triggers.runs.scrape_queue import scrape_requests
from triggers.runs.starts_to_come import cancel_start, list_starts
from triggers.schedule.control import get_schedule, list_skips, put_schedule
from triggers.schedule.timer import daily_timer
from triggers.workflows.commands import check_workflow, start_workflow, stop_workflow
from triggers.workflows.event_queue import workflow_events
from triggers.workflows.live import list_workflows

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
settings = Settings()
use_log_format(settings.usable_log_format)
switch_on(settings)
tell_if_unusable(settings)

# A function has the name of its handler, which is a plain function in the module that it comes from.
Handler = Callable[..., Any]


def with_client(handler: Handler) -> Any:
    """The handler gets a durable client as its argument `client`."""
    return app.durable_client_input(client_name="client")(handler)


def http(methods: str, route: str, handler: Handler, auth_level: func.AuthLevel = func.AuthLevel.FUNCTION) -> None:
    """A route below /api; the handler's arguments are `req` and `client`."""
    app.route(route=route, methods=methods.split(), auth_level=auth_level)(with_client(handler))


def queue(name: str, handler: Handler) -> None:
    """A queue and its poison queue; the handler's arguments are `msg`, `client` and `poison`."""
    full_name, account = settings.queue_name(name), {"connection": "AzureWebJobsStorage"}
    bound = app.queue_output(arg_name="poison", queue_name=f"{full_name}-poison", **account)(with_client(handler))
    # Binary: a message that is no text must reach the handler, too, which says what is wrong with it.
    app.queue_trigger(arg_name="msg", queue_name=full_name, data_type=func.DataType.BINARY, **account)(bound)


# Starting any orchestrator, and the daily scrape in particular: all go through the one singleton.
http("POST", "orchestrators/{functionName}/{instanceId}", start_orchestrator)
http("PUT", "orchestrators/{functionName}/{instanceId}", poll_orchestrator)
http("POST", "runs", start_run)
http("POST", "runs/{runId}/stop", request_stop)
http("POST", "runs/{runId}/retry", retry_run)
http("POST", "starts/{startId}/cancel", cancel_start)
queue("scrape-requests", scrape_requests)
tick = app.timer_trigger(arg_name="timer", schedule=settings.scrape_schedule)(with_client(daily_timer))
# Called again until it succeeds: a day must not be lost to an outage of storage or task hub.
pauses = {"minimum_interval": "00:00:10", "maximum_interval": "00:05:00"}
app.retry(strategy="exponential_backoff", max_retry_count="-1", **pauses)(tick)
http("PUT", "schedule", put_schedule)

# Looking: what ran, how far it is, and whether the app can work.
http("GET", "runs", list_runs)
http("GET", "runs/{runId}", get_run)
http("GET", "runs/{runId}/failures", list_failures)
http("GET", "runs/{runId}/batches", list_batches)
http("GET", "starts", list_starts)
http("GET", "skips", list_skips)
http("GET", "schedule", get_schedule)
http("GET", "health", health, func.AuthLevel.ANONYMOUS)
http("GET", "health/details", health_details)
http("GET", "dashboard", dashboard, func.AuthLevel.ANONYMOUS)
http("GET", "dashboard/{folder}/{file}", dashboard_file, func.AuthLevel.ANONYMOUS)
app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")(with_client(watchdog))
app.timer_trigger(arg_name="timer", schedule=PURGE_SCHEDULE)(with_client(purge_timer))

# The data: what is published, and other snapshots that are kept.
http("GET", "datasets", list_datasets)
http("GET", "datasets/{source}", get_dataset)
http("GET", "datasets/{source}/rows", list_rows)
http("GET", "datasets/{source}/diff", get_diff)
http("POST", "datasets/{source}/publish", publish_dataset)

# The event-driven workflow, by key. Commands by GET are an option: a crawler or a mail scanner could send them, too.
COMMAND = "GET POST" if settings.allow_get_commands else "POST"
http(COMMAND, "start/{input}", start_workflow)
http("GET", "check/{input}", check_workflow)
http(COMMAND, "stop/{input}", stop_workflow)
http("GET", "workflows", list_workflows)
queue("workflow-events", workflow_events)

# Orchestrators: plain generators until here.
for orchestrator in (
    daily_scrape,
    scrape_chain,
    scrape_source,
    scrape_lane,
    start_later,
    purge_expired,
    watch_source,
    welcome,
    workflow,
):
    app.orchestration_trigger(context_name="context")(orchestrator)

# Activities: what the orchestrators name. Inputs and outputs are keys, counts and codes, never page bodies.
for activity in (claim_run, plan_source, scrape_batch, publish_source, start_instance, purge_slice):
    app.activity_trigger(input_name="payload")(with_client(activity))
app.activity_trigger(input_name="payload")(finish_run)
app.activity_trigger(input_name="payload")(say_welcome)
