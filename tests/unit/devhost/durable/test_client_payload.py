from __future__ import annotations

import json

from azure.durable_functions import DurableOrchestrationClient

from devhost.durable.webhooks.client_payload import client_payload

BASE = "http://localhost:7071/runtime/webhooks/durabletask"
ONE = f"{BASE}/instances/INSTANCEID"
QUERY = "taskHub=TestHubName&connection=Storage&code=KEY"


def payload(**changes: str) -> dict:
    arguments = {
        "base_url": BASE,
        "rpc_base_url": "http://127.0.0.1:17071/durabletask/",
        "hub_name": "TestHubName",
        "connection_name": "Storage",
        "code": "KEY",
    }
    return json.loads(client_payload(**{**arguments, **changes}))


def test_payload_is_the_one_that_the_extension_sends():
    assert payload() == {
        "taskHubName": "TestHubName",
        "connectionName": None,
        "creationUrls": {
            "createNewInstancePostUri": f"{BASE}/orchestrators/{{functionName}}[/{{instanceId}}]?code=KEY",
            "createAndWaitOnNewInstancePostUri": f"{BASE}/orchestrators/{{functionName}}[/{{instanceId}}]"
            "?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&code=KEY",
        },
        "managementUrls": {
            "id": "INSTANCEID",
            "statusQueryGetUri": f"{ONE}?{QUERY}",
            "sendEventPostUri": f"{ONE}/raiseEvent/{{eventName}}?{QUERY}",
            "terminatePostUri": f"{ONE}/terminate?reason={{text}}&{QUERY}",
            "rewindPostUri": f"{ONE}/rewind?reason={{text}}&{QUERY}",
            "purgeHistoryDeleteUri": f"{ONE}?{QUERY}",
            "restartPostUri": f"{ONE}/restart?{QUERY}",
            "suspendPostUri": f"{ONE}/suspend?reason={{text}}&{QUERY}",
            "resumePostUri": f"{ONE}/resume?reason={{text}}&{QUERY}",
        },
        "baseUrl": BASE,
        "requiredQueryStringParameters": "code=KEY",
        "rpcBaseUrl": "http://127.0.0.1:17071/durabletask/",
        "httpBaseUrl": None,
    }


def test_empty_code_leaves_the_parameter_out():
    without_code = payload(code="")
    assert without_code["creationUrls"]["createNewInstancePostUri"].endswith("[/{instanceId}]")
    assert without_code["managementUrls"]["statusQueryGetUri"] == (f"{ONE}?taskHub=TestHubName&connection=Storage")


def test_code_is_encoded_for_a_query():
    assert payload(code="a+b/c==")["requiredQueryStringParameters"] == "code=a%2Bb%2Fc%3D%3D"


def test_rpc_base_url_gets_the_final_slash_that_the_sdk_relies_on():
    assert payload(rpc_base_url="http://127.0.0.1:1/durabletask")["rpcBaseUrl"] == ("http://127.0.0.1:1/durabletask/")


def test_base_url_loses_its_final_slash():
    assert payload(base_url=f"{BASE}/")["baseUrl"] == BASE


def test_connection_of_a_binding_is_repeated():
    assert payload(connection_name="Other")["connectionName"] == "Other"


def test_sdk_client_makes_its_management_urls_from_it():
    client = DurableOrchestrationClient(json.dumps(payload()))
    urls = client.create_http_management_payload("abc")
    assert urls["id"] == "abc"
    assert urls["terminatePostUri"] == f"{BASE}/instances/abc/terminate?reason={{text}}&{QUERY}"
