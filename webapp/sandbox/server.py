"""The simulated Cliniko and HubSpot in one process on two local ports, with a clinic and an account in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox
from webapp.sandbox.cliniko.clinic import Summary, make_clinic
from webapp.sandbox.cliniko.examples import load_examples
from webapp.sandbox.http_server import HttpServer
from webapp.sandbox.hubspot import App, HubSpotSandbox, Portal
from webapp.sandbox.keeping import Keeper
from webapp.sandbox.seeding import seed_contacts, seed_owners
from webapp.sandbox.support import SandboxClock

HUB_ID = 20_000_001
_RECORDS = [(kind, records) for kind in ("objects", "schemas") for records in ("contacts", "deals")]
SCOPES = (
    "oauth",
    "crm.objects.owners.read",
    *(f"crm.{kind}.{records}.{right}" for kind, records in _RECORDS for right in ("read", "write")),
)


class PortTaken(Exception):
    """Something else listens on a port that was asked for."""


class Sandbox:
    """Both services, seeded. `with Sandbox(patients=200) as s:` runs them on free ports until the block ends.

    `public_url` is where the app under test answers: HubSpot sends its installs, returns and webhooks there. With a
    `data` folder the state outlives the process, and is read again instead of seeding; `reset` starts over. Only what
    happens over HTTP counts as a change worth keeping before the end. `now` is the moment the clinic is made for.
    """

    def __init__(
        self,
        *,
        patients: int = 1000,
        contacts: int | None = None,
        appointments: int | None = None,
        invoices: int | None = None,
        examples: bool = False,
        hubspot_contacts: int = 0,
        seed: int = 1,
        now: datetime | None = None,
        clock: SandboxClock | None = None,
        host: str = "127.0.0.1",
        cliniko_port: int = 0,
        hubspot_port: int = 0,
        limits: bool = True,
        latency_ms: float = 0,
        data: str | Path | None = None,
        reset: bool = False,
        save_every: float = 3.0,
        hub_id: int = HUB_ID,
        tier: str = "enterprise",
        client_id: str = "client-id",
        client_secret: str = "client-secret",  # noqa: S107  # of the simulated app
        app_id: int | str = 4242,
        scopes: Sequence[str] = SCOPES,
        public_url: str = "http://localhost:5000",
        webhook_url: str | None = None,
    ) -> None:
        self.clock = clock or SandboxClock()
        self.cliniko = ClinikoSandbox(self.clock, limits_on=limits)
        self.hubspot = HubSpotSandbox(self.clock, limits_on=limits, seed=seed)
        self.kept = False
        self.summary: Summary | None = None  # None when the state was read from files
        self.seed = seed
        self._sizes = {"patients": patients, "contacts": contacts, "appointments": appointments, "invoices": invoices}
        self._examples, self._hubspot_contacts, self._now = examples, hubspot_contacts, now
        self._host, self._ports = host, (cliniko_port, hubspot_port)
        self._latency = latency_ms / 1000
        self._data, self._reset, self._save_every = data, reset, save_every
        self._hub_id, self._tier = hub_id, tier
        back = public_url.rstrip("/")
        self._app: dict[str, Any] = {
            "client_id": client_id,
            "client_secret": client_secret,
            "app_id": app_id,
            "redirect_uris": [f"{back}/oauth/callback"],
            "scopes": scopes,
            "webhook_url": webhook_url or f"{back}/webhooks/hubspot",
            "install_url": f"{back}/oauth/callback",
            "card_url": back,
        }
        self._keeper: Keeper | None = None
        self._servers: list[HttpServer] = []

    # What a test or a person needs to know

    @property
    def account(self) -> ClinikoAccount:
        """The clinic's Cliniko account."""
        return next(iter(self.cliniko.accounts.values()))

    @property
    def portal(self) -> Portal:
        """The HubSpot account."""
        return self.hubspot.portals[self._hub_id]

    @property
    def hubspot_app(self) -> App:
        """The app as it is registered with HubSpot."""
        return self.hubspot.apps[int(self._app["app_id"])]

    @property
    def api_key(self) -> str:
        """The API key of the clinic's administrator."""
        return next(iter(self.account.keys))

    @property
    def cliniko_url(self) -> str:
        """The address of Cliniko's API, for CLINIKO_API_URL."""
        return f"{self._servers[0].url}/v1"

    @property
    def hubspot_url(self) -> str:
        """The address of HubSpot's API and pages, for HUBSPOT_API_URL and HUBSPOT_APP_URL."""
        return self._servers[1].url

    # Life

    def start(self) -> Self:
        """Take the ports, read or make the state, serve. Raises PortTaken, FolderInUse or BadState."""
        try:
            self._listen()
            self._fill()
            for server in self._servers:
                server.start()
            if self._keeper:
                self._keeper.start()
        except BaseException:
            self.stop(save=False)
            raise
        return self

    def stop(self, *, save: bool = True) -> None:
        """Close both ports, keep the state. Harmless when stopped already."""
        for server in self._servers:
            server.stop()
        self.hubspot.close()
        self.cliniko.close()
        keeper, self._keeper = self._keeper, None
        if keeper:
            keeper.close(save=save)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def save(self) -> None:
        """Write the state now; without a data folder there is nothing to do."""
        if self._keeper:
            self._keeper.save()

    def _listen(self) -> None:
        apps: dict[str, Callable[..., Any]] = {"cliniko": self.cliniko.app, "hubspot": self.hubspot.app}
        if self._data is not None:
            self._keeper = Keeper(
                Path(self._data), {"cliniko": self.cliniko, "hubspot": self.hubspot}, self._save_every
            )
            apps = {name: self._keeper.watch(name, app) for name, app in apps.items()}
        for app, port in zip(apps.values(), self._ports, strict=True):
            try:
                self._servers.append(HttpServer(self._delayed(app), self._host, port))
            except OSError as error:
                raise PortTaken(f"port {port} cannot be used: {error.strerror}") from None

    def _fill(self) -> None:
        if self._keeper and self._reset:
            self._keeper.forget()
        self.kept = bool(self._keeper and self._keeper.load())
        # The app is registered anew: its addresses may be others than last time.
        self.hubspot.register_app(**self._app)
        if self._hub_id not in self.hubspot.portals:
            self.hubspot.add_portal(self._hub_id, tier=self._tier, name="Harbour Physiotherapy")
        if self.kept:
            return
        account = self.cliniko.add_account()
        if self._examples:
            load_examples(account)
        self.summary = make_clinic(account, seed=self.seed, now=self._now or self.clock.now(), **self._sizes)  # type: ignore[arg-type]
        self.cliniko.add_key(account, self.summary.administrator_id)
        seed_owners(self.portal, self.summary)
        seed_contacts(self.portal, account, self._hubspot_contacts, self.seed)
        self.save()

    def _delayed(self, app: Callable[..., Any]) -> Callable[..., Any]:
        if not self._latency:
            return app

        def delayed(environ: dict[str, Any], start_response: Any) -> Any:
            time.sleep(self._latency)
            return app(environ, start_response)

        return delayed
