"""The keys that open functions, webhooks and /admin, and the file that holds them.

Source: Azure/azure-functions-host, WebJobs.Script.WebHost/Security/KeyManagement/SecretManager.cs.
"""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devhost.config.json_text import JsonTextError, read_json_object
from devhost.errors import ConfigurationError

DURABLE_KEY = "durabletask_extension"
"""Name of the system key that opens the webhooks of the durable extension."""

_DEFAULT_NAME = "default"
_SECTIONS = ("master", "host", "functions", "system")
_ONLY_OWNER = 0o600
_KEY_BYTES = 32


class KeyFileError(ConfigurationError):
    """The file of keys cannot be used; the message names the file, the place and the cure."""


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """All keys; names of functions are in lower case."""

    master: str
    host: Mapping[str, str]
    functions: Mapping[str, Mapping[str, str]]
    """Function to its own keys, each with a name."""
    system: Mapping[str, str]

    @property
    def durable(self) -> str:
        """The key that management URLs carry."""
        return self.system[DURABLE_KEY]

    def of_function(self, name: str) -> tuple[str, ...]:
        """The function's own keys."""
        return tuple(self.functions.get(name.lower(), {}).values())


def open_keys(path: Path, function_names: Iterable[str]) -> AccessKeys:
    """The keys of the file; what is missing, a key of each function included, is drawn and written to it.

    A new file is readable by its owner only. Raises KeyFileError for a file that is not of the expected form.
    """
    try:
        found: Mapping[str, object] = read_json_object(path).root
    except FileNotFoundError:
        found = {}
    except (JsonTextError, OSError) as error:
        raise KeyFileError(f"{path} cannot be read: {error}. Correct it, or delete it to get new keys.") from error
    document = _completed(_checked(path, found), function_names)
    if document != found:
        _write(path, document)
    return _access_keys(document)


def read_keys(path: Path) -> AccessKeys:
    """The keys as the file holds them. Raises KeyFileError if there is no file, or one that cannot be used."""
    if not path.exists():
        raise KeyFileError(f"{path} does not exist. The host makes it when it is started with --enable-auth.")
    return open_keys(path, ())


def key_lines(keys: AccessKeys) -> list[str]:
    """One line per key for people: what it opens, its name, its value."""
    rows = [("admin", "_master", keys.master)]
    rows += [("every function", name, value) for name, value in sorted(keys.host.items())]
    for function, own in sorted(keys.functions.items()):
        rows += [(f"function {function}", name, value) for name, value in sorted(own.items())]
    rows += [("webhooks", name, value) for name, value in sorted(keys.system.items())]
    return [f"{opens:<32} {name:<24} {value}" for opens, name, value in rows]


def _completed(found: Mapping[str, object], function_names: Iterable[str]) -> dict[str, object]:
    master, host, functions, system = (found.get(name) for name in _SECTIONS)
    functions = dict(functions) if isinstance(functions, dict) else {}
    known = {name.lower() for name in functions}
    for name in function_names:
        if name.lower() not in known:
            functions[name] = {_DEFAULT_NAME: _new_key()}
    system = dict(system) if isinstance(system, dict) else {}
    system.setdefault(DURABLE_KEY, _new_key())
    return {
        "master": master if master is not None else _new_key(),
        "host": host if host is not None else {_DEFAULT_NAME: _new_key()},
        "functions": functions,
        "system": system,
    }


def _checked(path: Path, found: Mapping[str, object]) -> Mapping[str, object]:
    for section, value in found.items():
        if section not in _SECTIONS:
            raise _fault(path, section, f"is unknown; the file holds {', '.join(_SECTIONS)}")
        if section == "master":
            _check_key(path, section, value)
        elif section == "functions":
            for name, keys in _object(path, section, value).items():
                _check_keys(path, f"{section}.{name}", keys)
        else:
            _check_keys(path, section, value)
    return found


def _check_keys(path: Path, place: str, value: object) -> None:
    for name, key in _object(path, place, value).items():
        _check_key(path, f"{place}.{name}", key)


def _check_key(path: Path, place: str, key: object) -> None:
    # An empty key would open everything to everyone; a blank at an end would never arrive in a header.
    if not isinstance(key, str) or not key or not key.isascii() or not key.isprintable() or " " in key:
        raise _fault(path, place, "must be a text of printable ASCII characters without blanks")


def _object(path: Path, place: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _fault(path, place, "must be an object of names and keys, {...}")
    return value


def _fault(path: Path, place: str, reason: str) -> KeyFileError:
    return KeyFileError(f"{path}: '{place}' {reason}. Correct it, or delete the file to get new keys.")


def _access_keys(document: Mapping[str, object]) -> AccessKeys:
    master, host, functions, system = (document[name] for name in _SECTIONS)
    assert isinstance(host, dict)
    assert isinstance(functions, dict)
    assert isinstance(system, dict)
    return AccessKeys(str(master), host, {name.lower(): own for name, own in functions.items()}, system)


def _new_key() -> str:
    return secrets.token_urlsafe(_KEY_BYTES)


def _write(path: Path, document: Mapping[str, object]) -> None:
    # Written aside and renamed: whoever reads the file meanwhile sees the old keys or the new ones.
    aside = path.with_suffix(".new")
    try:
        aside.unlink(missing_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER), "w") as file:
            file.write(f"{json.dumps(document, indent=2)}\n")
        aside.replace(path)
    except OSError as error:
        raise KeyFileError(
            f"The keys cannot be written to {path}: {error.strerror}. Check the permissions of the folder, or choose "
            "another with --state-dir."
        ) from error
