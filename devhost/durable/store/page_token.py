"""Continuation tokens of the lists: the last ID of a page, in a form that any HTTP header takes."""

import base64


def to_token(last_id: str) -> str:
    """The token after which the next page begins."""
    return base64.urlsafe_b64encode(last_id.encode()).decode()


def from_token(token: str) -> str:
    """The ID in the token. A text that is no token means the beginning, as an unknown one does on the product."""
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        return ""
