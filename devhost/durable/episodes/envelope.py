"""The text that one call of an orchestrator function receives.

Source: Azure/azure-functions-durable-extension, Listener/OutOfProcOrchestrationShim.cs (major 3: replay schema V4
is offered, SDK 1.7.0 takes V3); durations of AzureStorageDurabilityProvider.cs.
"""

import json

from devhost.durable.protocol import compact

_TAIL = (
    '"upperSchemaVersion":1,"upperSchemaVersionNew":3,'
    '"longRunningTimerIntervalDuration":"3.00:00:00","maximumShortTimerDuration":"6.00:00:00"'
)


def orchestrator_envelope(
    *,
    past: str,
    present: str,
    input_text: str | None,
    instance_id: str,
    parent_instance_id: str | None,
    async_sleep_ms: int,
) -> str:
    """JSON text of one episode's input.

    `past` and `present` are events joined by commas (protocol.dump_events): those of earlier episodes, already
    marked as played, and those of this one. The stored input is parsed once; text that is no JSON stays text.
    """
    history = f"{past},{present}" if past else present
    fields = (
        f'"input":{compact(_parsed(input_text))}',
        f'"instanceId":{compact(instance_id)}',
        f'"isReplaying":{"true" if past else "false"}',
        f'"parentInstanceId":{compact(parent_instance_id)}',
        _TAIL,
        f'"defaultHttpAsyncRequestSleepTimeMillseconds":{async_sleep_ms}',
    )
    return f'{{"history":[{history}],{",".join(fields)}}}'


def _parsed(input_text: str | None) -> object:
    if input_text is None:
        return None
    try:
        value: object = json.loads(input_text)
    except json.JSONDecodeError:
        return input_text
    return value
