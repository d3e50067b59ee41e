"""The URLs by which a caller follows and commands one instance, and the answer that carries them."""

from dataclasses import dataclass
from urllib.parse import quote

# Characters that RFC 3986 allows in a path segment as they are, without `+`: the webhooks read it as a space.
_SEGMENT_SAFE = "!$&'()*,;=:@"


@dataclass(frozen=True, slots=True)
class HubAddress:
    """Where the management API of one task hub is reached.

    `base_url` is the mount point without a final slash, e.g. `http://localhost:7071/runtime/webhooks/durabletask`.
    `code` is the key that the URLs carry; empty when the host asks for none.
    """

    base_url: str
    hub_name: str
    connection_name: str
    code: str = ""

    @property
    def code_parameter(self) -> str:
        """`code=KEY`, or empty when there is no key."""
        return f"code={quote(self.code, safe='')}" if self.code else ""

    def instance_url(self, instance_id: str, operation: str = "", parameter: str = "") -> str:
        """The URL of an instance, or of one operation on it, with hub, connection and key in the query."""
        path = f"{self.base_url}/instances/{quote(instance_id, safe=_SEGMENT_SAFE)}"
        if operation:
            path = f"{path}/{operation}"
        parameters = (
            parameter,
            f"taskHub={quote(self.hub_name, safe='')}",
            f"connection={quote(self.connection_name, safe='')}",
            self.code_parameter,
        )
        return f"{path}?{'&'.join(one for one in parameters if one)}"


def management_urls(address: HubAddress, instance_id: str) -> dict[str, str]:
    """Every management URL of the instance, with `id`; `{eventName}` and `{text}` are left for the caller.

    Source: Azure/azure-functions-durable-extension 2.13.7, HttpApiHandler.cs.
    """
    return {
        "id": instance_id,
        "statusQueryGetUri": address.instance_url(instance_id),
        "sendEventPostUri": address.instance_url(instance_id, "raiseEvent/{eventName}"),
        "terminatePostUri": address.instance_url(instance_id, "terminate", "reason={text}"),
        "rewindPostUri": address.instance_url(instance_id, "rewind", "reason={text}"),
        "purgeHistoryDeleteUri": address.instance_url(instance_id),
        "restartPostUri": address.instance_url(instance_id, "restart"),
        "suspendPostUri": address.instance_url(instance_id, "suspend", "reason={text}"),
        "resumePostUri": address.instance_url(instance_id, "resume", "reason={text}"),
    }


def check_status_body(address: HubAddress, instance_id: str) -> dict[str, str]:
    """The JSON object that answers a start: the management URLs without `rewindPostUri`."""
    urls = management_urls(address, instance_id)
    del urls["rewindPostUri"]
    return urls
