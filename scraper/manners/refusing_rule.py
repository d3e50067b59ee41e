"""Which rule of a robots.txt keeps a crawler from a page: the parser says only whether one does."""

from functools import cache

from protego import Protego

from scraper.errors import one_line
from scraper.manners.robots_text import lines_for

MAX_NAMED_RULES = 1000
"""Of longer files, refusals do not say which rule it was: a run may have tens of thousands of them."""
_LONGEST_SHOWN = 200


class RefusingRules:
    """The rules of a robots.txt that keep `user_agent` from pages."""

    def __init__(self, user_agent: str, text: str) -> None:
        lines = [line for line in lines_for(user_agent, text) if not line.lower().startswith("allow")]
        # The longest rule that fits a page counts. Source: RFC 9309, 2.2.2.
        self._lines = sorted(lines, key=len, reverse=True) if len(lines) <= MAX_NAMED_RULES else []
        self._parsed = cache(self._parse)

    def rule_against(self, url: str) -> str | None:
        """The line that refuses `url`; None if there is none, or too many to look for it for each page of a run."""
        low, high = 0, len(self._lines)
        if not self._refuse(low, high, url):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if self._refuse(low, middle, url):
                high = middle
            else:
                low = middle
        return one_line(self._lines[low])[:_LONGEST_SHOWN]

    def _refuse(self, low: int, high: int, url: str) -> bool:
        return not self._parsed(low, high).can_fetch(url, "*")

    def _parse(self, low: int, high: int) -> Protego:
        """The lines from `low` to before `high`, as if there were no others."""
        return Protego.parse("\n".join(["User-agent: *", *self._lines[low:high]]))
