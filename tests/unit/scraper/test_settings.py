"""The environment into settings."""

from pathlib import Path

import pytest

from scraper.errors import SettingsError
from scraper.settings import APP_ROOT, Settings, TableStorage, app_settings

NAMES = [
    "SOURCES_FILE",
    "PAGES_PER_BATCH",
    "MAX_PARALLEL_BATCHES",
    "SCRAPE_SCHEDULE",
    "START_GRACE_SECONDS",
    "CONTACT",
    "USER_AGENT",
    "TABLE_PREFIX",
    "AzureWebJobsStorage",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__tableServiceUri",
    "AzureWebJobsStorage__clientId",
]


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_defaults_are_complete() -> None:
    settings = Settings()
    assert (settings.pages_per_batch, settings.max_parallel_batches) == (100, 4)
    assert (settings.scrape_schedule, settings.start_grace.total_seconds()) == ("0 0 6 * * *", 60)


def test_relative_sources_file_is_looked_up_in_the_app_folder() -> None:
    assert Settings().sources_path == APP_ROOT / "sources.toml"


def test_absolute_sources_file_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOURCES_FILE", str(tmp_path / "s.toml"))
    assert Settings().sources_path == tmp_path / "s.toml"


def test_every_bad_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGES_PER_BATCH", "101")
    monkeypatch.setenv("TABLE_PREFIX", "no-dash")
    with pytest.raises(SettingsError) as caught:
        Settings()
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["PAGES_PER_BATCH", "TABLE_PREFIX"]


def test_empty_setting_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGES_PER_BATCH", "")
    assert Settings().pages_per_batch == 100


def test_contact_completes_the_user_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACT", "https://books.example/bot")
    assert Settings().full_user_agent == "daily-scrape/0.1 (+https://books.example/bot)"


def test_user_agent_without_contact_has_no_empty_bracket() -> None:
    assert Settings().full_user_agent == "daily-scrape/0.1"


def test_connection_string_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
    monkeypatch.setenv("AzureWebJobsStorage__accountName", "books")
    assert Settings().table_storage() == TableStorage(connection_string="UseDevelopmentStorage=true")


def test_account_name_becomes_the_table_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureWebJobsStorage__accountName", "books")
    assert Settings().table_storage() == TableStorage(account_url="https://books.table.core.windows.net")


def test_service_uri_wins_over_the_account_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureWebJobsStorage__accountName", "books")
    monkeypatch.setenv("AzureWebJobsStorage__tableServiceUri", "https://tables.books.example")
    assert Settings().table_storage() == TableStorage(account_url="https://tables.books.example")


def test_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", "from-environment")
    assert Settings(storage_connection="given").table_storage() == TableStorage(connection_string="given")


def test_missing_storage_names_the_cure() -> None:
    with pytest.raises(SettingsError, match=r"AzureWebJobsStorage is not set.*UseDevelopmentStorage"):
        Settings().table_storage()


def test_a_connection_string_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", "AccountKey=verysecret")
    assert "verysecret" not in repr(Settings())


@pytest.mark.parametrize(("prefix", "name"), [("", "scrape-requests"), ("Shop2", "shop2-scrape-requests")])
def test_queues_of_two_apps_in_one_account_have_different_names(prefix: str, name: str) -> None:
    assert Settings(table_prefix=prefix).queue_name("scrape-requests") == name


def test_settings_are_worked_out_again_only_when_the_environment_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = app_settings()
    assert app_settings() is before
    monkeypatch.setenv("PAGES_PER_BATCH", "7")
    assert app_settings().pages_per_batch == 7
    monkeypatch.delenv("PAGES_PER_BATCH")
    assert app_settings() == before


def test_a_wrong_setting_is_told_each_time_and_no_longer_than_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGES_PER_BATCH", "seven")
    for _ in range(2):
        with pytest.raises(SettingsError, match="PAGES_PER_BATCH"):
            app_settings()
    monkeypatch.setenv("PAGES_PER_BATCH", "7")
    assert app_settings().pages_per_batch == 7
