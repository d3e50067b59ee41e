"""local.settings.json: settings for this machine only, read once at the start and never written."""

import os
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from devhost.config.json_text import JsonTextError, read_json_object


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What the file says; everything is empty or None when it says nothing or cannot be used."""

    values: dict[str, str] = field(default_factory=dict)
    """`Values`, then `ConnectionStrings` as `ConnectionStrings:NAME`."""
    port: int | None = None
    address: str | None = None
    cors: tuple[str, ...] = ()
    """Allowed origins; `*` means all."""
    cors_credentials: bool = False
    remarks: tuple[str, ...] = ()
    """Sentences for the console about single keys that have no effect."""
    warnings: tuple[str, ...] = ()
    """Sentences for the console: why all of the file is ignored, and the cure; empty if it counts."""


_SECTIONS = frozenset({"isencrypted", "values", "connectionstrings", "host"})


class _Unusable(Exception):
    """The file breaks a rule that makes all of it unusable; the message is a clause for a warning."""


def read_local_settings(path: Path) -> LocalSettings:
    """The settings of the file; a missing file is no fault, an unusable one becomes a warning.

    Numbers and booleans become text, null is skipped, a BOM and comments are accepted. A file without
    `"IsEncrypted": false` counts as encrypted, as for Core Tools, and none of its values is used.
    Source: azure-functions-core-tools, Common/SecretsManager.cs and AppSettingsFile.cs.
    """
    try:
        root = read_json_object(path).root
        return replace(_settings(_ignoring_case(root)), remarks=tuple(_remarks(path, root)))
    except FileNotFoundError:
        return LocalSettings()
    except (JsonTextError, OSError, _Unusable) as error:
        return LocalSettings(warnings=(f"{path} is ignored: {error}.",))


def apply_settings(values: Mapping[str, str], environ: MutableMapping[str, str]) -> tuple[str, ...]:
    """Put `values` into `environ`; a non-empty variable that is there already wins.

    Returns the names that were skipped for that reason, in the order of the file.
    """
    skipped = []
    for name, value in values.items():
        if environ.get(name):
            skipped.append(name)
        else:
            environ[name] = value
    return tuple(skipped)


def _settings(root: Mapping[str, object]) -> LocalSettings:
    _require_plain_text(root)
    host = _ignoring_case(_section(root, "Host"))
    cors = _text(host.get("cors"), "Host.CORS") or ""
    return LocalSettings(
        values=_values(root),
        port=_port(host.get("localhttpport")),
        address=_text(host.get("localhttpaddress"), "Host.LocalHttpAddress") or None,
        cors=tuple(origin.strip() for origin in cors.split(",") if origin.strip()),
        cors_credentials=(_text(host.get("corscredentials"), "Host.CORSCredentials") or "").lower() == "true",
    )


def _remarks(path: Path, root: Mapping[str, object]) -> Iterator[str]:
    for key, value in root.items():
        if key.lower() not in _SECTIONS and isinstance(value, str | int) and not key.startswith("$"):
            yield f'\'{key}\' in {path} stands outside of "Values" and has no effect; move it into "Values".'


def _require_plain_text(root: Mapping[str, object]) -> None:
    encrypted = _text(root.get("isencrypted"), "IsEncrypted")
    if encrypted is not None and encrypted.lower() == "false":
        return
    found = '"IsEncrypted" is missing, which counts as true' if encrypted is None else '"IsEncrypted" is not false'
    raise _Unusable(f'{found}; keep the values as plain text and write "IsEncrypted": false at the top')


def _values(root: Mapping[str, object]) -> dict[str, str]:
    texts = {name: _text(value, f"Values.{name}") for name, value in _section(root, "Values").items()}
    for name, value in _section(root, "ConnectionStrings").items():
        # The long form is {"ConnectionString": "…", "ProviderName": "…"}.
        plain = _ignoring_case(value).get("connectionstring") if isinstance(value, dict) else value
        texts[f"ConnectionStrings:{name}"] = _text(plain, f"ConnectionStrings.{name}")
    values = {name: value for name, value in texts.items() if value is not None}
    for name, value in values.items():
        if not name or "=" in name or "\0" in name + value or not _is_encodable(name + value):
            raise _Unusable(f"Values.{name} cannot be an environment variable; rename it or change its value")
    return values


def _is_encodable(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:  # half of a surrogate pair, written as an escape
        return False
    return True


def _section(root: Mapping[str, object], name: str) -> Mapping[str, object]:
    section = root.get(name.lower())
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise _Unusable(f'"{name}" must be an object, {{...}}')
    return section


def _text(value: object, place: str) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case dict() | list():
            raise _Unusable(f"{place} holds a nested value; write it as one string")
        case _:
            return str(value)


def _port(value: object) -> int | None:
    text = _text(value, "Host.LocalHttpPort")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise _Unusable(f"Host.LocalHttpPort is '{text}'; write a port number from 0 to 65535")
    return int(text)


def _ignoring_case(section: Mapping[str, object]) -> dict[str, object]:
    return {key.lower(): value for key, value in section.items()}
