"""What is worth an alert, and what it says: from what the ledger tells, without asking anybody."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from scraper.run_log import one_line
from storage.ledger.alerts import Alert
from storage.ledger.runs import RunRecord
from storage.ledger.skips import Skip, SkipReason
from storage.ledger.stalls import Stall

MOST_SOURCES: Final = 20
LONGEST_REASON: Final = 300
LONGEST_TEXT: Final = 1500

# Of these nobody has to be told: an operator has paused the schedule; the date has its data.
EXPECTED_SKIPS: Final = frozenset({SkipReason.PAUSED, SkipReason.DATE_SERVED})
# A watch tries again by itself.
PATIENT_TRIGGERS: Final = frozenset({"watch"})


class Seen(StrEnum):
    """What readers see of a source that the gate has refused; the value says so, of `{}`."""

    BEFORE = "readers see the rows from before of {}"
    NOTHING = "nothing of {} is published"
    FORCED = "somebody has published {} against the gate since"
    NEWER = "newer rows of {} have been published since"


class AlertKind(StrEnum):
    """What an alert is about."""

    FAILED = "failed"  # a run, or a source of it, that came to nothing
    REFUSED = "refused"  # a source whose rows the gate does not publish
    SKIPPED = "skipped"  # a start that was due and met something
    STUCK = "stuck"  # a run without progress
    MISSED = "missed"  # a tick of the schedule that came too late, or never


def of_run(run: RunRecord, *, ended_at: datetime, seen: Mapping[str, Seen]) -> list[Alert]:
    """The alerts of a run that has ended: none, one, or one for what failed and one for what the gate refused.

    `seen` is what readers see of each source that was refused.
    """
    refused = [one for one in run.results if one["outcome"] == "refused"]
    failed = [one for one in run.results if one["outcome"] == "failed"]
    alerts = []
    if refused:
        readers = _of_readers({one["source"]: seen[one["source"]] for one in refused})
        text = f"Run '{run.run_id}' did not publish {_named(refused)}; {readers}."
        alerts.append(_of_run(AlertKind.REFUSED, run, ended_at, text, refused))
    if failed or (run.outcome in {"failed", "refused"} and not refused):
        why = _named(failed) or one_line(run.reason, LONGEST_REASON) or "it gave no reason"
        text = _sentence(f"Run '{run.run_id}' failed: {why}")
        alerts.append(_of_run(AlertKind.FAILED, run, ended_at, text, failed))
    return alerts


def of_stall(stall: Stall) -> Alert:
    """The alert of a run that does nothing any more."""
    text = _sentence(f"Run '{stall.run_id}' is stuck: no progress since {_shown(stall.since)}: {stall.reason}")
    facts = {"runId": stall.run_id, "epoch": stall.epoch, "since": stall.since.isoformat(), "reason": stall.reason}
    alert_id = f"{AlertKind.STUCK}:{stall.run_id}:{stall.epoch}:{_compact(stall.since)}"
    return Alert(alert_id, AlertKind.STUCK, stall.reported_at, text[:LONGEST_TEXT], facts)


def of_skip(skip: Skip) -> Alert | None:
    """The alert of a start that did not happen; None if that is as somebody wanted it."""
    if skip.reason in EXPECTED_SKIPS or skip.trigger in PATIENT_TRIGGERS:
        return None
    if skip.reason == SkipReason.PAST_DUE and skip.scheduled_for is not None:
        return of_missed_tick(skip.run_id, skip.scheduled_for, at=skip.at, detail=skip.detail)
    when = skip.scheduled_for or skip.at
    detail = one_line(skip.detail, LONGEST_REASON) or str(skip.reason)
    text = _sentence(f"The start of '{skip.run_id}' by {skip.trigger}, due at {_shown(when)}, was skipped: {detail}")
    facts = {
        "runId": skip.run_id,
        "scheduledFor": when.isoformat(),
        "trigger": skip.trigger,
        "reason": str(skip.reason),
        "holder": skip.holder,
    }
    return Alert(f"{AlertKind.SKIPPED}:{skip.run_id}:{_compact(when)}", AlertKind.SKIPPED, skip.at, text, facts)


def of_missed_tick(run_id: str, tick: datetime, *, at: datetime, detail: str) -> Alert:
    """The alert of a tick that nothing came of; the same one whether it came too late or was never heard of."""
    reason = one_line(detail, LONGEST_REASON)
    text = _sentence(f"The scheduled run '{run_id}', due at {_shown(tick)}, was missed: {reason}")
    facts = {"runId": run_id, "scheduledFor": tick.isoformat(), "reason": reason}
    return Alert(f"{AlertKind.MISSED}:{run_id}:{_compact(tick)}", AlertKind.MISSED, at, text, facts)


def _of_run(
    kind: AlertKind, run: RunRecord, ended_at: datetime, text: str, sources: Sequence[Mapping[str, Any]]
) -> Alert:
    facts = {
        "runId": run.run_id,
        "epoch": run.epoch,
        "outcome": run.outcome,
        "reason": one_line(run.reason, LONGEST_REASON),
        "sources": [
            {"source": one["source"], "outcome": one["outcome"], "reason": one_line(one["reason"], LONGEST_REASON)}
            for one in sources[:MOST_SOURCES]
        ],
        "sourcesInAll": len(sources),
    }
    return Alert(f"{kind}:{run.run_id}:{run.epoch}", kind, ended_at, text[:LONGEST_TEXT], facts)


def _of_readers(seen: Mapping[str, Seen]) -> str:
    """What readers see of each of these sources."""
    ways = [way for way in Seen if way in seen.values()]
    if ways == [Seen.BEFORE]:
        return "readers see the rows from before"
    if len(ways) == 1:
        return ways[0].format("it" if len(seen) == 1 else "them")
    return "; ".join(way.format(_quoted([name for name, its in seen.items() if its == way])) for way in ways)


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _named(sources: Sequence[Mapping[str, Any]]) -> str:
    """Sources with their reasons; a few of them, if there are many."""
    named = [f"'{one['source']}' ({one_line(one['reason'], LONGEST_REASON)})" for one in sources[:3]]
    return ", ".join(named) + (f" and {len(sources) - 3} more" if len(sources) > 3 else "")


def _sentence(text: str) -> str:
    """`text` with one end, also if it has that of a reason that it quotes."""
    ended = text.rstrip()
    return ended if ended.endswith((".", "?", "!")) else f"{ended}."


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _compact(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S%f}"
