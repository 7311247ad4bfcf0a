"""The simulated HubSpot: portals, apps, one WSGI application for the API, OAuth and the pages."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from webapp.sandbox.hubspot import account, associations, batch, objects, pipelines, properties, search, state
from webapp.sandbox.hubspot.api import Api
from webapp.sandbox.hubspot.limits import RateLimits
from webapp.sandbox.hubspot.portal import App, Portal
from webapp.sandbox.hubspot.site import Site
from webapp.sandbox.hubspot.tokens import Tokens
from webapp.sandbox.hubspot.webhooks import Webhooks
from webapp.sandbox.support import CallLog, Faults, SandboxClock, serve

_API = ("/crm/", "/account-info/", "/appinstalls/")


class HubSpotSandbox:
    """`app` is the WSGI application. `search_lag_seconds` is how far the search index runs behind, by the clock."""

    def __init__(
        self,
        clock: SandboxClock | None = None,
        faults: Faults | None = None,
        calls: CallLog | None = None,
        *,
        limits_on: bool = True,
        search_lag_seconds: float = 0.0,
        seed: int = 1,
    ) -> None:
        self.clock = clock or SandboxClock()
        self.faults = faults or Faults()
        self.calls = calls or CallLog()
        self.lock = threading.RLock()
        self.random = random.Random(seed)  # noqa: S311  # shuffles answers, nothing secret
        self.search_lag_seconds = search_lag_seconds
        self.limits = RateLimits(on=limits_on)
        self.tokens = Tokens(self)
        self.webhooks = Webhooks(self)
        self.portals: dict[int, Portal] = {}
        self.apps: dict[int, App] = {}
        self.next_event_id = 0
        modules = (account, associations, batch, objects, pipelines, properties, search)
        self._api = Api(self, [route for module in modules for route in module.ROUTES])
        self._site = Site(self)

    @property
    def limits_on(self) -> bool:
        return self.limits.on

    @limits_on.setter
    def limits_on(self, on: bool) -> None:
        self.limits.on = on

    def add_portal(self, hub_id: int | None = None, tier: str = "enterprise", **options: Any) -> Portal:
        """A new account; `options` are the keyword arguments of Portal."""
        with self.lock:
            number = hub_id or 20_000_001 + len(self.portals)
            if number in self.portals:
                raise ValueError(f"portal {number} exists already")
            self.portals[number] = Portal(self, number, tier=tier, **options)
            return self.portals[number]

    def register_app(
        self,
        client_id: str,
        client_secret: str,
        app_id: int | str,
        redirect_uris: Sequence[str],
        scopes: Iterable[str],
        webhook_url: str | None = None,
        *,
        name: str = "CRMConnect",
        optional_scopes: Iterable[str] = (),
        install_url: str | None = None,
        subscriptions: Iterable[dict[str, Any]] | None = None,
        card_url: str | None = None,
    ) -> App:
        """An app; without `subscriptions` it hears of every contact event, without `card_url` it has no card."""
        listed = list(subscriptions) if subscriptions is not None else _default_subscriptions()
        numbered = [{"id": 1000 + n, "active": True, **one} for n, one in enumerate(listed)]
        app = App(
            client_id,
            client_secret,
            int(app_id),
            tuple(redirect_uris),
            tuple(scopes),
            webhook_url,
            name,
            tuple(optional_scopes),
            install_url,
            numbered,
            card_url,
        )
        with self.lock:
            self.apps[app.app_id] = app
        return app

    def drop_tokens(self, app_id: int, hub_id: int) -> None:
        self.tokens.drop(app_id, hub_id)

    def access_token(self, portal: Portal, app: App | None = None) -> str:
        """A working access token without the OAuth dance; installs the app when it is not yet."""
        with self.lock:
            target = app or next(iter(self.apps.values()))
            if target.app_id not in portal.installs:
                portal.install(target)
            return self.tokens.issue(target, portal)

    @property
    def app(self) -> Any:
        """The WSGI application, with the call log and the faults around it."""
        return self._wsgi

    def _wsgi(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if request.path.startswith("/_sandbox"):
            return self._site.answer(request)(environ, start_response)
        return serve("hubspot", self, request, self._answer)(environ, start_response)

    def _answer(self, request: Request) -> tuple[Response, int | None]:
        if request.path.startswith(_API):
            return self._api.answer(request)
        return self._site.answer(request), None

    def save(self, path: str | Path) -> None:
        """Write everything but webhook deliveries under way to one JSON file."""
        with self.lock:
            Path(path).write_text(json.dumps(state.dump(self)), encoding="utf-8")

    def load(self, path: str | Path) -> None:
        """Replace portals, apps and tokens by what `save` wrote."""
        with self.lock:
            state.restore(self, json.loads(Path(path).read_text(encoding="utf-8")))

    def close(self) -> None:
        self.webhooks.stop()


def _default_subscriptions() -> list[dict[str, Any]]:
    kinds = ("propertyChange", "creation", "deletion", "merge", "restore")
    listed = [{"subscriptionType": f"object.{kind}", "objectType": "contact"} for kind in kinds]
    return [*listed, {"subscriptionType": "contact.privacyDeletion"}]
