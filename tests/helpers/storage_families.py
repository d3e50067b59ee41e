"""Every kind of entity that the app writes, by its keys, and what becomes of it once it is old."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SNAPSHOT: Final = r"[a-z0-9][a-z0-9-]{0,62}~[0-9]{10}"
_ATTEMPT: Final = r"[a-z0-9]+"


@dataclass(frozen=True, slots=True)
class Family:
    """Entities of one table with such keys. They go `with_` something, or stay for ever, which `stays` explains."""

    table: str
    partition: str
    row: str
    with_: str = ""
    stays: str = ""

    def has(self, table: str, partition: str, row: str) -> bool:
        """True for an entity of this family."""
        return table == self.table and all(
            re.fullmatch(pattern, key) for pattern, key in ((self.partition, partition), (self.row, row))
        )


FAMILIES: Final = (
    Family("batches", _SNAPSHOT, r"plan", with_="snapshot"),
    Family("batches", _SNAPSHOT, r"plan-[0-9]{6}", with_="snapshot"),
    Family("batches", _SNAPSHOT, rf"pages-{_ATTEMPT}-[0-9]{{6}}", with_="snapshot"),
    Family("batches", _SNAPSHOT, r"result-[0-9]{6}", with_="snapshot"),
    Family("batches", _SNAPSHOT, rf"memory-[0-9]{{6}}-{_ATTEMPT}-[0-9]{{2}}", with_="snapshot"),
    Family("batches", _SNAPSHOT, rf"links-[0-9]{{6}}-{_ATTEMPT}-[0-9]{{5}}", with_="snapshot"),
    Family("batches", _SNAPSHOT, rf"known-{_ATTEMPT}-[0-9]{{5}}", with_="snapshot"),
    Family("batches", _SNAPSHOT, rf"addresses-{_ATTEMPT}-[0-9]{{5}}", with_="snapshot"),
    Family("batches", _SNAPSHOT, rf"paused-{_ATTEMPT}-[0-9]{{6}}-[0-9]{{4}}", with_="snapshot"),
    Family("batches", r"~robots~[0-9]{10}", r".+", with_="run"),
    Family("rows", rf"{_SNAPSHOT}~[0-9]{{6}}", rf"{_ATTEMPT}-[0-9]{{4}}-[0-9]{{6}}", with_="snapshot"),
    Family("failures", rf"{_SNAPSHOT}~[0-9]{{6}}", rf"{_ATTEMPT}-[0-9]{{4}}-[0-9]{{6}}", with_="snapshot"),
    Family("runs", r"run", r"[0-9]{10}", with_="run"),
    Family("runs", r"run-id", r".+", with_="run"),
    Family("runs", r"stall", r"[0-9]{10}-[0-9]+", with_="run"),
    Family("runs", r"watch", r"watch", stays="one entity: when the watchdog looked last"),
    Family("skips", r"skip", r"[0-9]{16}-[0-9]{16}-[0-9a-f]{32}", with_="its own age"),
    Family("skips", r"skip-id", r"[0-9a-f]{32}", with_="its own age"),
    Family("alerts", r"alert", r".+", with_="its own age"),
    Family("alerts", r"bookmark", r"bookmark", stays="one entity: how far the ledger has been looked at"),
    Family("schedule", r"cancelled", r".+", with_="its own age, once the instance of the start is over"),
    Family("schedule", r"schedule", r".+", stays="one entity for each schedule: its state"),
    Family("locks", r"singleton", r"daily_scrape", stays="one entity: the epoch, which must not fall"),
    Family("locks", r"singleton", r"(?!daily_scrape$).+", with_="the hub's record of its instance"),
    Family("datasets", r"dataset", r"[a-z0-9-]+", stays="one entity for each source: what is published"),
)


def family_of(table: str, partition: str, row: str) -> Family | None:
    """The family of an entity; None if it is of none that is known."""
    found = [one for one in FAMILIES if one.has(table, partition, row)]
    assert len(found) < 2, found
    return found[0] if found else None


WRITES: Final = {
    "account/entity_groups.py": ["submit_transaction", "submit_transaction"],
    "account/pieces.py": ["upsert_all"],
    "account/writes.py": ["Writer", "replace_all"],
    "crawls/frontiers.py": ["write_pieces", "write_pieces"],
    "crawls/page_links.py": ["write_pieces"],
    "data/datasets.py": ["create_entity", "update_entity"],
    "data/rows.py": ["Writer", "upsert_all"],
    "ledger/alerts.py": ["create_entity", "update_entity", "upsert_entity"],
    "ledger/locks.py": ["create_entity", "update_entity"],
    "ledger/runs.py": ["create_entity", "update_entity", "upsert_entity"],
    "ledger/schedule.py": ["upsert_entity", "upsert_entity"],
    "ledger/skips.py": ["create_entity", "create_entity"],
    "ledger/stalls.py": ["create_entity", "upsert_entity"],
    "memory/page_memory.py": ["upsert_entity"],
    "work/batches.py": ["create_entity", "upsert_all"],
    "work/pauses.py": ["create_entity"],
    "work/robots.py": ["create_entity"],
}
"""The calls of `storage` that write: whoever adds one looks whether FAMILIES, and the purge, know what it writes."""
