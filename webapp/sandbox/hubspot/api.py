"""The HTTP side: routes, tokens, scopes, rate limits, faults, the call log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from webapp.sandbox.hubspot import defaults
from webapp.sandbox.hubspot.errors import HubSpotError, bad_request
from webapp.sandbox.hubspot.records import Source

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import App, Portal
    from webapp.sandbox.hubspot.sandbox import HubSpotSandbox

VERSIONS = "<any('2026-09', '2026-03'):version>"


@dataclass
class Call:
    """One authenticated API call."""

    sandbox: HubSpotSandbox
    request: Request
    portal: Portal
    app: App
    now: datetime

    @property
    def source(self) -> Source:
        return Source("INTEGRATION", str(self.app.app_id))

    def json(self) -> dict[str, Any]:
        try:
            body = json.loads(self.request.get_data() or b"{}")
        except ValueError:
            raise bad_request("Invalid input JSON: unable to parse the request body") from None
        if not isinstance(body, dict):
            raise bad_request("Invalid input JSON: an object was expected")
        return body

    def inputs(self, most: int) -> list[dict[str, Any]]:
        inputs = self.json().get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(item, dict) for item in inputs):
            raise bad_request('Invalid input JSON: field "inputs" must be a list of objects')
        if len(inputs) > most:
            raise bad_request(f"The maximum number of inputs supported in a batch request is {most}")
        return inputs

    def number(self, name: str, default: int, most: int) -> int:
        text = self.request.args.get(name, str(default))
        if not text.isdigit() or not 0 <= int(text) <= most:
            raise bad_request(f"{name} must be a number up to {most}")
        return int(text)


Handler = Callable[..., "Reply"]
Reply = tuple[int, Any]
# Scopes of which any one is enough; {obj} stands for contacts or deals.
Scopes = tuple[str, ...]


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    handler: Handler
    scopes: Scopes = ()
    search: bool = False


def object_type(name: str) -> str:
    found = defaults.OBJECT_NAMES.get(name)
    if found is None:
        raise bad_request(f"Unable to infer object type from: {name}")
    return found


class Api:
    """Finds the handler of an API path and runs it under the sandbox's lock."""

    def __init__(self, sandbox: HubSpotSandbox, routes: list[Route]) -> None:
        self.sandbox = sandbox
        self.map = Map([Rule(r.path, methods=[r.method], endpoint=r) for r in routes], strict_slashes=False)

    def answer(self, request: Request) -> tuple[Response, int | None]:
        """The answer and the portal it was about."""
        hub_id: int | None = None
        headers: dict[str, str] = {}
        try:
            route, matched = self.map.bind_to_environ(request.environ).match()
            args = dict(matched)
            args.pop("version", None)
            with self.sandbox.lock:
                call = self.sandbox.tokens.authenticate(request)
                hub_id = call.portal.hub_id
                self.sandbox.limits.spend(call.app.app_id, hub_id, call.now, search=route.search, headers=headers)
                if "obj" in args:
                    args["obj"] = object_type(args["obj"])
                self._check_scopes(call, route.scopes, args.get("obj", ""))
                status, body = route.handler(call, **args)
        except HubSpotError as error:
            return reply(error.status, error.body(), {**headers, **error.headers}), hub_id
        except HTTPException as error:
            message = "resource not found" if error.code == 404 else str(error.description)
            return reply(error.code or 500, {"status": "error", "message": message}, headers), hub_id
        return reply(status, body, headers), hub_id

    @staticmethod
    def _check_scopes(call: Call, scopes: Scopes, obj: str) -> None:
        wanted = [scope.replace("{obj}", obj) for scope in scopes]
        granted = call.portal.installs[call.app.app_id].scopes
        if wanted and not set(wanted) & set(granted):
            raise HubSpotError(
                403,
                "MISSING_SCOPES",
                "This app hasn't been granted all required scopes to make this call. Read more about required scopes "
                "here: https://developers.hubspot.com/scopes.",
                errors=[
                    {
                        "message": "One or more of the following scopes are required.",
                        "context": {"requiredGranularScopes": wanted},
                    }
                ],
                extra={"links": {"scopes": "https://developers.hubspot.com/scopes"}},
            )


def reply(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    if body is None:
        return Response(status=status, headers=headers)
    return Response(json.dumps(body), status=status, headers=headers, content_type="application/json;charset=utf-8")
