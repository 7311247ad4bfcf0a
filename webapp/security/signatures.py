"""HubSpot's request signature, version 3, over exactly what HubSpot sent. Pure: no request, no clock, no settings.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

MAX_AGE = timedelta(minutes=5)
# Clocks differ a little; a stamp from further ahead was made up.
MAX_AHEAD = timedelta(minutes=1)
# Digits of epoch milliseconds; more would be a year that no clock knows.
LONGEST_TIME = 14

# HubSpot decodes these and only these before it signs.
_DECODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}
_CODES = re.compile("|".join(_DECODED), re.IGNORECASE)


class BadSignature(ValueError):
    """The request was not signed by HubSpot, or long ago. `reason` is a word for logs and metrics."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def signed_uri(origin: str, path_and_query: str) -> str:
    """The address as HubSpot signs it: our configured origin, then path and query as they came, decoded by the table
    once and from left to right, so that nothing is decoded twice."""
    return origin + _CODES.sub(lambda found: _DECODED[found[0].upper()], path_and_query)


def sign(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """The signature of a request; `timestamp` is epoch milliseconds as text."""
    message = method.encode() + uri.encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def verify(
    secret: str,
    method: str,
    uri: str,
    body: bytes,
    *,
    signature: str | None,
    timestamp: str | None,
    moment: datetime,
) -> None:
    """Raises BadSignature unless the request is HubSpot's and fresh. `uri` comes from `signed_uri`."""
    if not signature or not timestamp:
        raise BadSignature("missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= LONGEST_TIME):
        raise BadSignature("bad_time")
    sent_at = datetime.fromtimestamp(int(timestamp) / 1000, UTC)
    if moment - sent_at > MAX_AGE:
        raise BadSignature("too_old")
    if sent_at - moment > MAX_AHEAD:
        raise BadSignature("from_the_future")
    expected = sign(secret, method, uri, body, timestamp)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass")):
        raise BadSignature("wrong")
