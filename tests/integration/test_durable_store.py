"""The hub's SQLite file: each method is one transaction that holds or does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devhost.durable.episodes.task_table import TaskTable
from devhost.durable.errors import InstanceAlreadyLive
from devhost.durable.executions import Effects, EpisodeResult, NewExecution, QueuedActivity
from devhost.durable.instance import Instance, InstanceQuery, RuntimeStatus
from devhost.durable.protocol import orchestrator_completed, task_completed
from devhost.durable.store.episode_store import LoadedExecution
from devhost.durable.store.store import Store
from devhost.errors import HostStartError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SOON = NOW + timedelta(seconds=5)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "hub.sqlite")
    yield opened
    opened.close()


def new(instance_id: str = "a", execution_id: str = "e1") -> NewExecution:
    return NewExecution(instance_id, execution_id, "main", "", None, NOW)


def create(store: Store, execution: NewExecution | None = None) -> None:
    store.instances.create(execution or new(), override_any_state=False)


def load(store: Store, instance_id: str = "a") -> LoadedExecution:
    loaded = store.episodes.load(instance_id, None)
    assert loaded is not None
    return loaded


def get(store: Store, instance_id: str = "a") -> Instance:
    found = store.instances.get(instance_id)
    assert found is not None
    return found


def episode(loaded: LoadedExecution, effects: Effects | None = None) -> EpisodeResult:
    return EpisodeResult(
        execution=loaded.execution,
        consumed=tuple(message.seq for message in loaded.inbox),
        history=[orchestrator_completed(NOW)],
        runtime_status=RuntimeStatus.RUNNING,
        updated_at=NOW,
        custom_status_text=None,
        table_text=TaskTable().to_text(),
        effects=effects or Effects(),
    )


ONE_OF_EACH = Effects(activities=(QueuedActivity(0, "A", "null"),), timers=((1, SOON),))


def test_a_created_instance_is_pending_with_its_start_message(store: Store) -> None:
    create(store)
    assert get(store).runtime_status is RuntimeStatus.PENDING
    assert [message.event["EventType"] for message in load(store).inbox] == [0]


def test_a_refused_start_changes_nothing(store: Store) -> None:
    create(store)
    with pytest.raises(InstanceAlreadyLive):
        create(store, new(execution_id="e2"))
    assert get(store).execution_id == "e1"
    assert len(load(store).inbox) == 1


def test_an_episode_writes_history_work_and_timers_and_empties_the_inbox(store: Store) -> None:
    create(store)
    store.episodes.commit(episode(load(store), ONE_OF_EACH))
    assert [event["EventType"] for event in store.instances.history("a")] == [13]
    assert [(item.task_id, item.name) for item in store.episodes.next_work(after=0, limit=9)] == [(0, "A")]
    assert store.episodes.fire_timers(NOW) == (set(), SOON)
    assert store.episodes.instances_with_messages() == []


def test_an_ended_instance_leaves_no_timer_and_no_message(store: Store) -> None:
    create(store)
    store.episodes.commit(episode(load(store), ONE_OF_EACH))
    store.instances.raise_event("a", "go", "1", NOW)
    store.instances.terminate("a", "enough", NOW)
    assert (store.episodes.fire_timers(NOW), store.episodes.instances_with_messages()) == ((set(), None), [])


def test_a_new_generation_has_none_of_the_old_timers(store: Store) -> None:
    create(store)
    store.episodes.commit(episode(load(store), ONE_OF_EACH))
    store.instances.raise_event("a", "go", "1", NOW)
    ended = replace(
        episode(load(store)), runtime_status=RuntimeStatus.CONTINUED_AS_NEW, next_generation=new(execution_id="e2")
    )
    store.episodes.commit(ended)
    assert store.episodes.fire_timers(NOW) == (set(), None)
    assert [message.event["EventType"] for message in load(store).inbox] == [0]


def test_a_result_for_an_ended_instance_leaves_neither_call_nor_message(store: Store) -> None:
    create(store)
    store.episodes.commit(episode(load(store), ONE_OF_EACH))
    (item,) = store.episodes.next_work(after=0, limit=9)
    store.instances.terminate("a", "enough", NOW)
    assert store.episodes.record_results([(item, task_completed(NOW, 0, None))]) == set()
    assert (store.episodes.next_work(after=0, limit=9), store.episodes.instances_with_messages()) == ([], [])


def test_a_second_commit_of_the_same_episode_is_refused_and_writes_nothing(store: Store) -> None:
    create(store)
    result = episode(load(store), ONE_OF_EACH)
    store.episodes.commit(result)
    assert store.episodes.commit(result) is None
    assert len(store.episodes.next_work(after=0, limit=9)) == 1


def test_an_episode_that_lost_against_terminate_is_refused(store: Store) -> None:
    create(store)
    result = episode(load(store), ONE_OF_EACH)
    store.instances.terminate("a", "enough", NOW)
    assert store.episodes.commit(result) is None
    assert (get(store).runtime_status, get(store).output_text) == (RuntimeStatus.TERMINATED, "enough")


@pytest.mark.row("durable/4.14/one-transaction")
def test_a_fault_within_a_commit_leaves_the_file_as_it_was(store: Store) -> None:
    create(store)
    twice = Effects(timers=((1, SOON), (1, SOON)))
    with pytest.raises(sqlite3.IntegrityError):
        store.episodes.commit(episode(load(store), twice))
    assert (get(store).runtime_status, len(load(store).inbox)) == (RuntimeStatus.PENDING, 1)


def test_a_suspension_during_an_episode_outlives_its_commit(store: Store) -> None:
    create(store)
    result = episode(load(store))
    store.instances.suspend("a", "lunch", NOW)
    store.episodes.commit(result)
    assert (get(store).runtime_status, get(store).output_text) == (RuntimeStatus.SUSPENDED, "lunch")
    assert store.episodes.load("a", None) is None


def test_an_end_during_a_suspension_counts(store: Store) -> None:
    create(store)
    result = replace(episode(load(store)), runtime_status=RuntimeStatus.COMPLETED, output_text="1")
    store.instances.suspend("a", "lunch", NOW)
    store.episodes.commit(result)
    assert (get(store).runtime_status, get(store).output_text) == (RuntimeStatus.COMPLETED, "1")


def test_a_result_is_taken_once(store: Store) -> None:
    create(store)
    store.episodes.commit(episode(load(store), ONE_OF_EACH))
    (item,) = store.episodes.next_work(after=0, limit=9)
    answer = (item, task_completed(NOW, 0, None))
    assert store.episodes.record_results([answer]) == {"a"}
    assert store.episodes.record_results([answer]) == set()
    assert len(load(store).inbox) == 1


def test_a_result_for_a_replaced_execution_is_dropped_with_its_work_item(store: Store) -> None:
    create(store)
    store.episodes.commit(episode(load(store), ONE_OF_EACH))
    (item,) = store.episodes.next_work(after=0, limit=9)
    store.instances.terminate("a", "enough", NOW)
    create(store, new(execution_id="e2"))
    assert store.episodes.record_results([(item, task_completed(NOW, 0, None))]) == set()
    assert store.episodes.next_work(after=0, limit=9) == []
    assert len(load(store).inbox) == 1


def test_a_due_timer_becomes_a_message_once(store: Store) -> None:
    create(store)
    store.episodes.commit(episode(load(store), ONE_OF_EACH))
    assert store.episodes.fire_timers(SOON) == ({"a"}, None)
    assert store.episodes.fire_timers(SOON) == (set(), None)
    assert [message.event["TimerId"] for message in load(store).inbox] == [1]


def test_what_the_caller_knows_already_is_not_read_again(store: Store) -> None:
    create(store)
    store.episodes.commit(episode(load(store)))
    store.instances.raise_event("a", "go", "1", NOW)
    known, unknown = store.episodes.load("a", ("e1", 1)), store.episodes.load("a", ("e1", 0))
    assert known is not None
    assert (known.past, known.table_text) == (None, None)
    assert unknown is not None
    assert unknown.past


def test_nothing_that_an_activity_costs_scans_the_hub(store: Store, tmp_path: Path) -> None:
    queries = [
        "SELECT seq FROM inbox WHERE instance_id = 'a' ORDER BY seq",
        "SELECT events FROM history WHERE instance_id = 'a' ORDER BY episode",
        "SELECT table_text FROM task_tables WHERE instance_id = 'a'",
        "SELECT name FROM instances WHERE instance_id = 'a'",
        "SELECT seq FROM work_items WHERE seq > 5 ORDER BY seq LIMIT 9",
        "SELECT task_id FROM timers WHERE fire_at <= 'x' ORDER BY fire_at LIMIT 9",
        "SELECT min(fire_at) FROM timers",
        "DELETE FROM timers WHERE instance_id = 'a' AND task_id = 1",
        "SELECT instance_id FROM instances WHERE created_at >= 'x' AND created_at <= 'y'",
    ]
    with sqlite3.connect(tmp_path / "hub.sqlite") as db:
        plans = [row[3] for query in queries for row in db.execute(f"EXPLAIN QUERY PLAN {query}")]
    db.close()
    assert [plan for plan in plans if not plan.startswith("SEARCH")] == []


def test_a_terminated_instance_that_never_ran_has_a_complete_history(store: Store) -> None:
    create(store)
    store.instances.terminate("a", "enough", NOW)
    assert [event["EventType"] for event in store.instances.history("a")] == [12, 0, 3, 1]


def test_an_unreadable_continuation_token_means_the_beginning(store: Store) -> None:
    create(store)
    page, token = store.instances.list_page(InstanceQuery(), top=5, continuation="~")
    assert ([one.instance_id for one in page], token) == (["a"], None)


def test_prefixes_compare_case_and_wildcards_literally(store: Store) -> None:
    for instance_id in ("a_1", "ab1", "A_1"):
        create(store, new(instance_id))
    page, _ = store.instances.list_page(InstanceQuery(prefix="a_"), top=5, continuation=None)
    assert [one.instance_id for one in page] == ["a_1"]


def test_purging_by_a_live_status_only_removes_nothing(store: Store) -> None:
    create(store)
    store.instances.terminate("a", "enough", NOW)
    assert store.instances.purge_matching(InstanceQuery(statuses=frozenset({RuntimeStatus.RUNNING}))) == 0


def test_a_file_that_is_no_database_is_refused_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    path.write_text("this is no database, but it is long enough to look at " * 20)
    with pytest.raises(HostStartError, match="delete it to start with an empty hub"):
        Store(path)


def test_a_file_with_damaged_pages_of_waiting_work_is_refused_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    whole = Store(path)
    for number in range(200):
        create(whole, new(f"a{number}"))
    whole.close()
    content = path.read_bytes()
    first_page = 4096  # it holds the names of the tables, the others the rows
    path.write_bytes(content[:first_page] + bytes(len(content) - first_page))
    with pytest.raises(HostStartError, match=r"malformed.*delete it to start with an empty hub"):
        Store(path)


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(HostStartError, match="schema version 99"):
        Store(path)


def test_a_file_that_is_refused_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def open_it(*given: Any, **named: Any) -> sqlite3.Connection:
        opened.append(connect(*given, **named))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", open_it)
    with connect(tmp_path / "hub.sqlite") as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(HostStartError):
        Store(tmp_path / "hub.sqlite")
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        opened[0].execute("SELECT 1")
