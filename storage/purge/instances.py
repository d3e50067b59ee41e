"""Letting the task hub forget instances that ended before the limit.

The hub can be asked for instances by the time of their creation only; and one that was created long ago may have ended
this morning: a workflow that waited for weeks. So they go by pieces of time, each of which is looked at before. A first
purge may meet years of instances: pieces grow where there is little, and shrink where there is much, or both kinds.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from azure.durable_functions import OrchestrationRuntimeStatus as Status

from storage.ledger.hub import A_PAGE
from storage.purge.work import Slice, Work

ENDED: Final = (Status.Completed, Status.Failed, Status.Terminated, Status.Canceled)
"""Without these the hub would delete live instances, too."""
THE_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
FIRST_PIECE: Final = timedelta(days=1)
SHORTEST_PIECE: Final = timedelta(seconds=1)


async def forget_instances(slice_: Slice, work: Work) -> Work | None:
    """Forget what has ended before the limit, the newest first."""
    until = datetime.fromisoformat(work.after) if work.after else work.before
    length = timedelta(seconds=work.number) if work.number else FIRST_PIECE
    while until > THE_BEGINNING:
        since = max(THE_BEGINNING, until - length)
        ended = await slice_.client.get_status_by(since, until, list(ENDED))
        old = [one for one in ended if one.last_updated_time < work.before]
        slice_.budget.spend()
        is_clear = len(ended) < A_PAGE and len(old) in {0, len(ended)}
        if not is_clear and length > SHORTEST_PIECE:
            length = max(SHORTEST_PIECE, length // 2)
        elif is_clear or not await _forget_each(slice_, old):
            if old and is_clear:
                result = await slice_.client.purge_instance_history_by(since, until, list(ENDED))
                slice_.deleted["instances"] += result.instances_deleted
                slice_.budget.spend()
            until, length = since, min(2 * length, until - THE_BEGINNING)
        if slice_.budget.is_spent:
            return replace(work, after=until.isoformat(), number=max(1, round(length.total_seconds())))
    return None


async def _forget_each(slice_: Slice, old: Sequence[Any]) -> int:
    """Forget some of the instances of the shortest piece, one by one; how many."""
    forgotten = 0
    for one in old:
        forgotten += (await slice_.client.purge_instance_history(one.instance_id)).instances_deleted
        slice_.budget.spend()
    slice_.deleted["instances"] += forgotten
    return forgotten
