"""Names of connections become connections."""

from __future__ import annotations

import pytest

from devhost.config.connections import (
    BadConnection,
    ConnectionNotSet,
    StorageConnection,
    connection_fault,
    find_connection,
)

TEXT = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=QQ==;QueueEndpoint=http://127.0.0.1:1/a"


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("", "AzureWebJobsStorage"),
        ("AzureWebJobsStorage", "AzureWebJobsStorage"),
        ("Storage", "AzureWebJobsStorage"),
        ("Orders", "Orders"),
        ("Orders", "AzureWebJobsOrders"),
        ("orders", "ORDERS"),
    ],
)
def test_a_connection_string_is_found_under_both_names(name: str, setting: str) -> None:
    assert find_connection(name, {setting: TEXT}).connection_string == TEXT


def test_the_name_with_the_prefix_comes_first() -> None:
    found = find_connection("Orders", {"Orders": "AccountName=second", "AzureWebJobsOrders": "AccountName=first"})
    assert (found.setting, found.connection_string) == ("AzureWebJobsOrders", "AccountName=first")


def test_the_emulator_is_written_out() -> None:
    found = find_connection("", {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}).connection_string
    assert found is not None
    assert "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1" in found
    assert "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1" in found
    assert "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1" in found


def test_the_emulator_may_be_on_another_host() -> None:
    text = "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite"
    found = find_connection("", {"AzureWebJobsStorage": text}).connection_string
    assert found is not None
    assert "QueueEndpoint=http://azurite:10001/devstoreaccount1" in found


def test_an_account_name_means_an_identity_and_gives_all_addresses() -> None:
    assert find_connection("", {"AzureWebJobsStorage__accountName": "acc"}) == StorageConnection(
        "AzureWebJobsStorage",
        None,
        {
            "blob": "https://acc.blob.core.windows.net",
            "queue": "https://acc.queue.core.windows.net",
            "table": "https://acc.table.core.windows.net",
        },
    )


def test_single_addresses_mean_an_identity_too() -> None:
    found = find_connection(
        "Orders",
        {
            "Orders__queueServiceUri": "https://q",
            "Orders__credential": "managedidentity",
            "Orders__clientId": "c-1",
        },
    )
    assert (found.service_url("queue"), found.client_id) == ("https://q", "c-1")
    with pytest.raises(BadConnection, match="set Orders__tableServiceUri or Orders__accountName"):
        found.service_url("table")


def test_a_colon_is_as_good_as_two_underscores() -> None:
    assert find_connection("Orders", {"Orders:serviceUri": "https://q"}).service_url("queue") == "https://q"


def test_a_connection_that_is_set_nowhere_names_the_setting_and_the_cure() -> None:
    with pytest.raises(ConnectionNotSet, match=r"add 'Orders' to Values in local\.settings\.json") as refusal:
        find_connection("Orders", {"AzureWebJobsStorage": TEXT, "Orders": ""})
    assert refusal.value.setting == "Orders"


def test_what_is_no_connection_string_is_refused() -> None:
    with pytest.raises(BadConnection, match="'AzureWebJobsStorage' cannot be used: it is no connection string"):
        find_connection("", {"AzureWebJobsStorage": "true"})


def test_the_fault_of_a_binding_names_the_binding() -> None:
    environ = {"AzureWebJobsStorage": TEXT}
    assert connection_fault({"msg": "AzureWebJobsStorage"}, environ) is None
    fault = connection_fault({"msg": "AzureWebJobsStorage", "out": "Orders"}, environ)
    assert fault is not None
    assert fault.startswith("in the binding 'out', the connection 'Orders' is set nowhere")
