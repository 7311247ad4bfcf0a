"""The HTTP side: keys, the caller's name, rate limit, roles, routes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import msgspec
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from webapp.sandbox.cliniko import appointments, nested, patients, records, settings
from webapp.sandbox.cliniko.errors import ClinikoError, forbidden, not_found, unauthorized
from webapp.sandbox.cliniko.roles import may
from webapp.sandbox.cliniko.routing import Route

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount, ClinikoSandbox
    from webapp.sandbox.cliniko.table import Row

# "APP_NAME (contact@email)", without which Cliniko says it may block a caller.
_CALLER = re.compile(r"\s*[^()\s][^()]*\([^()@\s]+@[^()@\s]+\.[^()@\s]+\)\s*")
_DRIFT = timedelta(seconds=1)
_SHARD_HOST = re.compile(r"(?:^|\.)([a-z]{2}\d{1,2})\.")
_SUFFIX = re.compile(r"(.+)-([a-z]{2}\d{1,2})")


@dataclass
class Call:
    """One authenticated call. `base` is the address of the API as the caller wrote it, ending in /v1."""

    account: ClinikoAccount
    user: Row
    request: Request
    base: str
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The JSON object sent. Anything else makes Cliniko stumble: form fields and broken JSON get a 500."""
        data = self.request.get_data()
        if not data:
            return {}
        try:
            if self.request.mimetype != "application/json":
                raise ValueError
            sent = msgspec.json.decode(data)
        except ValueError:
            raise ClinikoError(500, {"message": "Internal Server Error"}) from None
        if not isinstance(sent, dict):
            raise ClinikoError(500, {"message": "Internal Server Error"})
        return sent

    def require(self, resource: str) -> None:
        if not may(self.account, self.user.get("role"), resource):
            raise forbidden()


class Api:
    """Finds the handler of a path and runs it under the sandbox's lock."""

    def __init__(self, sandbox: ClinikoSandbox) -> None:
        self.sandbox = sandbox
        routes: list[Route] = [
            route for module in (nested, records, appointments, patients, settings) for route in module.ROUTES
        ]
        self.map = Map(
            [Rule(f"/v1{r.path}", methods=[r.method], endpoint=r) for r in routes],
            strict_slashes=False,
        )

    def answer(self, request: Request) -> tuple[Response, str | None]:
        """The answer and the account it was about."""
        account: ClinikoAccount | None = None
        try:
            with self.sandbox.lock:
                account, user = self._authenticate(request)
                self._check_caller(account, request)
                self._spend(account, user)
                call = Call(account, user, request, f"{request.host_url}v1")
                status, body = self._run(call)
            response = _reply(status, body, call.headers)
        except ClinikoError as error:
            response = _refusal(account, error)
        now = self.sandbox.clock.now()
        if abs(now - datetime.now(UTC)) > _DRIFT:
            # Callers take the start of a run from this header. With the true time the server's own says the same.
            response.headers["Date"] = format_datetime(now.astimezone(UTC), usegmt=True)
        return response, account.id if account is not None else None

    def _run(self, call: Call) -> tuple[int, Any]:
        try:
            route, args = self.map.bind_to_environ(call.request.environ).match()
        except HTTPException as error:
            raise ClinikoError(error.code, {"message": error.name}) if error.code == 405 else not_found() from None
        if route.resource:
            call.require(route.resource)
        handler: Callable[..., tuple[int, Any]] = route.handler
        return handler(call, **route.fixed, **args)

    def _authenticate(self, request: Request) -> tuple[ClinikoAccount, Row]:
        """Basic: the key, with or without its suffix, and an empty password."""
        sent = request.authorization
        if sent is None or sent.type != "basic" or sent.password or not sent.username:
            raise unauthorized()
        called = _SHARD_HOST.search(request.host)
        for account in self.sandbox.accounts.values():
            key = _find(account.keys, sent.username)
            if key is None:
                continue
            suffix = _SUFFIX.fullmatch(key)
            if (suffix and suffix[2] != account.shard) or (called and called[1] != account.shard):
                raise unauthorized()  # the account does not live where this key is used
            user = account.get("users", account.keys[key])
            if user is None or user.get("user_active") is False:
                raise unauthorized()
            return account, user
        raise unauthorized()

    def _check_caller(self, account: ClinikoAccount, request: Request) -> None:
        if account.switches.user_agent_required and not _CALLER.fullmatch(request.headers.get("User-Agent", "")):
            raise ClinikoError(403, {"message": "Send a User-Agent with your application's name and a contact email."})

    def _spend(self, account: ClinikoAccount, user: Row) -> None:
        reset = self.sandbox.limits.spend(account.id, user["id"], self.sandbox.clock.now())
        if reset is not None:
            raise ClinikoError(429, {"message": "Rate limit exceeded."}, {"X-RateLimit-Reset": str(reset)})


def _find(keys: dict[str, str], sent: str) -> str | None:
    """The stored key that was sent whole or without its suffix."""
    if sent in keys:
        return sent
    return next((key for key in keys if (split := _SUFFIX.fullmatch(key)) and split[1] == sent), None)


def _reply(status: int, body: Any, headers: dict[str, str]) -> Response:
    if body is None:
        return Response(status=status, headers=headers)
    if isinstance(body, str):
        return Response(body, status=status, headers=headers, content_type="text/plain; charset=utf-8")
    data = msgspec.json.encode(body)
    return Response(data, status=status, headers=headers, content_type="application/json; charset=utf-8")


def _refusal(account: ClinikoAccount | None, error: ClinikoError) -> Response:
    body = error.body
    if account is not None and error.status in (403, 404) and account.switches.refusal_body != "json":
        body = "Refused.\n" if account.switches.refusal_body == "text" else ""
    return _reply(error.status, body, error.headers)
