from __future__ import annotations

from devhost.durable.webhooks.check_status import HubAddress, check_status_body, management_urls

ADDRESS = HubAddress("http://localhost:7071/runtime/webhooks/durabletask", "Hub", "Storage")


def test_check_status_names_every_operation_but_rewind():
    assert list(check_status_body(ADDRESS, "abc")) == [
        "id",
        "statusQueryGetUri",
        "sendEventPostUri",
        "terminatePostUri",
        "purgeHistoryDeleteUri",
        "restartPostUri",
        "suspendPostUri",
        "resumePostUri",
    ]


def test_management_urls_include_rewind():
    assert management_urls(ADDRESS, "abc")["rewindPostUri"] == (
        "http://localhost:7071/runtime/webhooks/durabletask/instances/abc/rewind"
        "?reason={text}&taskHub=Hub&connection=Storage"
    )


def test_id_is_encoded_in_urls_but_not_in_the_id_field():
    body = check_status_body(ADDRESS, "a b+c:1%é")
    assert body["id"] == "a b+c:1%é"
    assert body["statusQueryGetUri"] == (
        "http://localhost:7071/runtime/webhooks/durabletask/instances/a%20b%2Bc:1%25%C3%A9"
        "?taskHub=Hub&connection=Storage"
    )


def test_code_comes_last():
    address = HubAddress("http://h", "Hub", "Storage", "K=")
    assert address.instance_url("abc") == "http://h/instances/abc?taskHub=Hub&connection=Storage&code=K%3D"
