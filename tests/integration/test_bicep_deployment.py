"""What a deployment of infra/ makes, worked out from its files; and which mistakes in them are found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts.checkout import ROOT
from tests.helpers.bicep_deployment import deploy
from tests.helpers.deployment_checks import (
    ALL,
    CHECKS,
    DEFAULTS,
    Check,
    check_outputs,
    check_places,
    check_properties,
    check_roles,
    check_scale,
    check_scheduler,
    check_secrecy,
    check_settings,
)

INFRA = ROOT / "infra"


@pytest.mark.parametrize("check", CHECKS)
def test_a_deployment_makes_what_it_must(check: Check) -> None:
    check(deploy(INFRA, DEFAULTS), deploy(INFRA, ALL))


MUTATIONS: list[tuple[Check, str, str, str]] = [
    (check_properties, "modules/monitoring.bicep", "DisableLocalAuth: true", "DisableLocalAuth: false"),
    (check_properties, "modules/monitoring.bicep", "dailyQuotaGb: dailyQuotaGb", "dailyQuotaGb: -1 - dailyQuotaGb"),
    (
        check_properties,
        "modules/app.bicep",
        "name: 'FC1'\n    tier: 'FlexConsumption'",
        "name: 'Y1'\n    tier: 'Dynamic'",
    ),
    (check_properties, "modules/app.bicep", "kind: 'functionapp,linux'", "kind: 'app'"),
    (check_properties, "modules/app.bicep", "'${identityId}': {}", "'${identityClientId}': {}"),
    (check_properties, "modules/app.bicep", "IdentityResourceId: identityId", "IdentityResourceId: identityClientId"),
    (check_properties, "modules/storage.bicep", "publicAccess: 'None'", "publicAccess: 'Blob'"),
    (check_properties, "modules/storage.bicep", "TrafficOnly: true", "TrafficOnly: false"),
    (check_properties, "modules/storage.bicep", "primaryEndpoints.blob", "primaryEndpoints.table"),
    (check_scale, "modules/app.bicep", "alwaysReadyDurable == 0", "alwaysReadyDurable != 0"),
    (
        check_scale,
        "modules/app.bicep",
        "Count: maximumInstanceCount",
        "Count: instanceMemoryMB + 0 * maximumInstanceCount",
    ),
    (check_places, "main.bicep", "'st${token}'\n    location: location", "'st${token}'\n    location: 'westus'"),
    (check_settings, "modules/app.bicep", "credential: 'managedidentity'", "credential: 'sharedkey'"),
    (check_settings, "modules/app.bicep", "__clientId: identityClientId", "__clientId: storageAccountName"),
    (check_settings, "modules/app.bicep", "  }, appSettings)", "  }, {})"),
    (check_settings, "main.bicep", "empty(alertWebhookUrl) ?", "!empty(alertWebhookUrl) ?"),
    (check_settings, "main.bicep", "openTelemetry ?", "!openTelemetry ?"),
    (check_settings, "main.bicep", "CONTACT: contact", "CONTACT: alertFormat"),
    (check_settings, "modules/scheduler.bicep", "ClientID=${appClientId}", "ClientID=${appPrincipalId}"),
    (check_secrecy, "main.bicep", "CONTACT: contact", "CONTACT: '${contact}${alertWebhookUrl}'"),
    (check_secrecy, "main.parameters.json", '"${CONTACT}"', '"${ALERT_WEBHOOK_URL}"'),
    (check_settings, "main.parameters.json", '"${ALERT_WEBHOOK_URL}"', '"${CONTACT}"'),
    (
        check_roles,
        "main.bicep",
        "appPrincipalId: identity.outputs.principalId",
        "appPrincipalId: identity.outputs.clientId",
    ),
    (check_roles, "modules/scheduler.bicep", "principalId: appPrincipalId", "principalId: appClientId"),
    (check_roles, "modules/roles.bicep", "scope: account", "scope: component"),
    (
        check_roles,
        "modules/roles.bicep",
        "Definitions', monitoringMetricsPublisher",
        "Definitions', storageBlobDataOwner",
    ),
    (check_roles, "modules/roles.bicep", "? [] : operatorRoles", "? [] : storageRoles"),
    (check_roles, "modules/roles.bicep", "empty(operatorPrincipalId) ?", "!empty(operatorPrincipalId) ?"),
    (check_scheduler, "main.bicep", "if (durableTaskScheduler)", "if (!durableTaskScheduler)"),
    (check_outputs, "modules/app.bicep", "'https://${app.", "'http://${app."),
]
"""What finds it, the file, what is right there, and what somebody wrote instead."""


@pytest.mark.parametrize(("check", "file", "right", "wrong"), MUTATIONS, ids=lambda one: getattr(one, "__name__", one))
def test_a_mistake_is_found(check: Check, file: str, right: str, wrong: str, tmp_path: Path) -> None:
    mistaken = tmp_path / "infra"
    shutil.copytree(INFRA, mistaken)
    source = (mistaken / file).read_text()
    assert right in source
    (mistaken / file).write_text(source.replace(right, wrong, 1))
    with pytest.raises(AssertionError):
        check(deploy(mistaken, DEFAULTS), deploy(mistaken, ALL))
