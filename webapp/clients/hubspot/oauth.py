"""HubSpot's OAuth calls: authorise, exchange, refresh, introspect, revoke.

Branches on `error` first and on HubSpot's own `status` second. Only a refused refresh means that the account is
gone: a wrong client id or secret is our fault and must never disconnect a customer.
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/oauth-quickstart-guide
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request

from webapp.clients import policy, tls
from webapp.clients.errors import ApiError, NeedsReconnect, OurFault, Rejected, Throttled, Unavailable
from webapp.clients.hubspot.paths import dated
from webapp.clients.settings import HubSpotSettings
from webapp.clock import now

SCOPES = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
    "crm.objects.owners.read",
)
DEFAULT_LIFE_SECONDS = 1800
_LONGEST_LIFE_SECONDS = 86_400.0
TIMEOUT = httpx.Timeout(15.0, connect=5.0)

_GONE = frozenset({"BAD_REFRESH_TOKEN", "BAD_HUB"})
_BAD_CODE = frozenset({"BAD_AUTH_CODE"})
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TokenSet:
    """Tokens of one account. `expires_at` is aware UTC and about the access token; a refresh token does not expire."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    hub_id: int
    scopes: tuple[str, ...] = ()
    user_id: int | str | None = None


def authorize_url(settings: HubSpotSettings, state: str, redirect_uri: str) -> str:
    """Where the browser goes to install the app. `state` comes back unchanged."""
    url = prepare_grant_uri(
        f"{settings.hubspot_app_url.rstrip('/')}/oauth/authorize",
        client_id=settings.hubspot_client_id or "",
        response_type="code",
        redirect_uri=redirect_uri,
        scope=" ".join(SCOPES),
        state=state,
    )
    # HubSpot's own clients encode a space as %20.
    return str(url).replace("+", "%20")


def exchange_code(settings: HubSpotSettings, code: str, redirect_uri: str) -> TokenSet:
    """The tokens for a code. Raises Rejected when the code was used or is too old, OurFault, Retryable."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    try:
        data = _post(settings, "token", form)
    except NeedsReconnect as error:
        # There is nothing to reconnect yet: the code is what HubSpot refused.
        raise Rejected("hubspot", status=error.status, category=error.category) from None
    tokens = _token_set(data, refresh_token=None, hub_id=None)
    if tokens.hub_id:
        return tokens
    # The account id is optional in the answer; the token itself always knows it.
    hub_id = introspect(settings, tokens.access_token).get("hub_id")
    return _token_set({**data, "hub_id": hub_id}, refresh_token=None, hub_id=None, need_hub=True)


def refresh(settings: HubSpotSettings, refresh_token: str, hub_id: int | None = None) -> TokenSet:
    """New tokens. The refresh token may have changed: save what comes back. Raises NeedsReconnect when HubSpot says
    that the account is gone, OurFault for a mistake of ours, Retryable otherwise."""
    data = _post(settings, "token", {"grant_type": "refresh_token", "refresh_token": refresh_token})
    return _token_set(data, refresh_token=refresh_token, hub_id=hub_id)


def introspect(settings: HubSpotSettings, token: str, hint: str = "access_token") -> dict[str, Any]:
    """What HubSpot knows of a token; `{"active": False}` for a dead one. `user` is the email of who installed."""
    return _post(settings, "token/introspect", {"token": token, "token_type_hint": hint})


def revoke(settings: HubSpotSettings, token: str, hint: str = "refresh_token") -> None:
    """End a refresh token. Access tokens already given out live on until they expire."""
    _post(settings, "token/revoke", {"token": token, "token_type_hint": hint})


def _post(settings: HubSpotSettings, action: str, form: Mapping[str, str]) -> dict[str, Any]:
    path = dated("oauth", settings.hubspot_api_version, action)
    url = settings.hubspot_api_url.rstrip("/") + path
    secrets = {"client_id": settings.hubspot_client_id or "", "client_secret": settings.hubspot_client_secret or ""}
    if "grant_type" in form:
        rest = {name: value for name, value in form.items() if name not in ("grant_type", "redirect_uri")}
        body = prepare_token_request(form["grant_type"], "", form.get("redirect_uri"), **rest, **secrets)
    else:
        body = str(httpx.QueryParams({**form, **secrets}))
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    started = time.perf_counter()
    response = _send(url, body, headers)
    if isinstance(response, Unavailable):
        _note(path, started, response)
        raise response
    data = _decode(response)
    failure: ApiError | None = None
    if not response.is_success or "error" in data:
        failure = _failure(response, data)
    elif not data and action != "token/revoke":
        failure = Unavailable("hubspot", status=response.status_code, category="unreadable_body", maybe_applied=True)
    _note(path, started, failure, response.status_code)
    if failure is not None:
        raise failure
    return data


def _send(url: str, body: str, headers: Mapping[str, str]) -> httpx.Response | Unavailable:
    # The failure is handed back, not raised: an error raised here would drag the request along, secrets and all.
    try:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False, verify=tls.CONTEXT) as http:
            return http.post(url, content=body.encode(), headers=headers)
    except httpx.TransportError as error:
        return Unavailable("hubspot", category=type(error).__name__, maybe_applied=not policy.never_sent(error))
    except httpx.DecodingError as error:
        return Unavailable("hubspot", category=type(error).__name__, maybe_applied=True)


def _note(path: str, started: float, failure: ApiError | None, status: int | None = None) -> None:
    _log.info(
        "api_call",
        service="hubspot",
        method="POST",
        path=path,
        status=status,
        ms=round((time.perf_counter() - started) * 1000),
        correlation_id=failure.correlation_id if failure else None,
        attempt=1,
        problem=failure.category if failure else None,
    )


def _failure(response: httpx.Response, data: Mapping[str, Any]) -> ApiError:
    """The error of a refused token call. The texts may repeat what was sent, so only the machine words are kept."""
    code = response.status_code
    error, status = _word(data.get("error")), _word(data.get("status"))
    correlation = _word(data.get("correlationId")) or None
    category = status if status not in ("", "error") else error
    if code in (423, 429, 477):
        at = policy.retry_after(response.headers, now()) or now() + timedelta(seconds=policy.DEFAULT_WAIT_SECONDS)
        return Throttled("hubspot", status=code, category=category or None, retry_at=at, correlation_id=correlation)
    if code >= 500 or not (error or status):
        return Unavailable("hubspot", status=code, category=category or None, correlation_id=correlation)
    if status in _BAD_CODE:
        return Rejected("hubspot", status=code, category=category, correlation_id=correlation)
    if error == "invalid_client":
        return OurFault("hubspot", status=code, category=category, correlation_id=correlation)
    if status in _GONE or (error == "invalid_grant" and status in ("", "error")):
        return NeedsReconnect(
            "hubspot", reason="uninstalled", status=code, category=category, correlation_id=correlation
        )
    return OurFault("hubspot", status=code, category=category or None, correlation_id=correlation)


def _token_set(
    data: Mapping[str, Any], *, refresh_token: str | None, hub_id: int | None, need_hub: bool = False
) -> TokenSet:
    access = data.get("access_token")
    kept = data.get("refresh_token") or refresh_token
    if not isinstance(access, str) or not access or not isinstance(kept, str):
        raise Unavailable("hubspot", category="unexpected_shape", maybe_applied=True)
    life = min(policy.number(str(data.get("expires_in", ""))) or DEFAULT_LIFE_SECONDS, _LONGEST_LIFE_SECONDS)
    named = str(data.get("hub_id") or hub_id or "")
    if need_hub and not named.isdigit():
        raise Unavailable("hubspot", category="no_hub_id", maybe_applied=True)
    scopes = data.get("scopes")
    user = data.get("user_id")
    return TokenSet(
        access_token=access,
        refresh_token=kept,
        expires_at=now() + timedelta(seconds=life),
        hub_id=int(named) if named.isdigit() else 0,
        scopes=tuple(str(s) for s in scopes) if isinstance(scopes, list) else (),
        user_id=int(str(user)) if str(user).isdigit() else None,
    )


def _decode(response: httpx.Response) -> dict[str, Any]:
    try:
        data = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return data if isinstance(data, dict) else {}


def _word(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return text if text.replace("_", "").replace("-", "").isalnum() and len(text) <= 60 else ""
