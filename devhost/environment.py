"""Settings and environment variables: what the app sees when it is imported."""

from collections.abc import MutableMapping
from pathlib import Path

from devhost.config.local_settings import LocalSettings, apply_settings, read_local_settings
from devhost.errors import ConfigurationError
from devhost.options import LOCAL_SETTINGS


def load_settings(script_root: Path, environ: MutableMapping[str, str]) -> tuple[LocalSettings, tuple[str, ...]]:
    """Put the values of local.settings.json into `environ`; the file, and further warnings for the console.

    A variable that is set already wins. The warnings of the file itself stay with it: they say that all of it is
    unusable, so the app starts without its settings. Raises ConfigurationError for a worker runtime other than Python.
    """
    path = script_root / LOCAL_SETTINGS
    settings = read_local_settings(path)
    skipped = apply_settings(settings.values, environ)
    warnings = [f"Skipping '{name}' from local settings: the environment has a value already." for name in skipped]
    runtime = environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python") or "python"
    if runtime.lower() != "python":
        raise ConfigurationError(
            f"FUNCTIONS_WORKER_RUNTIME is '{runtime}', but this host runs Python apps only. "
            f"Set it to 'python' in {path} or in the environment, or remove it."
        )
    return settings, (*settings.remarks, *warnings)


def announce_host(environ: MutableMapping[str, str], *, host_name: str, script_root: Path) -> None:
    """Set the variables by which an app learns that it runs locally, and where.

    Source: azure-functions-core-tools, Actions/HostActions/StartHostAction.cs.
    """
    environ["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development"
    environ["FUNCTIONS_CORETOOLS_ENVIRONMENT"] = "true"
    environ["WEBSITE_HOSTNAME"] = host_name
    environ["AzureWebJobsScriptRoot"] = str(script_root)
