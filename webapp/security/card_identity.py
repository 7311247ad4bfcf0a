"""Who asks through HubSpot's relay, for the card and the settings page: only what HubSpot signed counts.

The card's own code chooses path and body, and might add parameters of its own. HubSpot appends four and signs the
whole, so each of them has to be there exactly once; what comes twice was partly made up.
https://developers.hubspot.com/docs/apps/developer-platform/add-features/ui-extensions/fetching-data
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import structlog

from webapp.config import current_settings
from webapp.security.signatures import BadSignature
from webapp.security.signed import check_signature, wire_path

F = TypeVar("F", bound=Callable[..., Any])
log = structlog.get_logger()

_APPENDED = ("userId", "portalId", "userEmail", "appId")
_MOST_PARAMETERS = 50
# HubSpot's ids are positive and fit the columns they are looked up in.
_MOST_DIGITS = 18
_CODES = {"missing": "signature_missing", "too_old": "signature_expired", "from_the_future": "signature_expired"}
_TEXTS = {
    "signature_missing": "The request is not signed.",
    "signature_invalid": "The signature is not HubSpot's.",
    "signature_expired": "The request is too old.",
    "parameters_invalid": "A signed parameter is missing, doubled or no number.",
    "wrong_app": "The request was signed for another app.",
}


@dataclass(frozen=True)
class Asker:
    """A user of one HubSpot account. Nothing but the signed parameters decides which."""

    hub_id: int
    user_id: int
    email: str = field(repr=False)

    @property
    def label(self) -> str:
        """For the list of who did what."""
        return f"person {self.user_id}"


class NotTheirs(Exception):
    """The request is not answered: its status, a word, and a sentence."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code, self.text = status, code, _TEXTS[code]


def asked_by_hubspot(view: F) -> F:
    """Hand the view its Asker as the first argument. Raises NotTheirs for what HubSpot did not sign for us."""

    @functools.wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            check_signature()
        except BadSignature as refused:
            raise NotTheirs(401, _CODES.get(refused.reason, "signature_invalid")) from None
        asker = read_asker(wire_path().partition("?")[2], current_settings().hubspot_app_id)
        return view(asker, *args, **kwargs)

    return wrapped  # type: ignore[return-value]  # the view without its first argument


def read_asker(query: str, app_id: str) -> Asker:
    """Who asks, from the raw query of a request whose signature was right. Raises NotTheirs."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise NotTheirs(400, "parameters_invalid") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in _APPENDED and name in found:
            raise NotTheirs(400, "parameters_invalid")
        found[name] = value
    if not found.keys() >= set(_APPENDED):
        raise NotTheirs(400, "parameters_invalid")
    user_id, hub_id, app = (_number(found[name]) for name in ("userId", "portalId", "appId"))
    if str(app) != str(int(app_id)):
        raise NotTheirs(403, "wrong_app")
    return Asker(hub_id, user_id, found["userEmail"])


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) > 0):
        raise NotTheirs(400, "parameters_invalid")
    return int(text)
