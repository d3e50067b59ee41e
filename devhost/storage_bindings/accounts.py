"""The storage clients of one host, by the name of a connection."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from devhost.config.connections import BadConnection, StorageConnection, find_connection
from devhost.errors import ConfigurationError
from devhost.queues.azure_client_options import CLIENT_OPTIONS, STORAGE_CLIENT_OPTIONS
from devhost.queues.queue_client import QueueService

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient
    from azure.storage.blob.aio import BlobServiceClient

_LIBRARIES = {"queue": "azure-storage-queue", "table": "azure-data-tables", "blob": "azure-storage-blob"}

NewQueues = Callable[[StorageConnection], QueueService]


class MissingLibrary(ConfigurationError):
    """The library for a kind of storage is not installed beside this host."""

    def __init__(self, library: str, service: str) -> None:
        super().__init__(
            f"{library} is not installed, which {service} bindings need here: python -m pip install {library}."
        )
        self.library = library


class StorageAccounts:
    """Each client is built when it is first asked for, inside the event loop, and lives until `close`.

    Nothing of the storage libraries is imported before: an app without storage starts without them.
    """

    def __init__(self, environ: Mapping[str, str], *, new_queues: NewQueues | None = None) -> None:
        """`new_queues` builds the queue service of a connection; a test may give one in memory."""
        self._environ = environ
        self._new_queues = new_queues or _azure_queues
        self._clients: dict[tuple[str, str], Any] = {}
        self._identities: list[Any] = []

    def queues(self, connection: str) -> QueueService:
        """The queue service of a connection. Raises ConfigurationError."""
        service: QueueService = self._client("queue", connection, self._new_queues)
        return service

    def tables(self, connection: str) -> "TableServiceClient":
        """The table service of a connection. Raises ConfigurationError."""
        client: TableServiceClient = self._client("table", connection, self._new_tables)
        return client

    def blobs(self, connection: str) -> "BlobServiceClient":
        """The blob service of a connection. Raises ConfigurationError."""
        client: BlobServiceClient = self._client("blob", connection, self._new_blobs)
        return client

    async def close(self) -> None:
        """Release all connections."""
        ending = [*self._clients.values(), *self._identities]
        self._clients, self._identities = {}, []
        for one in ending:
            await one.close()

    def _client(self, service: str, connection: str, new: Callable[[StorageConnection], Any]) -> Any:
        found = find_connection(connection, self._environ)
        key = (service, found.setting.lower())
        if key not in self._clients:
            try:
                self._clients[key] = new(found)
            except ImportError as error:
                raise MissingLibrary(_LIBRARIES[service], service) from error
            except ValueError as error:
                reason = str(error).rstrip(".")
                raise BadConnection(found.setting, f"{reason[:1].lower()}{reason[1:]}; correct the setting") from error
        return self._clients[key]

    def _new_tables(self, connection: StorageConnection) -> "TableServiceClient":
        from azure.data.tables.aio import TableServiceClient

        if connection.connection_string is not None:
            return TableServiceClient.from_connection_string(connection.connection_string, **CLIENT_OPTIONS)
        url = connection.service_url("table")
        return TableServiceClient(url, credential=self._identity(connection), **CLIENT_OPTIONS)

    def _new_blobs(self, connection: StorageConnection) -> "BlobServiceClient":
        from azure.storage.blob.aio import BlobServiceClient

        if connection.connection_string is not None:
            return BlobServiceClient.from_connection_string(connection.connection_string, **STORAGE_CLIENT_OPTIONS)
        return BlobServiceClient(
            connection.service_url("blob"), credential=self._identity(connection), **STORAGE_CLIENT_OPTIONS
        )

    def _identity(self, connection: StorageConnection) -> Any:
        from azure.identity.aio import DefaultAzureCredential

        identity = DefaultAzureCredential(managed_identity_client_id=connection.client_id)
        self._identities.append(identity)
        return identity


def _azure_queues(connection: StorageConnection) -> QueueService:
    from devhost.queues.azure_queues import AzureQueues

    return AzureQueues(connection)
