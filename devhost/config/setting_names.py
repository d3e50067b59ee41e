"""`%NAME%` inside a binding property or host.json value becomes the value of that setting."""

from collections.abc import Mapping

from devhost.errors import ConfigurationError


class UnresolvedSetting(ConfigurationError):
    """A text names a setting that does not exist, or opens a `%` that nothing closes."""

    def __init__(self, name: str, text: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.text = text


def resolve_setting_names(text: str, environ: Mapping[str, str]) -> str:
    """`text` with every `%NAME%` replaced once; a value that holds `%` itself is left as it is.

    Names compare ignoring case, and `a:b` also finds the variable `a__b`. An empty value is a value.
    Raises UnresolvedSetting if a setting is missing or a `%` is not closed.
    Source: azure-webjobs-sdk, Microsoft.Azure.WebJobs.Host/NameResolverExtensions.cs.
    """
    pieces = text.split("%")
    if len(pieces) % 2 == 0:
        raise UnresolvedSetting(pieces[-1], text, f"'{text}' opens a '%' that is not closed: write %NAME%.")
    for index in range(1, len(pieces), 2):
        name = pieces[index]
        value = _look_up(name, environ)
        if value is None:
            raise UnresolvedSetting(
                name,
                text,
                f"'%{name}%' does not resolve to a value: "
                f"add '{name}' to Values in local.settings.json or set it as an environment variable.",
            )
        pieces[index] = value
    return "".join(pieces)


def _look_up(name: str, environ: Mapping[str, str]) -> str | None:
    if name in environ:
        return environ[name]
    wanted = _comparable(name)
    return next((value for key, value in environ.items() if _comparable(key) == wanted), None)


def _comparable(name: str) -> str:
    return name.replace("__", ":").lower()
