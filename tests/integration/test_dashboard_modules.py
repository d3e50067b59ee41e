"""Modules of the dashboard that need no browser, run by Node: what becomes of hostile text, and what was missed."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from scripts.node import node_of_venv, node_on_path
from triggers.dashboard.files import FOLDER

CALL = """
const [source, name, inputs] = JSON.parse(process.argv[1]);
const found = (await import(`data:text/javascript;base64,${source}`))[name];
console.log(JSON.stringify(inputs.map((input) => found(...input))));
"""


@cache
def executable() -> Path:
    """The Node that runs them."""
    node = node_on_path() or node_of_venv()
    assert node is not None
    return node.executable


def called(module: str, name: str, *inputs: list[Any]) -> list[Any]:
    """What a function of a module without imports answers to each of these lists of arguments."""
    source = base64.b64encode((FOLDER / module).read_bytes()).decode()
    command = [executable(), "--input-type=module", "-e", CALL, json.dumps([source, name, inputs])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    answers: list[Any] = json.loads(done.stdout)
    return answers


def test_characters_that_cannot_be_seen_or_turn_others_around_are_shown_as_what_they_are() -> None:
    texts = {
        "gnp.\u202eexe": "gnp.⟨U+202E⟩exe",
        "a\x00b\x1b[31m\x7f\x9b": "a⟨U+0000⟩b⟨U+001B⟩[31m⟨U+007F⟩⟨U+009B⟩",
        "zero\u200bwidth\ufeff\u00ad": "zero⟨U+200B⟩width⟨U+FEFF⟩⟨U+00AD⟩",
        "\u2066in\u2069": "⟨U+2066⟩in⟨U+2069⟩",
        "tag\U000e0041": "tag⟨U+E0041⟩",
        "half \ud800 of a pair": "half \ufffd of a pair",
        "two\nlines\t": "two↵\nlines⇥\t",
        "café 😀 👩\u200d🚀 مرحبا <b>": "café 😀 👩\u200d🚀 مرحبا <b>",
        "a\u200cb\u200dc": "a⟨U+200C⟩b⟨U+200D⟩c",
        "\u3164\u115f\u1160\uffa0\u2800\u034f\u180e": "".join(
            f"⟨U+{code}⟩" for code in ("3164", "115F", "1160", "FFA0", "2800", "034F", "180E")
        ),
        "a\ufe00b\ufe0f\U000e0100": "a⟨U+FE00⟩b⟨U+FE0F⟩⟨U+E0100⟩",
    }
    assert called("js/text.js", "visible", *([text] for text in texts)) == list(texts.values())


def test_an_emoji_stays_in_one_piece_and_hides_nothing() -> None:
    texts = {
        "\u2764\ufe0f 1\ufe0f\u20e3": "\u2764\ufe0f 1\ufe0f\u20e3",
        "👩🏽\u200d\u2695\ufe0f 🏳\ufe0f\u200d🌈": "👩🏽\u200d\u2695\ufe0f 🏳\ufe0f\u200d🌈",
        "👨\u200d👩\u200d👧": "👨\u200d👩\u200d👧",
        "😀\u200d\u200d😀": "😀⟨U+200D⟩⟨U+200D⟩😀",
        "😀\ufe0f\ufe0f😀\u200dx": "😀\ufe0f⟨U+FE0F⟩😀⟨U+200D⟩x",
        "1\ufe0fx": "1⟨U+FE0F⟩x",
    }
    assert called("js/text.js", "visible", *([text] for text in texts)) == list(texts.values())


def test_what_is_no_text_is_shown_as_one() -> None:
    assert called("js/text.js", "visible", [3.5], [True], [None]) == ["3.5", "true", "null"]


def test_a_long_text_is_cut_between_characters() -> None:
    cuts = called("js/text.js", "cut", ["abcd", 4], ["abcde", 4], ["😀😀😀", 3], ["😀😀😀😀", 3], ["x" * 10_000, 5])
    assert cuts == ["abcd", "abc…", "😀😀😀", "😀😀…", "xxxx…"]


def test_only_addresses_of_the_web_that_hide_no_host_become_links() -> None:
    addresses = {
        "https://example.com/a?b=1&c=<b>": "https://example.com/a?b=1&c=%3Cb%3E",
        "HTTP://example.com": "http://example.com/",
        "javascript:alert(1)": None,
        " jav\tascript:alert(1)": None,
        "data:text/html,<script>": None,
        "file:///etc/passwd": None,
        "https://bank.example@elsewhere.example/": None,
        "//elsewhere.example/": None,
        "/relative": None,
        "": None,
    }
    assert called("js/text.js", "linkable", *([address] for address in addresses)) == list(addresses.values())


def run(day: int, run_id: str = "", **facts: Any) -> dict[str, Any]:
    usual = {"runId": run_id or f"daily-2026-11-{day:02d}", "epoch": day, "state": "finished"}
    return {**usual, "startedAt": f"2026-11-{day:02d}T06:00:01+00:00", **facts}


def tick(day: int) -> str:
    return f"2026-11-{day:02d}T06:00:00+00:00"


def skip(day: int, *, by: str = "timer") -> dict[str, Any]:
    usual = {"runId": f"daily-2026-11-{day:02d}", "at": tick(day), "scheduledFor": tick(day), "reason": "paused"}
    return {**usual, "trigger": by} if by == "timer" else {**usual, "trigger": by, "runId": "watched"}


def past(
    runs: list[Any], skips: list[Any], ticks: list[str], *, now: str, most: int = 30, are_all: bool = True
) -> list[str]:
    """Kind and day of each entry, and how many skips it stands for if these are several."""
    milliseconds = datetime.fromisoformat(now).timestamp() * 1000
    skipped = {"skips": skips, "areAll": are_all}
    (found,) = called("js/past.js", "past", [runs, skipped, ticks, most, milliseconds])
    counts = [len(one.get("skips", ())) for one in found]
    return [
        f"{one['kind']} {one['at'][8:10]}" + (f" x{count}" if count > 1 else "")
        for one, count in zip(found, counts, strict=True)
    ]


TICKS = [tick(day) for day in range(1, 10)]


def test_a_day_with_neither_run_nor_skip_was_missed_and_days_before_the_first_run_were_not() -> None:
    found = past([run(8), run(5), run(3)], [skip(7)], TICKS, now=tick(9))
    assert found == ["run 03", "missed 04", "run 05", "missed 06", "skip 07", "run 08"]


def test_a_tick_is_not_missed_at_once_nor_while_it_may_wait_for_a_live_run() -> None:
    assert past([run(8)], [], TICKS, now="2026-11-09T06:05:00+00:00") == ["run 08"]
    assert past([run(8)], [], TICKS, now="2026-11-09T07:00:00+00:00") == ["run 08", "missed 09"]
    assert past([run(8, state="running")], [], TICKS, now="2026-11-09T07:00:00+00:00") == ["run 08"]


def test_a_run_that_somebody_started_does_not_stand_for_the_daily_one() -> None:
    found = past([run(8, "by-hand"), run(7)], [], TICKS, now="2026-11-08T09:00:00+00:00")
    assert found == ["run 07", "missed 08", "run 08"]


def test_the_newest_are_told_and_no_skip_from_before_the_oldest_of_many_runs() -> None:
    runs = [run(8), run(7), run(6)]
    assert past(runs, [skip(1), skip(5)], [], now=tick(9), most=2) == ["run 07", "run 08"]
    assert past(runs, [skip(1), skip(5)], [], now=tick(9)) == ["skip 01", "skip 05", "run 06", "run 07", "run 08"]


def test_no_crowd_of_skips_pushes_runs_and_days_out_of_sight() -> None:
    watched = [skip(7, by="watch")] * 110
    found = past([run(8), run(6)], [*watched, skip(7)], TICKS, now=tick(8), most=2)
    assert found == ["run 06", "skip 07", "skip 07 x110", "run 08"]
    found = past([run(9), run(5)], [*watched, skip(8), skip(6)], TICKS, now=tick(9), most=2)
    assert found == ["run 05", "skip 06", "missed 07", "skip 07 x110", "skip 08", "run 09"]


def test_no_day_was_missed_of_which_the_skips_are_not_known() -> None:
    runs = [run(8), run(3)]
    skips = [skip(7), skip(6, by="watch")]
    assert past(runs, skips, TICKS, now=tick(8), are_all=False) == ["run 03", "skip 06", "skip 07", "run 08"]


def test_a_span_is_rounded_before_it_is_split_into_units() -> None:
    spans = {
        300: "0.3 s",
        9_960: "10 s",
        41_200: "41 s",
        59_700: "1 min 0 s",
        119_600: "2 min 0 s",
        3_599_900: "1 h 0 min",
        7_199_900: "2 h 0 min",
        7_500_000: "2 h 5 min",
        172_799_900: "2 d 0 h",
    }
    assert called("js/span.js", "span", *([ms] for ms in spans)) == list(spans.values())


def source(state: str, *, pages: int, loaded: int, failed: int = 0) -> dict[str, Any]:
    return {"source": state, "state": state, "pages": pages, "loaded": loaded, "failed": failed}


def left_undone(*sources: dict[str, Any], state: str = "finished", epoch: int | None = 1) -> Any:
    (left,) = called("js/standing.js", "leftUndone", [{"state": state, "epoch": epoch, "sources": sources}])
    return left


def test_a_retry_is_only_offered_of_a_run_that_left_something_undone() -> None:
    done = source("published", pages=3, loaded=3)
    assert left_undone(done) is None
    assert left_undone(done, source("refused", pages=3, loaded=3)) is None
    assert left_undone(source("stopped", pages=3, loaded=1), state="stopping") is None
    assert left_undone(done, source("published", pages=3, loaded=3, failed=2)) is None  # a sitemap, and no pages
    assert left_undone(done, source("refused", pages=3, loaded=1, failed=2)) == {
        "failed": 2,
        "isMissing": False,
        "only": None,
    }
    assert left_undone(done, source("stopped", pages=3, loaded=1)) == {"failed": 0, "isMissing": True, "only": None}
    assert left_undone(source("failed", pages=0, loaded=0)) == {"failed": 0, "isMissing": True, "only": None}
    assert left_undone(source("stopped", pages=9, loaded=1, failed=2)) == {"failed": 2, "isMissing": True, "only": None}


def test_no_retry_is_offered_of_what_a_newer_run_has_published() -> None:
    books, news = (source("refused", pages=3, loaded=1, failed=2) | {"source": name} for name in ("books", "news"))
    ended = {"state": "finished", "epoch": 4, "sources": [books, news]}
    before, since = {"epoch": 3}, {"epoch": 5}
    seen = [{"books": before}, {"books": since}, {"books": since, "news": since}]
    assert called("js/standing.js", "leftUndone", *([ended, one] for one in seen)) == [
        {"failed": 4, "isMissing": False, "only": None},
        {"failed": 2, "isMissing": False, "only": ["news"]},
        None,
    ]
    by_hand = {"books": {"epoch": 4}}
    told = called("js/standing.js", "undecided", *([ended, one] for one in [*seen, by_hand]))
    assert told == [["books", "news"], ["news"], [], ["news"]]


def bars(*sources: dict[str, Any]) -> list[tuple[str, int | None, str]]:
    """State, value and text of the bar of each source."""
    named = [{**one, "source": f"s{place}"} for place, one in enumerate(sources)]
    told = called("js/standing.js", "barOf", *([one, named] for one in named))
    return [(one["state"], one["value"], one["text"]) for one in told]


def test_a_source_whose_first_batch_goes_on_has_a_bar_without_a_value_that_says_why() -> None:
    none_done = {**source("scraping", pages=30, loaded=0), "batches": 1, "batchesDone": 0}
    many = {**none_done, "pages": 1200, "batches": 12}
    some_done = {**source("scraping", pages=1200, loaded=98, failed=2), "batches": 12, "batchesDone": 1}
    assert bars(none_done, many, some_done) == [
        ("scraping", None, "30 pages in the first batch; pages are counted when a batch ends"),
        ("scraping", None, "1,200 pages in 12 batches; pages are counted when a batch ends"),
        ("scraping", 100, "100 of 1,200 pages"),
    ]


def test_a_source_without_pages_may_wait_for_its_turn_while_another_is_scraped() -> None:
    planning = source("planning", pages=0, loaded=0)
    assert bars(planning, planning)[0] == ("planning", None, "looking for its pages")
    scraping = {**source("scraping", pages=30, loaded=0), "batches": 1, "batchesDone": 0}
    assert bars(planning, scraping)[0] == ("waiting", None, "waiting for its turn, or looking for its pages")


UNKNOWN = "\u2013"


def test_no_time_is_left_that_nobody_knows_and_a_run_that_stands_still_says_so() -> None:
    scraping, planning = source("scraping", pages=9, loaded=3), source("planning", pages=0, loaded=0)
    follows = source("scraping", pages=1, loaded=1) | {"mayGrow": True, "batches": 1, "batchesDone": 1}
    publishing, published = (source(state, pages=3, loaded=3) for state in ("publishing", "published"))
    cases: list[tuple[dict[str, Any], float | None, str]] = [
        ({"sources": [scraping, published]}, 4, "about"),
        ({"sources": [scraping, planning]}, 4, "at least"),
        ({"sources": [follows, scraping]}, 4, "at least"),
        ({"sources": [follows]}, 0, UNKNOWN),
        ({"sources": [planning]}, None, UNKNOWN),
        ({"sources": [published, publishing]}, 0, "publishing"),
        ({"sources": [published, published]}, 0, UNKNOWN),
        ({"sources": [scraping], "suspended": True}, 4, "suspended"),
        ({"sources": [published, publishing], "stuck": True}, 0, UNKNOWN),
    ]
    told = called("js/standing.js", "timeLeft", *([run, seconds] for run, seconds, _ in cases))
    assert [one["what"] for one in told] == [what for *_, what in cases]
    assert bars(follows) == [("scraping", None, "1 page so far; links are followed")]


def test_only_a_key_that_a_header_can_carry_is_one() -> None:
    keys = {
        "abc-123_~ !=": True,
        "": True,
        "kéy": False,
        "\u043a\u043b\u044e\u0447": False,
        "a\x00b": False,
        "😀": False,
    }
    assert called("js/session.js", "isKey", *([key] for key in keys)) == list(keys.values())


def test_what_was_published_after_its_run_had_not_is_told_as_such() -> None:
    run = {"runId": "run-1", "epoch": 7}
    by_hand = {**run, "overridden": None}
    by_force = {**run, "overridden": "max_failed_percent: 3 of 4 pages failed"}
    other = {"runId": "run-1", "epoch": 6, "overridden": "once"}
    seen = [None, other, by_hand, by_force]
    told = called("js/standing.js", "stateForReaders", *([{"state": "refused"}, run, one] for one in seen))
    assert told == ["refused", "refused", "published by hand", "published against the gate"]
    assert called("js/standing.js", "stateForReaders", [{"state": "published"}, run, by_hand]) == ["published"]


def test_what_readers_do_not_see_any_more_is_not_told_as_published() -> None:
    seen = [None, {"runId": "a", "epoch": 4}, {"runId": "a", "epoch": 3}, {"runId": "b", "epoch": 5}]
    told = called("js/standing.js", "stateForReaders", *([{"state": "published"}, {"epoch": 4}, one] for one in seen))
    assert told == ["published", "published", "withdrawn", "replaced"]


def test_what_is_wrong_with_the_app_is_named() -> None:
    well = {"settings": "ok", "storage": "ok", "hub": "ok", "runs": "ok"}
    quiet = {"configured": True, "undelivered": 1, "oldest": None, "fault": ""}
    refused = {**quiet, "undelivered": 2, "fault": "503"}
    broken = {"checks": {**well, "storage": "failed", "runs": "unknown"}, "faults": {"storage": "no answer"}}
    stuck = {"checks": {**well, "runs": "stuck"}, "faults": {"runs": "'run-1' has made no progress"}}
    answers = [{}, {"checks": well, "faults": {}, "alerts": quiet}, broken, stuck, {"checks": well, "alerts": refused}]
    told = called("js/standing.js", "faultsOf", *([answer] for answer in answers))
    assert told == [
        [],
        [],
        [{"what": "The storage does not work", "why": "no answer"}],
        [{"what": "A run is stuck", "why": "'run-1' has made no progress"}],
        [{"what": "2 alerts could not be delivered", "why": "503"}],
    ]
