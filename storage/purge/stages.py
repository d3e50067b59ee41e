"""A purge from stage to stage. Every stage takes up the work where a slice has left it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from storage.keys import newest_first, snapshot_id
from storage.ledger.runs import RunRecord
from storage.purge.expiry import expired_runs, find_expired
from storage.purge.instances import forget_instances
from storage.purge.ledgers import delete_alerts, delete_cancellations, delete_skips, delete_tickets
from storage.purge.needs import Needs
from storage.purge.old_runs import delete_record, delete_snapshot, delete_what_sites_said
from storage.purge.work import Slice, Work

RUNS_AT_ONCE: Final = 50


async def purge_slice(slice_: Slice, work: Work) -> Work | None:
    """Do what the budget of a slice allows; the rest of the work, None if there is none.

    Which runs have expired is asked by every slice: it takes nobody's word for what it may delete.
    """
    stages = list(STAGES)
    expired = await find_expired(slice_, work)
    if not work.stage:
        work = replace(expired, stage=stages[0])
    else:
        records_epoch = min(work.records_epoch, expired.records_epoch)
        work = replace(work, epoch=min(work.epoch, expired.epoch), records_epoch=records_epoch)
    while True:
        rest = await STAGES[work.stage](slice_, work)
        if rest is None:
            following = stages.index(work.stage) + 1
            if following == len(stages):
                return None
            rest = Work(work.before, work.records_before, stages[following], work.epoch, work.records_epoch)
        if slice_.budget.is_spent:
            return rest
        work = rest


async def forbid_to_publish(slice_: Slice, work: Work) -> Work | None:
    """Let no pointer move to an expired snapshot any more."""
    if not work.epoch:
        return None
    for dataset in await slice_.store.datasets.all():
        if dataset.purged_to < work.epoch:
            await slice_.store.datasets.forbid(dataset.source, work.epoch)
            slice_.budget.spend(2)
            if slice_.budget.is_spent:
                return work
    return None


async def delete_runs(slice_: Slice, work: Work) -> Work | None:
    """Delete the expired runs, and of their snapshots those that nobody needs; the newest first.

    So a retry goes before the run whose rows it has taken over.
    """
    if not work.epoch:
        return None
    needs = await Needs.read(slice_, work.epoch)
    while True:
        runs = await expired_runs(slice_.store.tables, work.epoch, after=work.after, at_most=RUNS_AT_ONCE)
        slice_.budget.spend()
        for run in runs:
            if run.epoch != work.run_epoch:
                work = replace(work, run_epoch=run.epoch, number=0, is_kept=False)
            rest = await _delete_run(slice_, work, needs, run)
            if rest is not None:
                return rest
            work = replace(work, after=newest_first(run.epoch))
            if slice_.budget.is_spent:
                return work
        if len(runs) < RUNS_AT_ONCE:
            return None


async def _delete_run(slice_: Slice, work: Work, needs: Needs, run: RunRecord) -> Work | None:
    """Delete a run; the rest of the work if the slice has to end before."""
    is_kept = work.is_kept or needs.is_base(run.epoch)
    for number, source in enumerate(run.sources[work.number :], start=work.number):
        snapshot = snapshot_id(source, run.epoch)
        if needs.is_base(run.epoch) or snapshot in await needs.snapshots_of(source):
            is_kept = True
        elif not await delete_snapshot(slice_, snapshot):
            return replace(work, number=number, is_kept=is_kept)
        if slice_.budget.is_spent:
            return replace(work, number=number + 1, is_kept=is_kept)
    if not await delete_what_sites_said(slice_, run.epoch):
        return replace(work, number=len(run.sources), is_kept=is_kept)
    if not is_kept and run.epoch <= work.records_epoch:
        await delete_record(slice_, run)
    return None


STAGES: Final[Mapping[str, Callable[[Slice, Work], Awaitable[Work | None]]]] = {
    "instances": forget_instances,
    "pointers": forbid_to_publish,
    "runs": delete_runs,
    "skips": delete_skips,
    "alerts": delete_alerts,
    "cancellations": delete_cancellations,
    "tickets": delete_tickets,
}
"""In this order: tickets go once their instances are forgotten."""
