"""The `connection` of a binding is the name of a setting; here it becomes what a storage client needs.

Source: azure-webjobs-sdk, Extensions/WebJobsConfigurationExtensions.cs; Azure Functions developer guide, connections.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from devhost.errors import ConfigurationError

DEFAULT_CONNECTION = "AzureWebJobsStorage"
"""What an empty name means."""

_PREFIX = "AzureWebJobs"
_SERVICES = ("blob", "queue", "table")
_EMULATOR_PORTS = {"blob": 10000, "queue": 10001, "table": 10002}
_EMULATOR_ACCOUNT = "devstoreaccount1"
# Not a secret: every storage emulator in the world has it.
_EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class ConnectionNotSet(ConfigurationError):
    """No setting of any form exists for the name of a connection; `setting` is the one to add."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.setting = _settings(name)[-1]
        super().__init__(
            f"the connection '{name or DEFAULT_CONNECTION}' is set nowhere: add '{self.setting}' to Values in "
            "local.settings.json, for example with UseDevelopmentStorage=true for a local Azurite, or set "
            f"{self.setting}__accountName to use an identity."
        )


class BadConnection(ConfigurationError):
    """The setting of a connection exists but cannot be used."""

    def __init__(self, setting: str, reason: str) -> None:
        self.setting = setting
        super().__init__(f"the connection in '{setting}' cannot be used: {reason}.")


@dataclass(frozen=True, slots=True)
class StorageConnection:
    """Where an account is: a full connection string, or the addresses of its services for an identity."""

    setting: str
    """The setting that it comes from, for messages."""
    connection_string: str | None
    service_urls: Mapping[str, str] = field(default_factory=dict)
    """`blob`, `queue` and `table` to an address, as far as they are known."""
    client_id: str | None = None
    """Of a user-assigned identity; None for the one that is logged in."""

    def service_url(self, service: str) -> str:
        """The address of `blob`, `queue` or `table`. Raises BadConnection if the settings do not give it."""
        if service not in self.service_urls:
            raise BadConnection(self.setting, f"set {self.setting}__{service}ServiceUri or {self.setting}__accountName")
        return self.service_urls[service]


def find_connection(name: str, environ: Mapping[str, str]) -> StorageConnection:
    """The connection that a binding names; `X` is looked up as `AzureWebJobsX`, then as `X`.

    Settings compare ignoring case, and `X:y` is the same as `X__y`. Raises ConnectionNotSet, BadConnection.
    """
    settings = {_comparable(key): value for key, value in environ.items()}
    for setting in _settings(name):
        text = settings.get(_comparable(setting), "")
        if text:
            return StorageConnection(setting, _complete(setting, text))
        section = _Section(setting, settings)
        urls = section.service_urls()
        if urls:
            client_id = section.value("clientId") if section.value("credential") else None
            return StorageConnection(setting, None, urls, client_id)
    raise ConnectionNotSet(name)


def connection_fault(bindings: Mapping[str, str], environ: Mapping[str, str]) -> str | None:
    """Why one of the connections, given by the name of its binding, cannot be used; None if all can."""
    for binding, connection in bindings.items():
        try:
            find_connection(connection, environ)
        except ConfigurationError as error:
            return f"in the binding '{binding}', {error}"
    return None


@dataclass(frozen=True, slots=True)
class _Section:
    setting: str
    settings: Mapping[str, str]

    def value(self, key: str) -> str:
        return self.settings.get(_comparable(f"{self.setting}__{key}"), "")

    def service_urls(self) -> dict[str, str]:
        account, suffix = self.value("accountName"), self.value("endpointSuffix") or "core.windows.net"
        urls = {service: f"https://{account}.{service}.{suffix}" for service in _SERVICES} if account else {}
        for service in _SERVICES:
            # `serviceUri` alone names the service of whichever extension asks.
            written = self.value(f"{service}ServiceUri") or self.value("serviceUri")
            if written:
                urls[service] = written
        return urls


def _settings(name: str) -> tuple[str, ...]:
    written = name or DEFAULT_CONNECTION
    return (f"{_PREFIX}{written}", written)


def _complete(setting: str, text: str) -> str:
    """The connection string with the emulator's abbreviation written out."""
    parts = {}
    for part in filter(None, (one.strip() for one in text.split(";"))):
        key, separator, value = part.partition("=")
        if not separator:
            raise BadConnection(setting, "it is no connection string (Name=Value;...); correct the setting")
        parts[key.lower()] = value
    if parts.get("usedevelopmentstorage", "").lower() != "true":
        return text
    host = parts.get("developmentstorageproxyuri", "http://127.0.0.1").rstrip("/")
    endpoints = ";".join(
        f"{service.title()}Endpoint={host}:{port}/{_EMULATOR_ACCOUNT}" for service, port in _EMULATOR_PORTS.items()
    )
    return f"DefaultEndpointsProtocol=http;AccountName={_EMULATOR_ACCOUNT};AccountKey={_EMULATOR_KEY};{endpoints}"


def _comparable(name: str) -> str:
    return name.replace("__", ":").lower()
