"""The queue service of Azure Storage, against Azurite."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from devhost.config.connections import BadConnection, StorageConnection
from devhost.queues.azure_queues import AzureQueues
from devhost.queues.queue_client import QueueServiceFault
from tests.helpers.queue_contract import QueueContract


class TestAzuriteQueues(QueueContract):
    @pytest.fixture
    async def service(self, azurite: str) -> AsyncIterator[AzureQueues]:
        queues = AzureQueues(StorageConnection("AzureWebJobsStorage", azurite))
        yield queues
        await queues.close()


async def test_a_service_that_is_not_there_is_named_with_the_cure() -> None:
    address = "http://127.0.0.1:1/devstoreaccount1"
    text = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=QQ==;QueueEndpoint={address}"
    queues = AzureQueues(StorageConnection("AzureWebJobsStorage", text))
    try:
        with pytest.raises(
            QueueServiceFault, match=rf"{address}.*cannot be reached.*start Azurite.*AzureWebJobsStorage"
        ):
            await queues.exists("work")
    finally:
        await queues.close()


async def test_a_wrong_key_is_a_refusal_that_names_the_setting(azurite: str) -> None:
    broken = azurite.replace("AccountKey=Eby8", "AccountKey=AAAA")
    queues = AzureQueues(StorageConnection("MyQueues", broken))
    try:
        with pytest.raises(QueueServiceFault, match=r"refuses the request \(403.*'MyQueues'"):
            await queues.exists("work")
    finally:
        await queues.close()


async def test_half_a_connection_string_is_refused_with_its_setting() -> None:
    with pytest.raises(BadConnection, match="'MyQueues' cannot be used"):
        AzureQueues(StorageConnection("MyQueues", "AccountName=x"))


async def test_an_identity_reaches_the_service_by_its_address() -> None:
    connection = StorageConnection("My", None, {"queue": "https://account.queue.core.windows.net"})
    queues = AzureQueues(connection)
    await queues.close()


async def test_an_identity_without_an_address_is_refused() -> None:
    with pytest.raises(BadConnection, match="set My__queueServiceUri or My__accountName"):
        AzureQueues(StorageConnection("My", None, {"blob": "https://account.blob.core.windows.net"}))
