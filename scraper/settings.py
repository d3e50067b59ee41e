"""The environment as one frozen object, read at the edge by `app_settings()`."""

import os
from collections.abc import Set
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from scraper.errors import SettingsError
from scraper.soft_settings import choice_fault, webhook_fault

APP_ROOT = Path(__file__).resolve().parent.parent
"""The folder of the app. Relative paths start here, since the working directory differs by host."""


@dataclass(frozen=True, slots=True)
class TableStorage:
    """Where the tables are: a connection string, or an account URL for a managed identity."""

    connection_string: str | None = None
    account_url: str | None = None


def _trimmed(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


# Five or six fields of NCRONTAB; whether their values are in range, the host decides.
_SCHEDULE = r"^[0-9A-Za-z*,/-]+( +[0-9A-Za-z*,/-]+){4,5}$"

_LOG_FORMATS = ("text", "json")
_ALERT_FORMATS = ("json", "slack", "teams")

TelemetryMode = Literal["off", "azure_monitor", "otlp"]
_Text = Annotated[str, BeforeValidator(_trimmed)]


class Settings(BaseSettings):
    """Every setting of the app; field names in capitals are the names in the environment.

    Empty variables count as absent. Raises SettingsError, which names each bad setting and its limits; but for those
    that no run needs, see `soft_faults`.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True, hide_input_in_errors=True
    )

    sources_file: _Text = "sources.toml"
    pages_per_batch: int = Field(default=100, ge=1, le=100)
    max_parallel_batches: int = Field(default=4, ge=1, le=100)
    scrape_schedule: _Text = Field(default="0 0 6 * * *", pattern=_SCHEDULE)
    start_grace_seconds: float = Field(default=60, ge=1, le=3600)
    overlap_policy: Literal["skip", "buffer_one", "cancel_other"] = "skip"
    catchup_window_minutes: float = Field(default=720, ge=0, le=10_080)
    stuck_after_minutes: float = Field(default=60, ge=1, le=10_080)
    retention_days: int = Field(default=30, ge=1, le=3650)
    allow_get_commands: bool = False
    log_format: _Text = Field(default="text", repr=False)
    welcome_failure_percent: float = Field(default=20, ge=0, le=100)
    # These and LOG_FORMAT are held to their limits by `soft_faults`: no run needs them.
    alert_webhook_url: _Text = Field(default="", repr=False)
    alert_format: _Text = Field(default="json", repr=False)
    contact: _Text = ""
    user_agent: _Text = Field(default="daily-scrape/0.1 (+{contact})", pattern=r"^[\x20-\x7e]+$")
    # The switches of the Functions worker, which does its own part of it.
    python_applicationinsights_enable_telemetry: bool = False
    python_enable_opentelemetry: bool = False
    table_prefix: _Text = Field(default="", pattern=r"^([A-Za-z][A-Za-z0-9]{0,29})?$")
    storage_connection: _Text | None = Field(default=None, validation_alias="AzureWebJobsStorage", repr=False)
    storage_account_name: _Text | None = Field(
        default=None, validation_alias="AzureWebJobsStorage__accountName", pattern=r"^[a-z0-9]{3,24}$"
    )
    storage_table_uri: _Text | None = Field(
        default=None, validation_alias="AzureWebJobsStorage__tableServiceUri", pattern=r"^https?://[^\s/]+"
    )

    storage_client_id: _Text | None = Field(default=None, validation_alias="AzureWebJobsStorage__clientId")
    """A user-assigned managed identity; None is the app's own."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            # The original message would show pydantic's internals, and possibly a secret's place.
            raise SettingsError(_problems(error)) from None

    @property
    def start_grace(self) -> timedelta:
        """START_GRACE_SECONDS as a span of time."""
        return timedelta(seconds=self.start_grace_seconds)

    @property
    def alerts_fault(self) -> str:
        """Why no alert can be sent by these settings, though one may be wanted; empty if nothing is wrong."""
        faults = {
            "ALERT_WEBHOOK_URL": webhook_fault(self.alert_webhook_url),
            "ALERT_FORMAT": choice_fault(self.alert_format, _ALERT_FORMATS),
        }
        return "; ".join(f"{name}: {fault}" for name, fault in faults.items() if fault)

    @property
    def soft_faults(self) -> list[str]:
        """What is wrong with settings that do not stop the app; it never quotes them."""
        log_fault = choice_fault(self.log_format, _LOG_FORMATS)
        return [fault for fault in (self.alerts_fault, log_fault and f"LOG_FORMAT: {log_fault}") if fault]

    @property
    def usable_log_format(self) -> Literal["text", "json"]:
        """LOG_FORMAT; `text` in place of one that there is not."""
        return "json" if self.log_format == "json" else "text"

    @property
    def telemetry_mode(self) -> TelemetryMode:
        """Where traces and metrics go: nowhere, to Application Insights, or where the OTEL_… settings say."""
        if self.python_applicationinsights_enable_telemetry:
            return "azure_monitor"
        return "otlp" if self.python_enable_opentelemetry else "off"

    @property
    def retention(self) -> timedelta:
        """RETENTION_DAYS as a span of time."""
        return timedelta(days=self.retention_days)

    @property
    def sources_path(self) -> Path:
        """The sources file; a relative SOURCES_FILE is looked up in the app's folder."""
        return APP_ROOT / self.sources_file

    @property
    def full_user_agent(self) -> str:
        """USER_AGENT with `{contact}` replaced by CONTACT; without CONTACT the bracket is dropped."""
        if self.contact:
            return self.user_agent.replace("{contact}", self.contact)
        return self.user_agent.replace(" (+{contact})", "").replace("{contact}", "")

    def queue_name(self, queue: str) -> str:
        """What the queue is called in the account; TABLE_PREFIX keeps two apps apart here, too."""
        return f"{self.table_prefix.lower()}-{queue}" if self.table_prefix else queue

    def table_storage(self) -> TableStorage:
        """Where the tables are. A connection string wins over a service URI, that over an account name.

        Raises SettingsError if no storage setting is present.
        """
        if self.storage_connection:
            return TableStorage(connection_string=self.storage_connection)
        if self.storage_table_uri:
            return TableStorage(account_url=self.storage_table_uri)
        if self.storage_account_name:
            return TableStorage(account_url=f"https://{self.storage_account_name}.table.core.windows.net")
        cure = "UseDevelopmentStorage=true for a local emulator, or AzureWebJobsStorage__accountName in Azure"
        raise SettingsError([f"AzureWebJobsStorage is not set: give a connection string ({cure})"])


def app_settings() -> Settings:
    """The settings of this process, worked out again only when its environment has changed. Raises SettingsError."""
    return _settings_of(frozenset(os.environ.items()))


# Reading them takes a millisecond, and every step of a run needs them.
@lru_cache(maxsize=1)
def _settings_of(environment: Set[tuple[str, str]]) -> Settings:
    return Settings()


def _problems(error: ValidationError) -> list[str]:
    return [f"{_setting_name(str(item['loc'][0]))}: {item['msg']}" for item in error.errors()]


def _setting_name(location: str) -> str:
    return location if location.lower().startswith("azurewebjobsstorage") else location.upper()
