"""What must hold for every deployment of infra/: for the defaults, and where nothing is as it is by default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.helpers.bicep_deployment import Deployment

BUILT_IN_ROLES = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "storageBlobDataReader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "storageQueueDataReader": "19e7f393-937e-4f77-808e-94535e297925",
    "storageTableDataReader": "76199698-9eea-4c19-bc75-cec21354c6b6",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "durableTaskDataContributor": "0ad04412-c4d5-4796-b79c-f76d14c8d402",
}
"""Azure's roles by their names. Sources: "Azure built-in roles" in Microsoft's documentation, and as used in
Azure-Samples/functions-quickstart-python-azd-timer (infra/app/rbac.bicep), and for the last one in
Azure-Samples/Durable-Task-Scheduler (its AiAgentTravelPlanOrchestrator/infra/main.bicep)."""

WEBHOOK = "https://hooks.example/secret"
DEFAULTS = {"AZURE_ENV_NAME": "shop", "AZURE_LOCATION": "northeurope"}
SETTINGS = {
    "SOURCES_FILE": "my-sources.toml",
    "SCRAPE_SCHEDULE": "0 30 4 * * *",
    "OVERLAP_POLICY": "buffer_one",
    "CONTACT": "me@shop.example",
    "ALERT_FORMAT": "teams",
    "ALERT_WEBHOOK_URL": WEBHOOK,
}
"""App settings that azd hands on under the same names."""
ALL = {
    **DEFAULTS,
    **SETTINGS,
    "INSTANCE_MEMORY_MB": "4096",
    "MAXIMUM_INSTANCE_COUNT": "77",
    "ALWAYS_READY_DURABLE": "0",
    "OPEN_TELEMETRY": "true",
    "DURABLE_TASK_SCHEDULER": "true",
    "OPERATOR_PRINCIPAL_ID": "the-operators",
    "OPERATOR_PRINCIPAL_TYPE": "Group",
}
"""Nothing as it is by default."""

APP = "{sites func-token}"
ACCOUNT = "{storageAccounts sttoken}"
COMPONENT = "{components appi-token}"
SCHEDULER = "{schedulers dts-token}"
IDENTITY_ID = "{userAssignedIdentities id-token.id}"
CLIENT_ID = "{userAssignedIdentities id-token.properties.clientId}"
PRINCIPAL_ID = "{userAssignedIdentities id-token.properties.principalId}"

PROPERTIES: list[tuple[str, str, Any]] = [
    ("serverfarms", "kind", "functionapp"),
    ("serverfarms", "sku", {"name": "FC1", "tier": "FlexConsumption"}),
    ("serverfarms", "properties.reserved", True),
    ("sites", "kind", "functionapp,linux"),
    ("sites", "identity", {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY_ID: {}}}),
    ("sites", "properties.serverFarmId", "{serverfarms plan-token.id}"),
    ("sites", "properties.httpsOnly", True),
    ("sites", "properties.siteConfig.minTlsVersion", "1.2"),
    ("sites", "properties.functionAppConfig.deployment.storage.type", "blobContainer"),
    (
        *("sites", "properties.functionAppConfig.deployment.storage.value"),
        "{storageAccounts sttoken.properties.primaryEndpoints.blob}app-packages",
    ),
    (
        *("sites", "properties.functionAppConfig.deployment.storage.authentication"),
        {"type": "UserAssignedIdentity", "userAssignedIdentityResourceId": IDENTITY_ID},
    ),
    ("config", "parent", APP),
    ("config", "name", "appsettings"),
    ("storageAccounts", "properties.supportsHttpsTrafficOnly", True),
    ("storageAccounts", "properties.minimumTlsVersion", "TLS1_2"),
    ("storageAccounts", "properties.allowSharedKeyAccess", False),
    ("storageAccounts", "properties.allowBlobPublicAccess", False),
    ("blobServices", "parent", ACCOUNT),
    ("containers", "name", "app-packages"),
    ("containers", "properties.publicAccess", "None"),
    ("queueServices", "parent", ACCOUNT),
    ("components", "properties.DisableLocalAuth", True),
    ("components", "properties.WorkspaceResourceId", "{workspaces log-token.id}"),
    ("workspaces", "properties.workspaceCapping.dailyQuotaGb", 1),
    ("workspaces", "properties.retentionInDays", 30),
]
"""Resource, property, and what it must be in every deployment."""

ALWAYS_SET = {
    "AzureWebJobsStorage__accountName": "sttoken",
    "AzureWebJobsStorage__credential": "managedidentity",
    "AzureWebJobsStorage__clientId": CLIENT_ID,
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "{components appi-token.properties.ConnectionString}",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": f"ClientId={CLIENT_ID};Authorization=AAD",
}
SET_IN_VARIANTS = {
    "ALERT_WEBHOOK_URL": WEBHOOK,
    "AzureFunctionsJobHost__telemetryMode": "OpenTelemetry",
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
    "OTEL_TRACES_SAMPLER": "microsoft.fixed_percentage",
    "OTEL_TRACES_SAMPLER_ARG": "1.0",
    "DURABLE_TASK_SCHEDULER_CONNECTION_STRING": (
        f"Endpoint={{schedulers dts-token.properties.endpoint}};Authentication=ManagedIdentity;ClientID={CLIENT_ID}"
    ),
}
APP_ROLES = {
    (ACCOUNT, "storageBlobDataOwner", PRINCIPAL_ID, "ServicePrincipal"),
    (ACCOUNT, "storageQueueDataContributor", PRINCIPAL_ID, "ServicePrincipal"),
    (ACCOUNT, "storageTableDataContributor", PRINCIPAL_ID, "ServicePrincipal"),
    (COMPONENT, "monitoringMetricsPublisher", PRINCIPAL_ID, "ServicePrincipal"),
}
MORE_ROLES = {
    (SCHEDULER, "durableTaskDataContributor", PRINCIPAL_ID, "ServicePrincipal"),
    (ACCOUNT, "storageBlobDataReader", "the-operators", "Group"),
    (ACCOUNT, "storageQueueDataReader", "the-operators", "Group"),
    (ACCOUNT, "storageTableDataReader", "the-operators", "Group"),
}
OUTPUTS = {
    "AZURE_LOCATION": "northeurope",
    "AZURE_RESOURCE_GROUP": "rg-shop",
    "AZURE_STORAGE_ACCOUNT": "sttoken",
    "AZURE_FUNCTION_APP_NAME": "func-token",
    "AZURE_FUNCTION_APP_URL": "https://{sites func-token.properties.defaultHostName}",
}


def inside(properties: Any, path: str) -> Any:
    for name in path.split("."):
        properties = properties[name]
    return properties


def roles(deployment: Deployment) -> set[tuple[str, ...]]:
    names = {f"Microsoft.Authorization/roleDefinitions/{guid}": name for name, guid in BUILT_IN_ROLES.items()}
    assignments = deployment.of("roleAssignments")
    assert len({one["name"] for one in assignments}) == len(assignments)
    given = [(names.get(one["properties"]["roleDefinitionId"], "?"), one) for one in assignments]
    return {
        (one["scope"], role, one["properties"]["principalId"], one["properties"]["principalType"])
        for role, one in given
    }


def check_properties(usual: Deployment, full: Deployment) -> None:
    for deployment in (usual, full):
        found = {(kind, path): inside(deployment.one(kind), path) for kind, path, _ in PROPERTIES}
        assert found == {(kind, path): must_be for kind, path, must_be in PROPERTIES}


def check_scale(usual: Deployment, full: Deployment) -> None:
    scales = [one.one("sites")["properties"]["functionAppConfig"]["scaleAndConcurrency"] for one in (usual, full)]
    ready = [{"name": "durable", "instanceCount": 1}]
    assert scales[0] == {"instanceMemoryMB": 2048, "maximumInstanceCount": 40, "alwaysReady": ready}
    assert scales[1] == {"instanceMemoryMB": 4096, "maximumInstanceCount": 77, "alwaysReady": []}


def check_places(usual: Deployment, full: Deployment) -> None:
    """Everything is where it was asked for, and azd finds it by its tags."""
    for deployment in (usual, full):
        placed = [one for several in deployment.resources.values() for one in several if "location" in one]
        assert len(placed) >= 7
        assert {one["location"] for one in placed} == {"northeurope"}
        assert {one["tags"]["azd-env-name"] for one in placed} == {"shop"}
        assert deployment.one("sites")["tags"]["azd-service-name"] == "app"
        assert {one["parent"] for one in deployment.of("queues")} == {"{queueServices default}"}


def check_settings(usual: Deployment, full: Deployment) -> None:
    assert {name: usual.app_settings.get(name) for name in ALWAYS_SET} == ALWAYS_SET
    assert usual.app_settings.keys() & SET_IN_VARIANTS.keys() == set()
    everything = {**ALWAYS_SET, **SET_IN_VARIANTS, **SETTINGS}
    assert {name: full.app_settings.get(name) for name in everything} == everything


def check_secrecy(usual: Deployment, full: Deployment) -> None:
    """The address of the alerts is in its own setting, and nowhere else."""
    holders = [name for name, given in full.app_settings.items() if WEBHOOK in given]
    assert holders == ["ALERT_WEBHOOK_URL"]
    full.app_settings.pop("ALERT_WEBHOOK_URL")
    assert WEBHOOK not in f"{full}"


def check_roles(usual: Deployment, full: Deployment) -> None:
    assert roles(usual) == APP_ROLES
    assert roles(full) == APP_ROLES | MORE_ROLES


def check_scheduler(usual: Deployment, full: Deployment) -> None:
    assert (usual.of("schedulers"), usual.of("taskHubs")) == ([], [])
    assert full.one("taskHubs")["parent"] == SCHEDULER
    assert full.one("schedulers")["properties"]["sku"] == {"name": "Consumption"}


def check_outputs(usual: Deployment, full: Deployment) -> None:
    assert usual.outputs == full.outputs == OUTPUTS


Check = Callable[[Deployment, Deployment], None]
CHECKS: list[Check] = [
    *[check_properties, check_scale, check_places, check_settings],
    *[check_roles, check_scheduler, check_outputs, check_secrecy],
]
