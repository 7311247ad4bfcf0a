"""Tokens: codes, access tokens, introspection (https://developers.hubspot.com/docs/api-reference/auth-oauth-v1)."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request

from webapp.sandbox.hubspot.api import Call
from webapp.sandbox.hubspot.errors import HubSpotError

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import App, Install, Portal
    from webapp.sandbox.hubspot.sandbox import HubSpotSandbox

CODE_LIFE = timedelta(minutes=1)


@dataclass
class Code:
    app_id: int
    hub_id: int
    redirect_uri: str
    expires_at: datetime


@dataclass
class Access:
    app_id: int
    hub_id: int
    expires_at: datetime


class Tokens:
    """`expires_in` seconds of life for new access tokens; with `rotate` each refresh gives a new refresh token."""

    def __init__(self, sandbox: HubSpotSandbox) -> None:
        self.sandbox = sandbox
        self.expires_in = 1800
        self.rotate = False
        self.codes: dict[str, Code] = {}
        self.access: dict[str, Access] = {}

    def new_code(self, app: App, portal: Portal, redirect_uri: str) -> str:
        code = secrets.token_urlsafe(24)
        expires = self.sandbox.clock.now() + CODE_LIFE
        self.codes[code] = Code(app.app_id, portal.hub_id, redirect_uri, expires)
        return code

    def issue(self, app: App, portal: Portal) -> str:
        """A fresh access token for an installed app."""
        token = secrets.token_urlsafe(48)
        expires = self.sandbox.clock.now() + timedelta(seconds=self.expires_in)
        self.access[token] = Access(app.app_id, portal.hub_id, expires)
        return token

    def drop(self, app_id: int, hub_id: int) -> None:
        self.access = {t: a for t, a in self.access.items() if (a.app_id, a.hub_id) != (app_id, hub_id)}

    def authenticate(self, request: Request) -> Call:
        """The call behind a bearer token, or the 401."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise HubSpotError(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
                "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            )
        access = self.access.get(token)
        if access is None:
            raise HubSpotError(401, "INVALID_AUTHENTICATION", "The OAuth token used to make this call is not valid.")
        now = self.sandbox.clock.now()
        if access.expires_at <= now:
            ago = int((now - access.expires_at).total_seconds())
            raise HubSpotError(
                401, "EXPIRED_AUTHENTICATION", f"The OAuth token used to make this call expired {ago} second(s) ago."
            )
        portal = self.sandbox.portals[access.hub_id]
        return Call(self.sandbox, request, portal, self.sandbox.apps[access.app_id], now)

    # The token endpoints; each returns status and body

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        app = self._client(form)
        if isinstance(app, tuple):
            return app
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self._exchange(app, form)
        if kind == "refresh_token":
            return self._refresh(app, form)
        return oauth_error("unsupported_grant_type", "BAD_GRANT_TYPE", "grant_type is missing or not supported")

    def _client(self, form: dict[str, str]) -> App | tuple[int, dict[str, Any]]:
        app = next((a for a in self.sandbox.apps.values() if a.client_id == form.get("client_id")), None)
        if app is None:
            return oauth_error("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id")
        if not hmac.compare_digest(app.client_secret.encode(), form.get("client_secret", "").encode()):
            return oauth_error("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret")
        return app

    def _exchange(self, app: App, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.app_id != app.app_id or code.expires_at <= self.sandbox.clock.now():
            return oauth_error("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
        if code.redirect_uri != form.get("redirect_uri"):
            return oauth_error("invalid_grant", "BAD_REDIRECT_URI", "missing or invalid redirect uri")
        portal = self.sandbox.portals[code.hub_id]
        portal.install(app)
        return self._grant(app, portal)

    def _refresh(self, app: App, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        found = self.find_refresh(form.get("refresh_token", ""))
        if found is None or found[1].app_id != app.app_id:
            return oauth_error("invalid_grant", "BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked")
        portal, install = found
        if self.rotate:
            install.refresh_token = f"{portal.hosting}-{secrets.token_hex(16)}"
        return self._grant(app, portal)

    def find_refresh(self, token: str) -> tuple[Portal, Install] | None:
        for portal in self.sandbox.portals.values():
            for install in portal.installs.values():
                if token and install.refresh_token == token:
                    return portal, install
        return None

    def _grant(self, app: App, portal: Portal) -> tuple[int, dict[str, Any]]:
        install = portal.installs[app.app_id]
        return 200, {
            "token_type": "bearer",
            "token_use": "access_token",
            "access_token": self.issue(app, portal),
            "refresh_token": install.refresh_token,
            "expires_in": self.expires_in,
            "hub_id": portal.hub_id,
            "scopes": list(install.scopes),
            "user_id": install.user_id,
        }

    def introspect(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        app = self._client(form)
        if isinstance(app, tuple):
            return app
        token, now = form.get("token", ""), self.sandbox.clock.now()
        access, refresh = self.access.get(token), self.find_refresh(token)
        if access is not None and access.expires_at > now and access.app_id == app.app_id:
            portal = self.sandbox.portals[access.hub_id]
            life = int((access.expires_at - now).total_seconds())
            body = self._about(app, portal, portal.installs[app.app_id], token, "access_token")
            return 200, {**body, "expires_in": life, "is_private_distribution": False}
        if refresh is not None and refresh[1].app_id == app.app_id:
            return 200, self._about(app, refresh[0], refresh[1], token, "refresh_token")
        return 200, {"active": False}

    @staticmethod
    def _about(app: App, portal: Portal, install: Install, token: str, use: str) -> dict[str, Any]:
        return {
            "active": True,
            "token": token,
            "token_type": "bearer",
            "token_use": use,
            "hub_id": portal.hub_id,
            "hub_domain": f"portal-{portal.hub_id}.example",
            "user": portal.user_email,
            "user_id": install.user_id,
            "client_id": app.client_id,
            "app_id": app.app_id,
            "scopes": list(install.scopes),
        }

    def revoke(self, form: dict[str, str]) -> tuple[int, dict[str, Any] | None]:
        """Ends the refresh token; access tokens already given out live on until they expire."""
        app = self._client(form)
        if isinstance(app, tuple):
            return app
        found = self.find_refresh(form.get("token", ""))
        if found is not None:
            found[1].refresh_token = ""
        return 200, None


def oauth_error(error: str, status: str, message: str) -> tuple[int, dict[str, Any]]:
    return 400, {"error": error, "error_description": message, "status": status, "message": message}
