"""What is demanded of a binding to storage before any run."""

from __future__ import annotations

import pytest

from devhost.storage_bindings.binding_rules import binding_warnings, storage_fault

ENVIRON = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}


def binding(binding_type: str, **properties: str) -> dict[str, str]:
    return {"name": "b", "type": binding_type, "connection": "AzureWebJobsStorage", **properties}


@pytest.mark.parametrize(
    "good",
    [
        binding("queueTrigger", queueName="Orders"),
        binding("queue", queueName="orders-{id}"),
        binding("table", tableName="T"),
        binding("blob", path="container/{name}"),
        {"name": "req", "type": "httpTrigger", "connection": "Nowhere"},
    ],
)
def test_good_bindings_pass(good: dict[str, str]) -> None:
    assert storage_fault([good], ENVIRON) is None


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (binding("queueTrigger", queueName="my_queue"), "the queue name 'my_queue' of 'b' is not valid"),
        (binding("queueTrigger", queueName="orders-{id}"), "the queue name 'orders-{id}' of 'b' is not valid"),
        (binding("queue", queueName="ab"), "the queue name 'ab' of 'b' is not valid"),
        (binding("blob", path="container"), "the path 'container' of 'b' does not name a blob"),
        (binding("table", tableName="T", connection="Orders"), "the connection 'Orders' is set nowhere"),
    ],
)
def test_bad_bindings_are_refused_with_the_cure(bad: dict[str, str], reason: str) -> None:
    assert reason in (storage_fault([bad], ENVIRON) or "")


def test_a_table_input_with_a_row_key_is_warned_of() -> None:
    one = {**binding("table", tableName="T", partitionKey="p", rowKey="{id}"), "direction": "IN"}
    (warning,) = binding_warnings("lookup", [one, {**one, "direction": "OUT"}, binding("queue", direction="OUT")])
    assert "The row_key of the table input 'b' of 'lookup' has no effect, as on Azure" in warning
