"""What settings say about the public listener."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from devhost.config.host_json import HttpOptions
from devhost.errors import ConfigurationError

DEFAULT_BODY_LIMIT_BYTES = 104_857_600
_BODY_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
_NO_HOME_PAGE = "AzureWebJobsDisableHomepage"


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Limits, and whether `/` shows a page."""

    body_limit_bytes: int = DEFAULT_BODY_LIMIT_BYTES
    has_home_page: bool = True
    limits: HttpOptions = field(default_factory=HttpOptions)


def http_settings(environ: Mapping[str, str], limits: HttpOptions) -> HttpSettings:
    """The settings as the variables and host.json give them. Raises ConfigurationError for a bad body limit."""
    return HttpSettings(
        body_limit_bytes=_body_limit(environ.get(_BODY_LIMIT, "")),
        has_home_page=environ.get(_NO_HOME_PAGE, "").lower() not in {"true", "1"},
        limits=limits,
    )


def _body_limit(text: str) -> int:
    if not text:
        return DEFAULT_BODY_LIMIT_BYTES
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError(f"{_BODY_LIMIT} is '{text}'; set it to a number of bytes, or remove it.")
    return int(text)
