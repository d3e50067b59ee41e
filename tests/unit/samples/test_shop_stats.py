from samples.site.stats import SECONDS_KEPT, Stats


def test_requests_are_counted_by_kind_and_outcome():
    stats = Stats(now=lambda: 100.7)
    for outcome, body_bytes in (("200", 900), ("200", 800), ("404", 7)):
        stats.begin("/books/1.html")
        stats.end("detail", outcome, body_bytes)
    assert stats.snapshot() == {
        "requests": 3,
        "by_kind": {"detail": {"200": 2, "404": 1}},
        "body_bytes": {"detail": 1707},
        "per_second": {"100": 3},
        "in_flight": 0,
        "max_in_flight": 1,
    }


def test_hits_count_for_each_url():
    stats = Stats(now=lambda: 100.0)
    assert [stats.begin("/a"), stats.begin("/a?x"), stats.begin("/a")] == [1, 1, 2]
    assert stats.snapshot(with_hits=True)["hits"] == {"/a": 2, "/a?x": 1}


def test_requests_in_flight_are_counted():
    stats = Stats(now=lambda: 100.0)
    stats.begin("/a")
    stats.begin("/b")
    stats.end("detail", "200")
    snapshot = stats.snapshot()
    assert (snapshot["in_flight"], snapshot["max_in_flight"]) == (1, 2)


def test_old_seconds_are_forgotten():
    seconds = iter(range(SECONDS_KEPT + 2))
    stats = Stats(now=lambda: float(next(seconds)))
    for _ in range(SECONDS_KEPT + 2):
        stats.begin("/a")
    per_second = stats.snapshot()["per_second"]
    assert (len(per_second), next(iter(per_second))) == (SECONDS_KEPT, "2")
