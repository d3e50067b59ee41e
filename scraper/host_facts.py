"""What the host says of itself in the environment; no settings of ours."""

import os
from dataclasses import dataclass
from typing import Self

# As the host reads them: in any case, and on Linux in Azure, where the name of a setting has no dots, the second one.
_TIMER_OFF = frozenset({"azurewebjobs.daily_timer.disabled", "azurewebjobs_daily_timer_disabled"})


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
            has_no_timer=any(
                name.lower() in _TIMER_OFF and value.lower() in {"true", "1"} for name, value in os.environ.items()
            ),
        )
