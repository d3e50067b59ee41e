"""What is worth an alert, what it says, and how it is written for each kind of receiver."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scraper.settings import Settings
from storage.data.dataset import Dataset
from storage.data.publications import Publication
from storage.ledger.runs import RunRecord
from storage.ledger.skips import Skip, SkipReason
from storage.ledger.stalls import Stall
from triggers.alerts.collecting import seen_of
from triggers.alerts.events import Seen, of_missed_tick, of_run, of_skip, of_stall
from triggers.alerts.missed import newest_tick
from triggers.alerts.payload import body_of

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
TICK = datetime(2026, 11, 21, 6, tzinfo=UTC)
RUN = RunRecord("daily-2026-11-21", 17, "c", TICK, "timer", ("books", "shop"), "completed", finished_at=NOW)
SEEN = {"books": Seen.BEFORE, "shop": Seen.BEFORE}


def source(name: str, outcome: str, reason: str = "") -> dict[str, Any]:
    return {"source": name, "outcome": outcome, "reason": reason}


def ended(outcome: str, *results: dict[str, Any], reason: str = "") -> list[tuple[str, str]]:
    run = replace(RUN, outcome=outcome, results=results, reason=reason)
    return [(alert.alert_id, alert.text) for alert in of_run(run, ended_at=NOW, seen=SEEN)]


@pytest.mark.parametrize("outcome", ["completed", "completed_with_failures", "stopped", "superseded", "terminated"])
def test_a_run_whose_sources_are_published_or_that_somebody_ended_is_no_alert(outcome: str) -> None:
    assert ended(outcome, source("books", "published"), source("shop", "stopped")) == []


def test_a_source_that_the_gate_refuses_is_one_alert_also_if_it_was_the_only_one() -> None:
    text = "Run 'daily-2026-11-21' did not publish 'books' (min_rows: 0 rows); readers see the rows from before."
    refused = source("books", "refused", "min_rows: 0 rows")
    assert ended("failed", refused) == [("refused:daily-2026-11-21:17", text)]
    assert ended("completed_with_failures", refused, source("shop", "published")) == [
        ("refused:daily-2026-11-21:17", text)
    ]


def of_readers(**seen: Seen) -> str:
    """What the alert says of the readers of these sources."""
    run = replace(RUN, outcome="failed", results=tuple(source(name, "refused", "x") for name in seen))
    (alert,) = of_run(run, ended_at=NOW, seen=seen)
    return alert.text.partition("; ")[2]


def test_an_alert_tells_for_each_source_what_readers_see_of_it() -> None:
    before, nothing, forced, newer = Seen.BEFORE, Seen.NOTHING, Seen.FORCED, Seen.NEWER
    assert of_readers(a=before, b=before) == "readers see the rows from before."
    assert of_readers(a=nothing) == "nothing of it is published."
    assert of_readers(a=nothing, b=nothing) == "nothing of them is published."
    assert of_readers(a=forced) == "somebody has published it against the gate since."
    assert of_readers(a=newer) == "newer rows of it have been published since."
    assert of_readers(a=nothing, b=before, c=nothing) == (
        "readers see the rows from before of 'b'; nothing of 'a', 'c' is published."
    )
    assert of_readers(a=newer, b=newer, c=newer, d=newer, e=forced) == (
        "somebody has published 'e' against the gate since; "
        "newer rows of 'a', 'b', 'c' and 1 more have been published since."
    )


def test_what_readers_see_is_read_from_the_pointer_of_the_source() -> None:
    by_hand = Publication("run-17", 17, NOW, 1, 0, 1, by="somebody")
    fenced = Dataset("books", fence=17)
    published = replace(fenced, epoch=16, snapshot="books@16")
    assert [seen_of(one, 17) for one in (None, fenced, published)] == [Seen.NOTHING, Seen.NOTHING, Seen.BEFORE]
    assert seen_of(replace(published, epoch=17), 17) == Seen.FORCED
    assert seen_of(replace(published, publications=(by_hand,)), 17) == Seen.FORCED
    assert seen_of(replace(published, epoch=18), 17) == Seen.NEWER


def test_a_source_that_failed_is_an_alert_though_others_are_published() -> None:
    found = ended("completed_with_failures", source("books", "failed", "no plan"), source("shop", "published"))
    assert found == [("failed:daily-2026-11-21:17", "Run 'daily-2026-11-21' failed: 'books' (no plan).")]


def test_a_run_with_both_is_two_alerts() -> None:
    found = ended("failed", source("books", "failed", "x"), source("shop", "refused", "y"))
    assert sorted(alert_id for alert_id, _ in found) == ["failed:daily-2026-11-21:17", "refused:daily-2026-11-21:17"]


def test_a_run_without_results_says_its_own_reason() -> None:
    assert ended("failed", reason="the orchestration is gone")[0][1] == (
        "Run 'daily-2026-11-21' failed: the orchestration is gone."
    )


def test_of_many_sources_three_are_named() -> None:
    (alert,) = of_run(
        replace(RUN, outcome="failed", results=tuple(source(f"s{n}", "failed", "x") for n in range(50))),
        ended_at=NOW,
        seen={},
    )
    assert alert.text == "Run 'daily-2026-11-21' failed: 's0' (x), 's1' (x), 's2' (x) and 47 more."
    assert (len(alert.facts["sources"]), alert.facts["sourcesInAll"]) == (20, 50)


def skip(reason: SkipReason, trigger: str = "timer") -> Skip:
    return Skip(NOW, "daily-2026-11-21", trigger, reason, "run-1", "held by 'run-1'", TICK)


def test_a_start_that_met_another_run_is_skipped_and_one_that_came_too_late_is_missed() -> None:
    held, late = of_skip(skip(SkipReason.HELD)), of_skip(skip(SkipReason.PAST_DUE))
    assert held is not None
    assert late is not None
    assert (held.kind, late.kind) == ("skipped", "missed")
    assert late.alert_id == of_missed_tick("daily-2026-11-21", TICK, at=NOW, detail="never heard of").alert_id
    assert held.text == (
        "The start of 'daily-2026-11-21' by timer, due at 2026-11-21 06:00:00 UTC, was skipped: held by 'run-1'."
    )


def test_a_reason_that_is_a_sentence_ends_with_one_full_stop() -> None:
    told = of_skip(replace(skip(SkipReason.HELD), detail="'run-1' is live; one run at a time."))
    assert told is not None
    assert told.text.endswith("was skipped: 'run-1' is live; one run at a time.")
    late = of_missed_tick("daily-2026-11-21", TICK, at=NOW, detail="it came too late.")
    assert late.text.endswith("was missed: it came too late.")
    assert of_stall(Stall(17, "run-1", TICK, NOW, "suspended.")).text.endswith("UTC: suspended.")
    asked = of_missed_tick("daily-2026-11-21", TICK, at=NOW, detail="is it on?")
    assert asked.text.endswith("was missed: is it on?")
    assert ended("failed", reason="the hub is gone.")[0][1].endswith("failed: the hub is gone.")


def test_what_an_operator_wanted_or_a_watch_makes_up_for_is_no_alert() -> None:
    assert of_skip(skip(SkipReason.PAUSED)) is None
    assert of_skip(skip(SkipReason.DATE_SERVED)) is None
    assert of_skip(skip(SkipReason.HELD, trigger="watch")) is None


def test_two_stalls_of_a_run_are_two_alerts() -> None:
    first = of_stall(Stall(17, "run-1", TICK, NOW, "suspended"))
    second = of_stall(Stall(17, "run-1", TICK + timedelta(hours=1), NOW, "suspended"))
    assert first.alert_id == "stuck:run-1:17:20261121T060000000000"
    assert first.alert_id != second.alert_id


def test_the_newest_tick_is_looked_for_within_its_limits() -> None:
    assert newest_tick("0 0 6 * * *", after=TICK - timedelta(days=9), until=NOW) == TICK
    assert newest_tick("0 0 6 * * *", after=TICK, until=NOW) is None
    assert newest_tick("0 0 6 * * *", after=NOW, until=TICK) is None


def settings(form: str) -> Settings:
    return Settings.model_validate({"alert_format": form})


(HOSTILE,) = of_run(
    replace(RUN, outcome="failed", results=(source("books", "failed", "<!channel> [x](http://evil) & \n**b**"),)),
    ended_at=NOW,
    seen={},
)


def test_our_own_payload_has_text_for_people_and_facts_for_programs() -> None:
    assert body_of(HOSTILE, settings("json")) == {
        "version": 1,
        "id": "failed:daily-2026-11-21:17",
        "kind": "failed",
        "at": "2026-11-21T06:30:00+00:00",
        "app": "daily-scrape",
        "text": "Run 'daily-2026-11-21' failed: 'books' (<!channel> [x](http://evil) & \\n**b**).",
        "links": {},
        "facts": {
            "runId": "daily-2026-11-21",
            "epoch": 17,
            "outcome": "failed",
            "reason": "",
            "sources": [{"source": "books", "outcome": "failed", "reason": "<!channel> [x](http://evil) & \\n**b**"}],
            "sourcesInAll": 1,
        },
    }


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("404: https://a.example/x?token=SECRET", "404: https://a.example/x?…"),
        ("'HTTPS://a.example?k='SECRET'&b=SECRET', 2 of 3", "'HTTPS://a.example?…', 2 of 3"),
        ("it led to /login?back=/x?k=SECRET.", "it led to /login?…."),
        (
            "(https://a.example/x?k=SECRET#a) and http://b.example/?SECRET: no",
            "(https://a.example/x?…) and http://b.example/?…: no",
        ),
        ("is it https://a.example/x? Or (?i)b", "is it https://a.example/x? Or (?i)b"),
    ],
)
@pytest.mark.parametrize("form", ["json", "slack", "teams"])
def test_an_alert_shows_no_query_of_an_address(form: str, reason: str, shown: str) -> None:
    results = (source("books", "failed", reason),)
    (alert,) = of_run(replace(RUN, outcome="failed", results=results, reason=reason), ended_at=NOW, seen={})
    body = body_of(alert, settings(form))
    assert "SECRET" not in json.dumps(body)
    assert shown.removesuffix(".") in json.dumps(body, ensure_ascii=False)
    if form == "json":
        assert (body["facts"]["reason"], body["facts"]["sources"][0]["reason"]) == (shown, shown)


def test_a_slack_message_is_one_text_in_which_a_site_can_call_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSITE_SITE_NAME", "shop-scrape")
    monkeypatch.setenv("WEBSITE_HOSTNAME", "shop.example.net")
    body = body_of(HOSTILE, settings("slack"))
    assert list(body) == ["text"]
    assert body["text"].startswith("[shop-scrape] Run 'daily-2026-11-21' failed: 'books' (&lt;!channel&gt; ")
    assert "\nhttps://shop.example.net/api/dashboard\nid: failed:" in body["text"]


def test_a_teams_card_shows_its_texts_as_they_are() -> None:
    body = body_of(HOSTILE, settings("teams"))
    (attachment,) = body["attachments"]
    assert body["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert {block["type"] for block in attachment["content"]["body"]} == {"RichTextBlock"}
    assert HOSTILE.text in [block["inlines"][0]["text"] for block in attachment["content"]["body"]]
    json.dumps(body)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T0/B0/x",
        "https://prod-1.westeurope.logic.azure.com:443/workflows/1/x?api-version=2016-06-01&sp=%2Ft&sig=a_b-c",
        "http://localhost:9000",
        "http://127.0.0.1:9000/hook",
        "http://[::1]:9/",
        "HTTPS://Hooks.example.net/x",
        "https://[2001:db8::1]:8443/x",
        "https://hooks.example.net?x=1",
        "",
    ],
)
def test_an_address_over_tls_or_on_this_machine_is_accepted(url: str) -> None:
    assert Settings(alert_webhook_url=url).alerts_fault == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/services/secret",
        "http://localhost.evil.example/secret",
        "https://user:secret@host/x",
        "ftp://host/secret",
        "hooks.slack.com/secret",
        "https:///secret",
        "https://host/a secret",
        "https://host/secret#ü",
        "https://host:99999/secret",
        "https://[::::]/secret",
        "https://[secret]/",
        "@Microsoft.KeyVault(SecretUri=https://vault.example/secret)",
    ],
)
def test_another_address_is_a_fault_that_stops_nothing_and_is_not_shown(url: str) -> None:
    fault = Settings(alert_webhook_url=url).alerts_fault
    assert fault.startswith("ALERT_WEBHOOK_URL: it")
    assert url not in fault
    assert "secret" not in fault


def test_a_format_that_there_is_not_is_a_fault_that_stops_nothing() -> None:
    wrong = Settings(alert_format="nope", log_format="xml", alert_webhook_url="ftp://x")
    assert wrong.usable_log_format == "text"
    assert wrong.soft_faults == [wrong.alerts_fault, "LOG_FORMAT: it must be text or json"]
    assert wrong.alerts_fault.endswith("; ALERT_FORMAT: it must be json, slack or teams")


def test_settings_do_not_show_the_address() -> None:
    assert "secret" not in repr(Settings(alert_webhook_url="https://host/secret"))
