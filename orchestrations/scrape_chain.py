"""Sources that share a host, one after the other: together they are as polite to it as each of them is."""

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from orchestrations import names


def scrape_chain(context: DurableOrchestrationContext) -> Generator[Any, Any, list[dict[str, Any]]]:
    """Scrape the `sources` of a run in turn. Input: `run_id`, `epoch`, `sources`; of a retry also `base_epoch`.

    Returns their summaries. One source that breaks, or is ended by somebody, does not keep the next from its turn.
    """
    chain = context.get_input()
    shared = {key: value for key, value in chain.items() if key != "sources"}
    summaries: list[dict[str, Any]] = []
    for source in chain["sources"]:
        context.set_custom_status({"source": source, "turn": len(summaries) + 1, "of": len(chain["sources"])})
        try:
            summary = yield context.call_sub_orchestrator(
                names.SCRAPE_SOURCE,
                {**shared, "source": source},
                names.source_instance_id(chain["run_id"], chain["epoch"], source),
            )
        except Exception as fault:  # noqa: BLE001 - the SDK raises plain Exception for a failed child
            reason = f"its orchestration was ended or is broken: {str(fault)[:500]}"
            summary = {"source": source, "outcome": "failed", "reason": reason}
        summaries.append(summary)
    return summaries
