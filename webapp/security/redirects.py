"""Where a visitor may be sent after an install: back to HubSpot, and nowhere else."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from webapp.clients.urls import is_loopback
from webapp.config import Settings


def hubspot_return_url(settings: Settings, raw: str | None) -> str | None:
    """The address if it is HubSpot's own (https), else None. The sandbox's loopback host counts only where HubSpot
    itself is configured to be on loopback."""
    if not raw or any(ord(character) <= 32 or character in "\\\x7f" for character in raw):
        return None
    try:
        parts = urlsplit(raw)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.username is not None or parts.password is not None:
        return None
    if parts.scheme == "https" and (host == "hubspot.com" or host.endswith(".hubspot.com")) and port in (None, 443):
        return raw
    home = urlsplit(settings.hubspot_app_url)
    if (
        home.hostname
        and is_loopback(home.hostname)
        and (parts.scheme, host, port)
        == (
            home.scheme,
            home.hostname,
            home.port,
        )
    ):
        return raw
    return None


def with_params(url: str, **params: str) -> str:
    """The address with these parameters added or replaced; its other parts stay as they are."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in params]
    return urlunsplit(parts._replace(query=urlencode([*query, *params.items()])))
