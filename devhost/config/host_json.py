"""host.json as the host uses it: the file, then `AzureFunctionsJobHost__a__b` variables on top."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devhost.config.json_text import JsonText, JsonTextError, NumberText, read_json_object
from devhost.config.layered_options import LayeredOptions, OptionError
from devhost.config.setting_names import UnresolvedSetting, resolve_setting_names
from devhost.config.time_span import parse_time_span
from devhost.errors import ConfigurationError

OVERRIDE_PREFIX = "AzureFunctionsJobHost__"
LOG_LEVELS = ("Trace", "Debug", "Information", "Warning", "Error", "Critical", "None")
HUB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,44}")
DURABLE = "extensions:durableTask"


class HostJsonError(ConfigurationError):
    """host.json cannot be used; the message names the file, the place and the cure."""

    def __init__(self, path: Path, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        place = "" if line is None else f", line {line}, column {column}"
        super().__init__(f"{path}{place}: {reason}")
        self.path = path
        self.reason = reason
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class DurableOptions:
    """`extensions.durableTask`, the part that this host obeys."""

    hub_name: str
    connection_name: str
    max_concurrent_activities: int
    max_concurrent_orchestrators: int
    max_orchestration_actions: int
    override_any_state: bool
    """True for `AnyState`: a start replaces a live instance with the same ID."""
    store_inputs_in_history: bool
    async_sleep_ms: int
    max_concurrent_entities: int = 10
    max_entity_batch_size: int = 5000
    default_version: str = ""
    """`Version` of new instances and children that are started without one."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """`extensions.http`, the limits; None means no limit, as the product has it outside the Consumption plan."""

    max_outstanding_requests: int | None = None
    max_concurrent_requests: int | None = None


@dataclass(frozen=True, slots=True)
class HostJson:
    """The whole file, the part that this host obeys."""

    route_prefix: str
    """Without slashes at the ends; empty means no prefix."""
    function_timeout_s: float | None
    """None means no limit."""
    functions: tuple[str, ...] | None
    """Only these load; None means all."""
    log_levels: Mapping[str, str]
    """Category to one of LOG_LEVELS; keys as written, to be compared ignoring case."""
    durable: DurableOptions
    queues: Mapping[str, object]
    """`extensions.queues`, keys as written; values as in the file, or text when a variable overrides them."""
    http: HttpOptions = field(default_factory=HttpOptions)
    watch_directories: tuple[str, ...] = ()
    """Folders, relative to the app's, in which every change starts the host again."""
    watch_files: tuple[str, ...] = ()
    """The same for single files."""
    warnings: tuple[str, ...] = ()
    """Sentences for the console."""


def read_host_json(path: Path, environ: Mapping[str, str], *, cpu_count: int | None = None) -> HostJson:
    """Read and check the file; a missing one means the defaults and a warning.

    Keys compare ignoring case, unknown keys are accepted. `cpu_count` (default: this machine's) scales
    the default concurrency. Raises HostJsonError naming line and column, or the key, and the cure.
    Source: azure-functions-host, HostJsonFileConfigurationSource.cs; DurableTask extension 2.x/3.x options.
    """
    root = _read_root(path)
    options = LayeredOptions(root or {}, _overrides(environ))
    try:
        warnings = tuple(_warnings(path, options, is_missing=root is None))
        return _host_json(options, environ, cpu_count or os.cpu_count() or 1, warnings)
    except (OptionError, UnresolvedSetting) as error:
        raise HostJsonError(path, str(error)) from error


def _read_root(path: Path) -> dict[str, object] | None:
    try:
        document = read_json_object(path)
    except FileNotFoundError:
        return None
    except JsonTextError as error:
        reason = f"host.json is not one valid JSON document: {error.reason}. Correct the file at this place."
        raise HostJsonError(path, reason, line=error.line, column=error.column) from error
    except OSError as error:
        reason = f"host.json cannot be read: {error.strerror}. Check the file and its permissions."
        raise HostJsonError(path, reason) from error
    _require_version(path, document)
    return document.root


def _warnings(path: Path, options: LayeredOptions, *, is_missing: bool) -> Iterator[str]:
    if is_missing:
        yield f'{path} is missing, so the defaults apply; create it with at least {{"version": "2.0"}}.'
    if options.flag(f"{DURABLE}:extendedSessionsEnabled", default=False):
        yield (
            "extensions.durableTask.extendedSessionsEnabled is taken as false, since Python does not support "
            f"extended sessions; remove it from {path}."
        )


def _host_json(
    options: LayeredOptions, environ: Mapping[str, str], cpu_count: int, warnings: tuple[str, ...]
) -> HostJson:
    functions = _names(options, "functions")
    return HostJson(
        route_prefix=options.text("extensions:http:routePrefix", default="api").strip("/"),
        function_timeout_s=_function_timeout_s(options.text("functionTimeout", default="00:30:00")),
        functions=functions or None,
        log_levels={key: _log_level(key, level) for key, level in options.entries("logging:logLevel")},
        durable=_durable_options(options, environ, cpu_count),
        http=HttpOptions(
            _limit(options, "extensions:http:maxOutstandingRequests"),
            _limit(options, "extensions:http:maxConcurrentRequests"),
        ),
        queues=dict(options.entries("extensions:queues")),
        watch_directories=_names(options, "watchDirectories"),
        watch_files=_names(options, "watchFiles"),
        warnings=warnings,
    )


def _limit(options: LayeredOptions, path: str) -> int | None:
    return None if options.text(path, default="-1").strip() == "-1" else options.count(path, default=1)


def _names(options: LayeredOptions, path: str) -> tuple[str, ...]:
    return tuple(str(name) for _, name in options.entries(path))


def _durable_options(options: LayeredOptions, environ: Mapping[str, str], cpu_count: int) -> DurableOptions:
    provider = f"{DURABLE}:storageProvider"
    connection_name = options.lenient_text(f"{provider}:connectionName") or options.lenient_text(
        f"{provider}:connectionStringName"
    )
    states = options.text(f"{DURABLE}:overridableExistingInstanceStates", default="NonRunningStates")
    if states.lower() not in ("nonrunningstates", "anystate"):
        raise OptionError(f"{DURABLE}:overridableExistingInstanceStates", states, "write NonRunningStates or AnyState")
    per_cpu = 10 * cpu_count
    return DurableOptions(
        hub_name=_hub_name(options, environ),
        connection_name=connection_name or "Storage",
        max_concurrent_activities=options.count(f"{DURABLE}:maxConcurrentActivityFunctions", default=per_cpu),
        max_concurrent_orchestrators=options.count(f"{DURABLE}:maxConcurrentOrchestratorFunctions", default=per_cpu),
        max_concurrent_entities=options.count(f"{DURABLE}:maxConcurrentEntityFunctions", default=per_cpu),
        max_entity_batch_size=options.count(f"{DURABLE}:maxEntityOperationBatchSize", default=5000),
        max_orchestration_actions=options.count(f"{DURABLE}:maxOrchestrationActions", default=100_000),
        override_any_state=states.lower() == "anystate",
        store_inputs_in_history=options.flag(f"{DURABLE}:storeInputsInOrchestrationHistory", default=False),
        async_sleep_ms=options.count(
            f"{DURABLE}:httpSettings:defaultAsyncRequestSleepTimeMilliseconds", default=30_000
        ),
        default_version=options.text(f"{DURABLE}:defaultVersion", default=""),
    )


def _hub_name(options: LayeredOptions, environ: Mapping[str, str]) -> str:
    key = f"{DURABLE}:hubName"
    written = options.text(key, default="")
    if not written:
        return _default_hub_name(environ.get("WEBSITE_SITE_NAME", ""))
    name = resolve_setting_names(written, environ)
    if not HUB_NAME.fullmatch(name):
        raise OptionError(key, name, "use 3 to 45 letters and digits, the first one a letter")
    return name


def _default_hub_name(site_name: str) -> str:
    name = "".join(character for character in site_name if character.isascii() and character.isalnum())
    if not name:
        return "TestHubName"
    if name[0].isdigit():
        name = f"t{name}"
    return (name if len(name) >= 3 else f"{name}Hub")[:45]


def _function_timeout_s(text: str) -> float | None:
    if text.strip() == "-1":
        return None
    cure = "write hh:mm:ss, at least 00:00:01, or -1 for no limit"
    try:
        timeout_s = parse_time_span(text).total_seconds()
    except ValueError as error:
        raise OptionError("functionTimeout", text, cure) from error
    if timeout_s < 1:
        raise OptionError("functionTimeout", text, cure)
    return timeout_s


def _log_level(key: str, level: object) -> str:
    for known in LOG_LEVELS:
        if str(level).lower() == known.lower():
            return known
    raise OptionError(f"logging:logLevel:{key}", level, f"write one of {', '.join(LOG_LEVELS)}")


def _overrides(environ: Mapping[str, str]) -> dict[str, str]:
    """`a:b` → value, for each variable `AzureFunctionsJobHost__a__b` (or with `:`)."""
    prefix = OVERRIDE_PREFIX.replace("__", ":").lower()
    paths = {name.replace("__", ":"): value for name, value in environ.items()}
    return {path[len(prefix) :]: value for path, value in paths.items() if path.lower().startswith(prefix)}


def _require_version(path: Path, document: JsonText) -> None:
    versions = [value for key, value in document.root.items() if key.lower() == "version"]
    if versions and versions[-1] == "2.0" and not isinstance(versions[-1], NumberText):
        return
    found = f"is {json.dumps(versions[-1])}" if versions else "is missing"
    if versions and isinstance(versions[-1], NumberText):
        found = f"is the number {versions[-1]}"
    line, column = document.place_of("version")
    reason = f'"version" {found}; write "version": "2.0", in quotes.'
    raise HostJsonError(path, reason, line=line, column=column)
