"""One alert as the JSON that its receiver understands: our own fields, a Slack message, or a card for Teams."""

import re
from dataclasses import replace
from typing import Any, Final, Literal

from scraper.host_facts import HostFacts
from scraper.settings import Settings
from storage.ledger.alerts import Alert

Format = Literal["json", "slack", "teams"]
VERSION: Final = 1
_QUERY: Final = re.compile(r"(/[^\s?]*\?)(\S+)")
_ENDS_OF_QUOTES: Final = ")]}>'\".,:;"


def body_of(alert: Alert, settings: Settings) -> dict[str, Any]:
    """The body of the one request that tells of an alert; the same whenever it is sent again.

    Who gets it is a third party, and the query of an address may hold a secret: it is cut.
    """
    shown = replace(alert, text=_without_queries(alert.text), facts=_without_queries(dict(alert.facts)))
    return _FORMATS[settings.alert_format](shown, HostFacts.of_environment())


def _without_queries(value: Any) -> Any:
    """`value`, in which `?…` stands for the query of every address, at any depth."""
    if isinstance(value, str):
        return _QUERY.sub(_cut, value)
    if isinstance(value, dict):
        return {name: _without_queries(one) for name, one in value.items()}
    return [_without_queries(one) for one in value] if isinstance(value, list) else value


def _cut(found: re.Match[str]) -> str:
    """An address without its query, and what stood behind it: the end of the quotation or of the sentence."""
    address, query = found.groups()
    rest = query.rstrip(_ENDS_OF_QUOTES)
    return f"{address}…{query[len(rest) :]}" if rest else address + query


def _own(alert: Alert, host: HostFacts) -> dict[str, Any]:
    """`text` is for people, all else for programs. What sites sent may be in `text` and in every `reason`.

    Not for Slack, where a text may call everybody: nothing is escaped.
    """
    return {
        "version": VERSION,
        "id": alert.alert_id,
        "kind": alert.kind,
        "at": alert.at.isoformat(),
        "app": host.app_name,
        "text": alert.text,
        "links": _links(host),
        "facts": dict(alert.facts),
    }


def _slack(alert: Alert, host: HostFacts) -> dict[str, Any]:
    """A message of Slack's incoming webhooks: `text`, in which three characters are escaped.

    Else a site could write `<!channel>`, which calls everybody, or a link that shows another address.
    """
    lines = [f"[{host.app_name}] {alert.text}", *_links(host).values(), f"id: {alert.alert_id}"]
    text = "\n".join(lines)
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


def _teams(alert: Alert, host: HostFacts) -> dict[str, Any]:
    """What the Teams workflow "when a webhook request is received" posts: a message with one Adaptive Card.

    Its texts are runs of a RichTextBlock, which knows no Markdown: a site can write no link into them.
    """
    actions = [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in _links(host).items()]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            _plain(f"{host.app_name}: {alert.kind}", weight="Bolder", size="Large"),
            _plain(alert.text),
            _plain(f"{alert.at.isoformat(timespec='seconds')}   {alert.alert_id}", isSubtle=True, size="Small"),
        ],
        **({"actions": actions} if actions else {}),
    }
    content_type = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": content_type, "contentUrl": None, "content": card}]}


def _plain(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def _links(host: HostFacts) -> dict[str, str]:
    """Where to look; nothing on a host that does not know its own name."""
    return {"dashboard": f"https://{host.site_host}/api/dashboard"} if host.site_host else {}


_FORMATS: Final = {"json": _own, "slack": _slack, "teams": _teams}
