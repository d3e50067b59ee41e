"""What a durable client binding hands to a function: where the management API is."""

import json

from devhost.durable.webhooks.check_status import HubAddress, management_urls

DEFAULT_CONNECTION_NAME = "Storage"
# The SDK replaces exactly this text by an instance ID, in every URL.
_INSTANCE_ID_PLACEHOLDER = "INSTANCEID"


def client_payload(*, base_url: str, rpc_base_url: str, hub_name: str, connection_name: str, code: str) -> str:
    """JSON text for one durableClient binding of SDK 1.x.

    `base_url` is the public mount point of the webhooks, `rpc_base_url` that of the listener for the app's
    own calls. A final slash is removed from the first and added to the second, because the SDK concatenates.
    `code` is the key for the URLs; an empty one leaves the parameter out.
    Source: Azure/azure-functions-durable-extension 2.13.7, Bindings/BindingHelper.cs, HttpApiHandler.cs.
    """
    address = HubAddress(base_url.rstrip("/"), hub_name, connection_name, code)
    creation_url = f"{address.base_url}/orchestrators/{{functionName}}[/{{instanceId}}]"
    wait_parameters = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
    payload = {
        "taskHubName": hub_name,
        # The extension repeats here only what the binding itself says; no binding names the default.
        "connectionName": None if connection_name == DEFAULT_CONNECTION_NAME else connection_name,
        "creationUrls": {
            "createNewInstancePostUri": _with_query(creation_url, address.code_parameter),
            "createAndWaitOnNewInstancePostUri": _with_query(creation_url, wait_parameters, address.code_parameter),
        },
        "managementUrls": management_urls(address, _INSTANCE_ID_PLACEHOLDER),
        "baseUrl": address.base_url,
        "requiredQueryStringParameters": address.code_parameter,
        "rpcBaseUrl": f"{rpc_base_url.rstrip('/')}/",
        "httpBaseUrl": None,
    }
    return json.dumps(payload, separators=(",", ":"))


def _with_query(url: str, *parameters: str) -> str:
    query = "&".join(one for one in parameters if one)
    return f"{url}?{query}" if query else url
