"""infra/ fits the app, and its own parts fit each other. It was never deployed from here: see docs/deploying.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scraper.settings import Settings
from scripts.checkout import ROOT
from tests.helpers.bicep import BicepFile, Expression, read_bicep, walk
from tests.helpers.deployment_checks import BUILT_IN_ROLES

INFRA = ROOT / "infra"
FILES = {path.relative_to(INFRA).as_posix(): read_bicep(path) for path in sorted(INFRA.rglob("*.bicep"))}
MAIN = FILES["main.bicep"]
APP = FILES["modules/app.bicep"]
ROLES = FILES["modules/roles.bicep"]
SCHEDULER = FILES["modules/scheduler.bicep"]
STORAGE = FILES["modules/storage.bicep"]

NOT_IN_AZURE = {
    "FUNCTIONS_WORKER_RUNTIME": "a property of the app in Flex Consumption, which refuses the setting",
    "AzureWebJobsStorage": "a connection string holds a key",
    "AzureWebJobsStorage__tableServiceUri": "the account's name is enough in the public cloud",
    "SAMPLE_SITE_URL": "the sample shop is not in Azure",
    "SAMPLE_LISTING_PAGES": "the sample shop is not in Azure",
}
"""What local.settings.json.example has for a laptop only, and why."""

SET_BY_AZD = {"AZURE_ENV_NAME", "AZURE_LOCATION"}


def settings_in_azure() -> set[str]:
    """The names of all app settings that infra/ makes; those of the variants included."""
    return {name for name in APP.keys_of("settings") | MAIN.keys_of("appSettings") if "_" in name or name.isupper()}


def example_settings() -> list[str]:
    return list(json.loads((ROOT / "local.settings.json.example").read_text())["Values"])


def host_json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


@pytest.mark.parametrize("name", example_settings())
def test_every_setting_of_the_example_is_made_or_has_a_default_or_is_for_laptops_only(name: str) -> None:
    defaults = {
        str(field.validation_alias or key.upper())
        for key, field in Settings.model_fields.items()
        if field.default is not None
    }
    assert [name in settings_in_azure() or name in defaults, name in NOT_IN_AZURE].count(True) == 1


@pytest.mark.parametrize(
    "name",
    [
        *["SCRAPE_SCHEDULE", "OVERLAP_POLICY", "CONTACT", "ALERT_WEBHOOK_URL", "SOURCES_FILE"],
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
    ],
)
def test_what_differs_between_deployments_is_an_app_setting(name: str) -> None:
    assert name in settings_in_azure()


def test_settings_of_the_app_bear_the_names_that_the_app_reads() -> None:
    ours = {str(field.validation_alias or key.upper()) for key, field in Settings.model_fields.items()}
    hosts = {
        *{"AzureWebJobsStorage__credential", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"},
        *{"APPLICATIONINSIGHTS_CONNECTION_STRING", "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"},
        *{"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"},
        *{"AzureFunctionsJobHost__telemetryMode", "DURABLE_TASK_SCHEDULER_CONNECTION_STRING", "ALERT_WEBHOOK_URL"},
    }
    assert settings_in_azure() <= ours | hosts


@pytest.mark.parametrize(
    "name",
    [
        *["FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_WORKER_PROCESS_COUNT"],
        *["SCM_DO_BUILD_DURING_DEPLOYMENT", "ENABLE_ORYX_BUILD", "WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_TIME_ZONE", "TZ"],
        *["AzureWebJobsStorage", "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "WEBSITE_CONTENTSHARE"],
    ],
)
def test_nothing_is_set_that_flex_consumption_refuses(name: str) -> None:
    assert name not in settings_in_azure()


def test_the_app_runs_python_3_13() -> None:
    runtime = APP.resources["app"].body["properties"]["functionAppConfig"]["runtime"]
    assert runtime == {"name": "python", "version": "3.13"}


def test_a_durable_instance_is_always_ready_and_instances_are_bounded() -> None:
    scale = APP.resources["app"].body["properties"]["functionAppConfig"]["scaleAndConcurrency"]
    assert "name: 'durable'" in scale["alwaysReady"]
    assert MAIN.parameters["alwaysReadyDurable"].default == 1
    assert (
        MAIN.parameters["maximumInstanceCount"].default
        == MAIN.parameters["maximumInstanceCount"].decorators["minValue"]
        == 40
    )


def test_what_a_deployment_may_choose_is_a_parameter() -> None:
    assert {
        "location",
        "schedule",
        "instanceMemoryMB",
        "maximumInstanceCount",
        "alertWebhookUrl",
        "openTelemetry",
        "sourcesFile",
    } <= set(MAIN.parameters)
    assert MAIN.parameters["schedule"].default == Settings.model_fields["scrape_schedule"].default
    assert MAIN.parameters["sourcesFile"].default == Settings.model_fields["sources_file"].default
    assert MAIN.parameters["overlapPolicy"].default == Settings.model_fields["overlap_policy"].default


@pytest.mark.parametrize("file", [ROLES, SCHEDULER], ids=["storage and telemetry", "scheduler"])
def test_every_role_is_the_built_in_one_of_its_name(file: BicepFile) -> None:
    guids = {name: given for name, given in file.variables.items() if re.fullmatch(r"[0-9a-f-]{36}", str(given))}
    assert guids
    assert guids.items() <= BUILT_IN_ROLES.items()


def test_the_app_gets_the_roles_on_storage_that_host_hub_and_tables_need() -> None:
    needed = ["storageBlobDataOwner", "storageQueueDataContributor", "storageTableDataContributor"]
    assert ROLES.variables["storageRoles"] == needed
    assert ROLES.resources["appOnStorage"].body["properties"]["principalId"] == "appPrincipalId"
    assert ROLES.resources["appOnTelemetry"].body["scope"] == "component"
    assert MAIN.modules["app"].body["dependsOn"] == ["roles"]


def test_an_operator_may_read_and_no_more_and_need_not_be_a_person() -> None:
    roles = ROLES.variables["operatorRoles"]
    assert roles == ["storageBlobDataReader", "storageQueueDataReader", "storageTableDataReader"]
    assert "[] : operatorRoles:" in (INFRA / "modules/roles.bicep").read_text()
    assert ROLES.resources["operatorOnStorage"].body["properties"]["principalType"] == "operatorPrincipalType"
    assert MAIN.parameters["operatorPrincipalType"].decorators["allowed"] == ["User", "Group", "ServicePrincipal"]


def test_every_role_that_is_written_down_is_given() -> None:
    documented = (ROOT / "docs/deploying.md").read_text()
    for name in BUILT_IN_ROLES:
        assert re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).title() in documented, name


def test_the_queues_are_those_of_the_triggers() -> None:
    triggers = re.findall(r'^queue\("([a-z-]+)"', (ROOT / "function_app.py").read_text(), re.MULTILINE)
    assert STORAGE.parameters["queueNames"].default == triggers


def test_the_setting_that_would_rename_the_queues_is_not_made_and_warned_of() -> None:
    assert "TABLE_PREFIX" not in settings_in_azure()
    assert "not belong there is `TABLE_PREFIX`" in (ROOT / "docs/deploying.md").read_text()
    assert "Not TABLE_PREFIX" in MAIN.parameters["moreAppSettings"].decorators["description"]


def test_the_task_hub_is_the_one_that_both_host_files_name() -> None:
    hubs = [
        host_json(path)["extensions"]["durableTask"]["hubName"]
        for path in (ROOT / "host.json", INFRA / "host.dts.json")
    ]
    assert hubs == [SCHEDULER.parameters["taskHubName"].default] * 2


def test_the_scheduler_variant_of_host_json_differs_in_where_the_hub_is_kept_only() -> None:
    usual, variant = host_json(ROOT / "host.json"), host_json(INFRA / "host.dts.json")
    provider = variant["extensions"]["durableTask"].pop("storageProvider")
    assert usual["extensions"]["durableTask"].pop("storageProvider")["type"] == "AzureStorage"
    assert variant == usual
    assert provider["type"] == "azureManaged"
    assert provider["connectionStringName"] in MAIN.keys_of("appSettings")


def test_storage_takes_no_key_and_nobody_from_the_internet_reads_it() -> None:
    account = STORAGE.resources["account"].body["properties"]
    assert account["allowSharedKeyAccess"] is False
    assert account["allowBlobPublicAccess"] is False
    assert account["minimumTlsVersion"] == "TLS1_2"


def test_the_app_has_one_identity_and_no_password() -> None:
    app = APP.resources["app"].body
    assert app["identity"]["type"] == "UserAssigned"
    assert app["properties"]["httpsOnly"] is True
    authentication = app["properties"]["functionAppConfig"]["deployment"]["storage"]["authentication"]
    assert authentication["type"] == "UserAssignedIdentity"
    passwords = {
        one.body["name"]: one.body["properties"] for one in APP.resources.values() if "Publishing" in one.target
    }
    assert passwords == {"ftp": {"allow": False}, "scm": {"allow": False}}


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_no_key_and_no_secret_is_written_down_or_asked_for(file: BicepFile) -> None:
    source = file.path.read_text()
    assert re.findall(r"listKeys|listAccountSas|AccountKey|SharedAccessSignature|InstrumentationKey", source) == []
    secrets = [
        node
        for node in walk(file.root)
        if node.type == "string_content" and re.search(r"sig=|key=", node.text.decode())
    ]
    assert secrets == []


def test_what_may_hold_a_secret_is_kept_out_of_the_history_of_deployments() -> None:
    assert "secure" in MAIN.parameters["alertWebhookUrl"].decorators
    assert "secure" in MAIN.parameters["moreAppSettings"].decorators
    assert "secure" in APP.parameters["appSettings"].decorators


def test_the_parameters_file_fills_what_exists_and_all_that_must_be_filled() -> None:
    filled = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    assert set(filled) <= set(MAIN.parameters)
    assert {name for name, one in MAIN.parameters.items() if not one.has_default} <= set(filled)


def test_the_defaults_of_the_parameters_file_are_those_of_main() -> None:
    filled = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    defaults = {}
    for name, given in filled.items():
        variable, default = re.fullmatch(r"\$\{([A-Z_]+)(?:=(.*))?\}", given["value"]).groups()
        if variable not in SET_BY_AZD:
            defaults[name] = default or ""
    as_text = {True: "true", False: "false"}
    expected = {name: MAIN.parameters[name].default for name in defaults}
    assert defaults == {name: as_text[one] if isinstance(one, bool) else str(one) for name, one in expected.items()}


def test_the_line_that_is_to_be_added_for_further_settings_fits_into_the_parameters_file() -> None:
    (line,) = re.findall(r"^\"moreAppSettings\": .*,$", (ROOT / "docs/deploying.md").read_text(), re.MULTILINE)
    shipped = (INFRA / "main.parameters.json").read_text()
    assert "moreAppSettings" not in shipped
    filled = json.loads(shipped.replace('"parameters": {', f'"parameters": {{ {line}'))["parameters"]
    assert isinstance(filled["moreAppSettings"]["value"], dict)
    assert set(filled) <= set(MAIN.parameters)


def test_azure_yaml_names_the_folder_the_module_and_a_service_that_infra_tags() -> None:
    azure = yaml.safe_load((ROOT / "azure.yaml").read_text())
    assert (ROOT / azure["infra"]["path"] / f"{azure['infra']['module']}.bicep") == MAIN.path
    (service,) = azure["services"]
    assert f"'azd-service-name': '{service}'" in APP.resources["app"].body["tags"]
    assert azure["services"][service] == {"project": ".", "language": "python", "host": "function"}


def test_the_deployment_by_the_azure_cli_fills_what_must_be_filled_and_names_what_is_made() -> None:
    _, _, documented = (ROOT / "docs/deploying.md").read_text().partition("\n## With the Azure CLI\n")
    documented, _, _ = documented.partition("\n## ")
    assert "az deployment sub create" in documented
    given = dict(re.findall(r"(\w+)=(\S+)", documented.partition("--parameters ")[2].splitlines()[0]))
    assert {name for name, one in MAIN.parameters.items() if not one.has_default} <= set(given) <= set(MAIN.parameters)
    assert MAIN.resources["group"].body["name"] == "'rg-${environmentName}'"
    assert f"AZURE_RESOURCE_GROUP=rg-{given['environmentName']}\n" in documented
    for module, kind in ((APP, "Microsoft.Web/sites"), (STORAGE, "Microsoft.Storage/storageAccounts")):
        assert f"$(first {kind})" in documented
        assert [one.target.partition("@")[0] for one in module.resources.values()].count(kind) == 1


def test_every_output_of_main_is_known_by_the_name_that_the_documents_use() -> None:
    documented = (ROOT / "docs/deploying.md").read_text()
    used = set(re.findall(r"\b(AZURE_(?:FUNCTION|STORAGE|RESOURCE)\w+)", documented))
    assert used
    assert used <= set(MAIN.outputs)
    assert all(isinstance(output, Expression) for output in MAIN.outputs.values())
