"""The storage account: one client per event loop, tables made on first use."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.request import getproxies
from weakref import WeakKeyDictionary

from azure.core.exceptions import (
    ClientAuthenticationError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.data.tables import TableErrorCode
from azure.data.tables.aio import TableClient, TableServiceClient

from scraper.errors import SettingsError
from scraper.settings import Settings, TableStorage
from storage.errors import StorageUnreachable

# The SDK logs every request with its headers at INFO: twenty lines a call, each of them paid for in Azure.
logging.getLogger("azure.core.pipeline.policies.http_logging_policy").setLevel(logging.WARNING)

# A frozen account must not hang a request: at most about a minute, retries included.
PATIENCE: Final[dict[str, Any]] = {"connection_timeout": 5, "read_timeout": 15, "retry_total": 3}

TABLE_NAMES: Final = ("locks", "runs", "batches", "rows", "failures", "datasets", "skips", "schedule", "alerts")


class Tables:
    """The app's tables in one account. Use `open_tables`, which keeps one of these per event loop."""

    def __init__(self, service: TableServiceClient, *, prefix: str) -> None:
        self._service = service
        self._clients = {name: service.get_table_client(f"{prefix}{name}") for name in TABLE_NAMES}
        self._creation: asyncio.Task[None] | None = None

    async def table(self, name: str) -> TableClient:
        """The client of one of `TABLE_NAMES`; the first call makes all tables that are missing.

        Raises StorageUnreachable if the account cannot be used.
        """
        if self._creation is None or (self._creation.done() and self._creation.exception()):
            self._creation = asyncio.create_task(self._create_missing())
        await asyncio.shield(self._creation)
        return self._clients[name]

    @asynccontextmanager
    async def faults(self) -> AsyncIterator[None]:
        """As `storage_faults`; and tables that have vanished are made again by the next call."""
        try:
            async with storage_faults():
                yield
        except ResourceNotFoundError as fault:
            # Looked for in the whole text: `error_code` is not there if it was create_entity that failed.
            if TableErrorCode.TABLE_NOT_FOUND.value not in str(fault):
                raise
            self._creation = None
            raise StorageUnreachable("The app's tables have vanished; the next request makes them again.") from fault

    async def close(self) -> None:
        """Close the connection pool."""
        await self._service.close()

    async def _create_missing(self) -> None:
        async with storage_faults():
            for client in self._clients.values():
                await self._service.create_table_if_not_exists(client.table_name)


@asynccontextmanager
async def storage_faults() -> AsyncIterator[None]:
    """Turn the SDK's many ways of saying "cannot reach it" into StorageUnreachable."""
    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as fault:
        raise StorageUnreachable(
            f"The storage account does not answer: {fault}. Is Azurite running, and is AzureWebJobsStorage right?"
        ) from fault
    except ClientAuthenticationError as fault:
        raise StorageUnreachable(
            f"The storage account refused our credentials: {fault.message}. "
            "The app's identity needs the role Storage Table Data Contributor."
        ) from fault


_open: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[TableStorage, str], Tables]] = WeakKeyDictionary()


def open_tables(settings: Settings) -> Tables:
    """The tables of `settings`, one client per event loop and account: building a client costs more than a call.

    Raises SettingsError if they name no account, or not in a way that can be read.
    """
    key = (settings.table_storage(), settings.table_prefix)
    of_loop = _open.setdefault(asyncio.get_running_loop(), {})
    if key not in of_loop:
        of_loop[key] = Tables(_connect(settings), prefix=settings.table_prefix)
    return of_loop[key]


def _connect(settings: Settings) -> TableServiceClient:
    storage = settings.table_storage()
    # With these the SDK asks the environment for a proxy at every request, in a thread: not where there is none.
    options = {**PATIENCE, "use_env_settings": bool(getproxies())}
    if storage.connection_string:
        text = storage.connection_string
        if text.strip().rstrip(";").lower() == "usedevelopmentstorage=true":
            text = DEVELOPMENT_STORAGE
        try:
            return TableServiceClient.from_connection_string(text, **options)
        except ValueError:  # its own words name no setting; the text holds a key and is never shown
            problem = "AzureWebJobsStorage is not a connection string: it looks like 'Name=value;…'"
            raise SettingsError([problem]) from None
    # Imported here: a local run never needs it, and it is the slowest import of the app.
    from azure.identity.aio import DefaultAzureCredential

    credential = DefaultAzureCredential(managed_identity_client_id=settings.storage_client_id)
    return TableServiceClient(endpoint=storage.account_url or "", credential=credential, **options)


# The account that every emulator has; its key is published by Microsoft and protects nothing.
DEVELOPMENT_STORAGE: Final = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)
