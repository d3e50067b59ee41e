"""The texts that apps parse when an activity or an orchestrator fails.

Source: Azure/azure-functions-durable-extension, OutOfProcExceptionHelpers.cs and issues 2990, 3049;
Azure/durabletask, DurableTask.Core/TaskFailureException.cs.
"""

from devhost.durable.protocol import compact
from devhost.errors import FunctionFailed, encodable, text_of

_SYSTEM_EXCEPTION = "System.Exception, System.Private.CoreLib"
_RPC_EXCEPTION = "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException, Microsoft.Azure.WebJobs.Script"
_COR_E_EXCEPTION = -2146233088
_LONGEST_DETAILS, _START_OF_LONGER_ONES = 16_000, 500  # characters


def activity_failure(name: str, failed: FunctionFailed) -> tuple[str, str]:
    """Reason and Details of TaskFailed; Details is one line of JSON whose `Message` names the exception.

    The two spaces after `failed:` and the leading space of `Message` are the product's.
    """
    error = f"{failed.error_type}: {failed.message}"
    remote = {
        "$type": _RPC_EXCEPTION,
        "IsUserException": False,
        "RemoteStackTrace": failed.stack,
        "RemoteMessage": error,
        "Message": f"Result: Failure\nException: {error}\nStack: {failed.stack}",
    }
    details = {
        "$type": _SYSTEM_EXCEPTION,
        "ClassName": "System.Exception",
        "Message": f" {error}",
        "Data": None,
        "InnerException": remote,
        "HelpURL": None,
        "StackTraceString": None,
        "RemoteStackTraceString": None,
        "RemoteStackIndex": 0,
        "ExceptionMethod": None,
        "HResult": _COR_E_EXCEPTION,
        "Source": None,
        "WatsonBuckets": None,
    }
    return f"Activity function '{name}' failed:  {error}", compact(details)


def orchestrator_failure(name: str, error: str) -> str:
    """The output text of a failed instance, and the Reason that its parent receives."""
    return f"Orchestrator function '{name}' failed: {encodable(error)}"


def child_failure_details(error: str) -> str:
    """Details of SubOrchestrationInstanceFailed: plain text, not JSON.

    The Reason has the whole error already, and the SDK puts both into the parent's. A long one is shortened here:
    with every level of sub-orchestrations it would double, and thirty levels would fill any memory.
    """
    if len(error) > _LONGEST_DETAILS:
        error = f"{error[:_START_OF_LONGER_ONES]}... ({len(error) - _START_OF_LONGER_ONES} more characters)"
    return f"Message: {error}, StackTrace: "


def host_fault(error: BaseException) -> str:
    """What a failed instance shows if the host itself could not go on with it; the log has the traceback."""
    return f"The host could not carry out an episode of this instance: {type(error).__name__}: {text_of(error)}"


def unlabelled_error(failed: FunctionFailed) -> str:
    """What went wrong in an orchestrator that raised outside the SDK's care."""
    return (
        "One or more errors occurred. (Result: Failure\n"
        f"Exception: {failed.error_type}: {failed.message}\nStack: {failed.stack})"
    )


def changed_orchestrator(expected: str, actual: str | None) -> str:
    """The error of an orchestrator that did something else this time than it did before."""
    now = "has not asked for it (yet)" if actual is None else f"asked for {actual} instead"
    return (
        f"Non-Deterministic workflow detected: an earlier execution of this orchestration asked for {expected}, "
        f"but the present replay {now}. Was the orchestrator changed while this instance was live, or does it "
        "use a clock, random numbers or other state that differs between replays?"
    )
