from pathlib import Path

import pytest

from devhost.config.host_json import DurableOptions, HostJson, HostJsonError, read_host_json


def read(folder: Path, text: str, environ: dict[str, str] | None = None) -> HostJson:
    path = folder / "host.json"
    path.write_text(text)
    return read_host_json(path, environ or {}, cpu_count=2)


def durable(folder: Path, options: str, environ: dict[str, str] | None = None) -> DurableOptions:
    return read(folder, f'{{"version": "2.0", "extensions": {{"durableTask": {options}}}}}', environ).durable


DEFAULT_DURABLE = DurableOptions(
    hub_name="TestHubName",
    connection_name="Storage",
    max_concurrent_activities=20,
    max_concurrent_orchestrators=20,
    max_orchestration_actions=100000,
    override_any_state=False,
    store_inputs_in_history=False,
    async_sleep_ms=30000,
    max_concurrent_entities=20,
    max_entity_batch_size=5000,
)
DEFAULTS = HostJson(
    route_prefix="api",
    function_timeout_s=1800.0,
    functions=None,
    log_levels={},
    durable=DEFAULT_DURABLE,
    queues={},
)


def test_a_file_with_only_a_version_means_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, '{"version": "2.0"}') == DEFAULTS


def test_a_missing_file_means_the_defaults_and_a_warning_and_stays_missing(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    host = read_host_json(path, {}, cpu_count=2)
    assert host.warnings == (
        f'{path} is missing, so the defaults apply; create it with at least {{"version": "2.0"}}.',
    )
    assert host.durable == DEFAULT_DURABLE
    assert not path.exists()


def test_keys_compare_ignoring_case(tmp_path: Path) -> None:
    host = read(tmp_path, '{"Version": "2.0", "EXTENSIONS": {"HTTP": {"routeprefix": "/v1/"}}}')
    assert host.route_prefix == "v1"


def test_unknown_keys_are_accepted(tmp_path: Path) -> None:
    assert read(tmp_path, '{"version": "2.0", "nonsense": [1, {"a": null}], "extensionBundle": {}}') == DEFAULTS


def test_every_option_that_counts_is_read(tmp_path: Path) -> None:
    host = read(
        tmp_path,
        """{
          "version": "2.0", "functionTimeout": "00:10:00", "functions": ["A", "B"],
          "logging": {"logLevel": {"default": "warning", "Function.A.User": "Debug"}},
          "extensions": {
            "http": {"routePrefix": ""}, "queues": {"batchSize": 4, "maxPollingInterval": "00:00:02"},
            "durableTask": {"hubName": "MyHub1", "maxConcurrentActivityFunctions": 3,
              "maxConcurrentOrchestratorFunctions": "4", "maxOrchestrationActions": 5,
              "maxConcurrentEntityFunctions": 7, "maxEntityOperationBatchSize": 8,
              "overridableExistingInstanceStates": "anystate", "storeInputsInOrchestrationHistory": true,
              "httpSettings": {"defaultAsyncRequestSleepTimeMilliseconds": 6},
              "storageProvider": {"connectionName": "Hub"}}}}""",
    )
    assert host == HostJson(
        route_prefix="",
        function_timeout_s=600.0,
        functions=("A", "B"),
        log_levels={"default": "Warning", "Function.A.User": "Debug"},
        durable=DurableOptions("MyHub1", "Hub", 3, 4, 5, True, True, 6, 7, 8),
        queues={"batchSize": 4, "maxPollingInterval": "00:00:02"},
    )


def test_variables_override_the_file(tmp_path: Path) -> None:
    host = read(
        tmp_path,
        '{"version": "2.0", "functions": ["A", "B"], "logging": {"logLevel": {"Default": "Error"}}}',
        {
            "AzureFunctionsJobHost__functions__0": "C",
            "AzureFunctionsJobHost__logging__logLevel__default": "Debug",
            "AZUREFUNCTIONSJOBHOST__extensions__durableTask__maxConcurrentActivityFunctions": "7",
            "AzureFunctionsJobHost:extensions:http:routePrefix": "x",
        },
    )
    assert host.functions == ("C", "B")
    assert host.log_levels == {"default": "Debug"}
    assert host.durable.max_concurrent_activities == 7
    assert host.route_prefix == "x"


def test_functions_named_by_variables_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    environ = {"AzureFunctionsJobHost__functions__10": "K", "AzureFunctionsJobHost__functions__9": "J"}
    assert read(tmp_path, '{"version": "2.0"}', environ).functions == ("J", "K")


@pytest.mark.row("host/2.6/time-limit")
@pytest.mark.parametrize(
    ("value", "expected"), [('"-1"', None), ("-1", None), ('"00:00:01"', 1.0), ('"1.00:00:00"', 86400.0)]
)
def test_a_function_timeout_is_read(tmp_path: Path, value: str, expected: float | None) -> None:
    host = read(tmp_path, f'{{"version": "2.0", "functionTimeout": {value}}}')
    assert host.function_timeout_s == expected


@pytest.mark.row("host/2.6/time-limit")
@pytest.mark.parametrize("value", ['"soon"', '"00:00:00.5"', '"-00:00:02"', '{"a": 1}'])
def test_a_wrong_function_timeout_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(HostJsonError, match="'functionTimeout' is"):
        read(tmp_path, f'{{"version": "2.0", "functionTimeout": {value}}}')


def test_setting_names_in_the_hub_name_are_resolved(tmp_path: Path) -> None:
    assert durable(tmp_path, '{"hubName": "%HUB%1"}', {"hub": "Mine"}).hub_name == "Mine1"


def test_an_unresolved_hub_name_names_setting_and_file(tmp_path: Path) -> None:
    with pytest.raises(HostJsonError, match=r"host\.json: '%HUB%' does not resolve"):
        durable(tmp_path, '{"hubName": "%HUB%"}')


@pytest.mark.parametrize(
    ("site_name", "expected"),
    [("my-site", "mysite"), ("1a", "t1a"), ("ab", "abHub"), ("---", "TestHubName"), ("x" * 50, "x" * 45)],
)
def test_the_default_hub_name_is_made_of_the_site_name(tmp_path: Path, site_name: str, expected: str) -> None:
    assert durable(tmp_path, "{}", {"WEBSITE_SITE_NAME": site_name}).hub_name == expected


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ('{"hubName": "ab"}', "extensions.durableTask.hubName"),
        ('{"hubName": "my-hub"}', "extensions.durableTask.hubName"),
        ('{"hubName": "1hub"}', "extensions.durableTask.hubName"),
        ('{"maxConcurrentActivityFunctions": 0}', "extensions.durableTask.maxConcurrentActivityFunctions"),
        ('{"maxConcurrentOrchestratorFunctions": -1}', "extensions.durableTask.maxConcurrentOrchestratorFunctions"),
        ('{"maxConcurrentEntityFunctions": "ten"}', "extensions.durableTask.maxConcurrentEntityFunctions"),
        ('{"maxEntityOperationBatchSize": 0}', "extensions.durableTask.maxEntityOperationBatchSize"),
        ('{"maxOrchestrationActions": 1.5}', "extensions.durableTask.maxOrchestrationActions"),
        ('{"maxOrchestrationActions": [1]}', "extensions.durableTask.maxOrchestrationActions"),
        ('{"overridableExistingInstanceStates": "All"}', "overridableExistingInstanceStates"),
        ('{"storeInputsInOrchestrationHistory": "maybe"}', "storeInputsInOrchestrationHistory"),
    ],
)
def test_a_durable_option_out_of_its_range_is_refused_by_name(tmp_path: Path, options: str, key: str) -> None:
    with pytest.raises(HostJsonError, match=key):
        durable(tmp_path, options)


@pytest.mark.parametrize(
    "provider", ['"x"', "[1, 2]", "null", '{"type": "mssql", "connectionName": {"a": 1}}', '{"partitionCount": -3}']
)
def test_any_storage_provider_is_accepted(tmp_path: Path, provider: str) -> None:
    assert durable(tmp_path, f'{{"storageProvider": {provider}}}') == DEFAULT_DURABLE


def test_extended_sessions_are_ignored_with_a_warning(tmp_path: Path) -> None:
    host = read(tmp_path, '{"version": "2.0", "extensions": {"durableTask": {"extendedSessionsEnabled": true}}}')
    assert len(host.warnings) == 1
    assert "extendedSessionsEnabled is taken as false" in host.warnings[0]


def test_an_unknown_log_level_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostJsonError, match=r"'logging\.logLevel\.default' is 'Loud'; write one of Trace, "):
        read(tmp_path, '{"version": "2.0", "logging": {"logLevel": {"default": "Loud"}}}')


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ('{"version": "2.0",\n  oops}', 2, 3, "not one valid JSON document"),
        ('{"version": "2.0"}\n{"version": "2.0"}', 2, 1, "more text after the end"),
        ('/* a\nb */ {"version": "2.0"', 2, 23, "not one valid JSON document"),
        ("", 1, 1, "the file is empty"),
        ("\n []", 2, 2, "must be an object"),
        ('{\n  "a": {"version": "2.0"},\n  "version": "3.0"\n}', 3, 3, '"version" is "3.0"; write'),
        ('{"version": 2.0}', 1, 2, '"version" is the number 2.0; write "version": "2.0", in quotes'),
        ('\n{"functions": [], "a": 1 }', 2, 1, '"version" is missing; write'),
        ("{ }", 1, 1, '"version" is missing; write'),
    ],
)
def test_an_unusable_file_is_refused_with_its_place(
    tmp_path: Path, text: str, line: int, column: int, reason: str
) -> None:
    with pytest.raises(HostJsonError) as caught:
        read(tmp_path, text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"{tmp_path / 'host.json'}, line {line}, column {column}: ")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostJsonError, match="cannot be read"):
        read_host_json(tmp_path, {})


def test_a_number_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostJsonError, match="beyond what can be read"):
        read(tmp_path, f'{{"version": "2.0", "a": {"9" * 5000}}}')
