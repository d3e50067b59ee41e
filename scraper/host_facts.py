"""What the host says of itself in the environment; no settings of ours."""

import os
from dataclasses import dataclass
from typing import Self

_TIMER_OFF = ("AzureWebJobs.daily_timer.Disabled", "AzureWebJobs__daily_timer__Disabled")


@dataclass(frozen=True, slots=True)
class HostFacts:
    """`app_name` is what Azure calls the app, `site_host` its public host name: empty on a host that has none.

    `has_no_timer` is True if somebody has switched the daily timer off.
    """

    app_name: str
    site_host: str
    has_no_timer: bool

    @classmethod
    def of_environment(cls) -> Self:
        """As the environment has them now."""
        host = os.environ.get("WEBSITE_HOSTNAME", "")
        return cls(
            app_name=os.environ.get("WEBSITE_SITE_NAME") or "daily-scrape",
            # Hosts on a laptop are `localhost:7071`.
            site_host=host if "." in host and ":" not in host else "",
            has_no_timer=any(os.environ.get(name, "").strip().lower() in {"true", "1"} for name in _TIMER_OFF),
        )
