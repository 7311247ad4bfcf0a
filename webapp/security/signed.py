"""Lets only requests in that HubSpot signed. Used by the webhook endpoint and by the card's endpoints."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from flask import abort, request

from webapp.clock import now
from webapp.config import current_settings
from webapp.security.signatures import BadSignature, signed_uri, verify

F = TypeVar("F", bound=Callable[..., Any])
log = structlog.get_logger()


def signed_by_hubspot(view: F) -> F:
    """401 unless the request carries HubSpot's signature over its raw body and our public address."""

    @functools.wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            check_signature()
        except BadSignature:
            abort(401)
        return view(*args, **kwargs)

    return wrapped  # type: ignore[return-value]  # same signature as the view


def check_signature() -> None:
    """Raises BadSignature, which is logged without anything of the request, unless HubSpot signed what came."""
    settings = current_settings()
    try:
        verify(
            settings.hubspot_client_secret,
            request.method,
            signed_uri(settings.public_url, wire_path()),
            request.get_data(cache=True),
            signature=request.headers.get("X-HubSpot-Signature-v3"),
            timestamp=request.headers.get("X-HubSpot-Request-Timestamp"),
            moment=now(),
        )
    except BadSignature as refused:
        path = request.url_rule.rule if request.url_rule else None
        log.warning("signature_refused", path=path, reason=refused.reason)
        raise


def wire_path() -> str:
    """Path and query as they came over the wire: a decoded and encoded one would hash differently."""
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or ""
    if raw.startswith("/"):
        return str(raw)
    parts = urlsplit(raw)
    path = parts.path or request.environ.get("PATH_INFO", "/")
    query = parts.query or request.environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else str(path)
