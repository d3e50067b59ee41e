"""Outputs of a run, written to queues in memory, and the clients behind them."""

from __future__ import annotations

from typing import Any

import pytest
from azure.functions.meta import Datum

from devhost.config.connections import BadConnection, StorageConnection
from devhost.functions.bindings import RunOutputs
from devhost.functions.description import LoadedFunction
from devhost.functions.signatures import Signature
from devhost.queues.memory_queues import MemoryQueues
from devhost.queues.queue_client import QueueService
from devhost.storage_bindings.accounts import MissingLibrary, StorageAccounts
from devhost.storage_bindings.errors import StorageBindingError
from devhost.storage_bindings.storage_bindings import StorageBindings
from tests.helpers.manual_clock import ManualClock

TRIGGER = {"name": "msg", "type": "queueTrigger", "direction": "IN", "queueName": "work"}
MESSAGE = Datum('{"id": "7"}', "string")


class Outputs:
    """StorageBindings on memory queues, and what became of a write."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.queues = MemoryQueues(self.clock)
        self.sent_to: list[str] = []
        environ = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
        self.bindings = StorageBindings(
            StorageAccounts(environ, new_queues=lambda _connection: self.queues),
            is_base64=False,
            on_sent=self.sent_to.append,
            clock=self.clock,
        )

    async def write(self, outs: dict[str, Datum], *out_bindings: dict[str, Any], returned: Datum | None = None) -> None:
        bindings = (TRIGGER, *out_bindings)
        function = LoadedFunction(
            "handle", TRIGGER, bindings, Signature(False, frozenset(), frozenset(), False), "handle"
        )
        await self.bindings.write_outputs(function, RunOutputs(returned, outs), MESSAGE, {})


def queue_out(name: str, queue: str, connection: str = "AzureWebJobsStorage") -> dict[str, Any]:
    return {"name": name, "type": "queue", "direction": "OUT", "queueName": queue, "connection": connection}


async def test_every_output_goes_to_its_queue_and_wakes_its_listener() -> None:
    outputs = Outputs()
    outs = {"first": Datum("a", "string"), "second": Datum('["b", "c"]', "string")}
    await outputs.write(outs, queue_out("first", "Orders-{id}"), queue_out("second", "others"))
    assert (list(outputs.queues.texts("orders-7")), list(outputs.queues.texts("others"))) == (["a"], ["b", "c"])
    assert outputs.sent_to == ["orders-7", "others", "others"]


async def test_a_returned_value_goes_to_the_return_binding() -> None:
    outputs = Outputs()
    await outputs.write({}, queue_out("$return", "results"), returned=Datum("done", "string"))
    assert list(outputs.queues.texts("results")) == ["done"]


async def test_an_output_that_was_not_set_writes_nothing() -> None:
    outputs = Outputs()
    await outputs.write({}, queue_out("out", "orders"))
    assert not await outputs.queues.exists("orders")


@pytest.mark.parametrize(
    ("binding", "reason"),
    [
        (queue_out("out", "no_name"), "the binding 'out': 'no_name' is no name for a queue"),
        (queue_out("out", "q-{nothing}"), r"the binding 'out': '\{nothing\}' has no value"),
        (queue_out("out", "orders", "Nowhere"), "the binding 'out': the connection 'Nowhere' is set nowhere"),
    ],
)
async def test_a_fault_names_the_binding_and_the_cure(binding: dict[str, Any], reason: str) -> None:
    with pytest.raises(StorageBindingError, match=reason):
        await Outputs().write({"out": Datum("x", "string")}, binding)


async def test_a_row_without_a_key_is_refused_when_the_binding_has_none_either() -> None:
    binding = {"name": "out", "type": "table", "direction": "OUT", "tableName": "rows", "partitionKey": "p"}
    with pytest.raises(StorageBindingError, match="the binding 'out': a row has no RowKey"):
        await Outputs().write({"out": Datum('{"count": 1}', "string")}, binding)


async def test_a_connection_has_one_client_whatever_its_name_is_written_like() -> None:
    made: list[StorageConnection] = []

    def new(connection: StorageConnection) -> QueueService:
        made.append(connection)
        return MemoryQueues(ManualClock())

    accounts = StorageAccounts({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}, new_queues=new)
    assert accounts.queues("") is accounts.queues("Storage") is accounts.queues("AzureWebJobsStorage")
    await accounts.close()
    assert len(made) == 1


async def test_a_library_that_is_not_installed_is_named_with_the_command() -> None:
    def new(_connection: StorageConnection) -> QueueService:
        raise ImportError("No module named 'azure.storage.queue'")

    accounts = StorageAccounts({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}, new_queues=new)
    with pytest.raises(MissingLibrary, match=r"azure-storage-queue is not installed.*pip install azure-storage-queue"):
        accounts.queues("")


async def test_clients_of_a_broken_connection_are_refused_with_the_setting() -> None:
    accounts = StorageAccounts({"Orders": "AccountKey=QQ=="})
    for client in (accounts.queues, accounts.tables, accounts.blobs):
        with pytest.raises(BadConnection, match="'Orders' cannot be used"):
            client("Orders")


async def test_clients_of_an_identity_are_built_and_closed() -> None:
    accounts = StorageAccounts({"Orders__accountName": "acc"})
    assert accounts.tables("Orders").url == "https://acc.table.core.windows.net"
    assert accounts.blobs("Orders").url == "https://acc.blob.core.windows.net/"
    assert accounts.queues("Orders") is accounts.queues("orders")
    await accounts.close()
