"""A whole clinic for tests: both simulated services over real HTTP, an installed account, streams run in process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import current_app

from jobs.sync import engine
from jobs.sync.engine import Result
from jobs.sync.provisioning_account import provision_account
from jobs.sync.streams import switched_on
from webapp.clients.hubspot.oauth import SCOPES
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.cliniko.model import ClinikoAccount, ClinikoSandbox
from webapp.sandbox.hubspot import HubSpotSandbox
from webapp.sandbox.hubspot.portal import Portal
from webapp.sandbox.serving import sandbox_server
from webapp.store import accounts, connections, settings, streams

CALLBACK = "http://localhost:5000/oauth/callback"


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """The address of a sandbox on a free port."""
    import threading

    server = sandbox_server(application)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Clinic:
    """One account: its simulated Cliniko and HubSpot sides, and what the sync does between them."""

    cliniko: ClinikoSandbox
    hubspot: HubSpotSandbox
    account: ClinikoAccount
    portal: Portal
    key: str
    provisioned: bool = False
    results: list[Result] = field(default_factory=list)

    @property
    def hub_id(self) -> int:
        return self.portal.hub_id

    def connect(self, *, provision: bool = True) -> None:
        """Install, connect and provision without a browser."""
        token = self.hubspot.access_token(self.portal)
        install = next(iter(self.portal.installs.values()))
        accounts.save_install(
            self.hub_id,
            access_token=token,
            refresh_token=install.refresh_token,
            token_expires_at=now() + timedelta(minutes=30),
            scopes=SCOPES,
            hub_domain="clinic.example",
            time_zone=self.portal.time_zone,
            currency=self.portal.currency,
        )
        connections.save_connection(
            self.hub_id,
            api_key=self.key,
            shard=self.account.shard,
            cliniko_account_id=self.account.id,
            cliniko_user_id=self.account.keys[self.key],
            role="administrator",
            account_name=self.account.name,
            subdomain=self.account.subdomain,
            country_code=self.account.country_code,
            access={},
        )
        if provision:
            provision_account(self.hub_id)
            self.provisioned = True

    def set(self, name: str, value: Any) -> None:
        """Change a setting of the account."""
        settings.set_setting(self.hub_id, name, value)

    def cycle(self, *names: str, most: int = 2000) -> dict[str, Result]:
        """Run one whole cycle of these streams (default: all that are on), one after the other."""
        wanted = list(names) or switched_on(settings.get_settings(self.hub_id))
        streams.request_run(self.hub_id, wanted)
        return {name: self.until_done(name, most=most) for name in wanted}

    def until_done(self, stream: str, most: int = 2000) -> Result:
        """Executions of one stream until its cycle has ended, waits, stops or is busy."""
        for _ in range(most):
            result = engine.run_execution(self.hub_id, stream)
            self.results.append(result)
            if result.outcome != "more":
                return result
        raise AssertionError(f"{stream} did not come to an end in {most} executions")

    def clear_calls(self) -> None:
        self.cliniko.calls.clear()
        self.hubspot.calls.clear()

    def cliniko_calls(self, path: str = "") -> list[Any]:
        """Calls since they were last cleared, those whose path contains `path`."""
        return [c for c in self.cliniko.calls.items if path in c.path]

    def hubspot_calls(self, path: str = "") -> list[Any]:
        return [c for c in self.hubspot.calls.items if path in c.path]

    def hubspot_writes(self) -> list[Any]:
        """Calls that change records or links."""
        words = ("batch/update", "batch/upsert", "batch/create", "batch/archive", "batch/associate")
        return [c for c in self.hubspot.calls.items if any(word in c.path for word in words)]

    def contacts(self) -> dict[str, dict[str, str]]:
        """{contact id: properties} of every live contact."""
        return {r.id: r.properties for r in live(self.portal.contacts)}

    def contact_of(self, patient_id: str) -> dict[str, str] | None:
        """Properties of the contact that carries this patient's key."""
        key = f"{self.account.id}:{patient_id}"
        found = [p for p in self.contacts().values() if p.get("cliniko_patient_key") == key]
        assert len(found) <= 1, "two contacts carry one key"
        return found[0] if found else None

    def deals(self) -> dict[str, dict[str, str]]:
        """{our key: properties and id} of every live deal that carries one."""
        found: dict[str, dict[str, str]] = {}
        for record in live(self.portal.deals):
            key = record.properties.get("cliniko_key")
            if key:
                assert key not in found, "two deals carry one key"
                found[key] = {**record.properties, "id": record.id}
        return found

    def contacts_of_deal(self, deal_id: str) -> list[str]:
        return list(self.portal.associations.get(deal_id, {}))


def live(records: Any) -> list[Any]:
    """Records that are neither archived nor merged away."""
    return [r for r in records.by_id.values() if not r.archived and records.survivor(r.id) == r.id]


class Clinics:
    """Makes clinics on one pair of simulated services."""

    def __init__(self, cliniko: ClinikoSandbox, hubspot: HubSpotSandbox) -> None:
        self.cliniko, self.hubspot = cliniko, hubspot

    def make(self, *, tier: str = "enterprise", connect: bool = True, provision: bool = True, **fields: Any) -> Clinic:
        """A clinic with an administrator's key and no patients yet."""
        account = self.cliniko.add_account(**fields)
        user = account.put(
            "users",
            {
                "email": "owner@clinic.example",
                "first_name": "Olive",
                "last_name": "Owner",
                "role": "administrator",
                "active": True,
                "time_zone_identifier": account.time_zone_identifier,
            },
        )
        portal = self.hubspot.add_portal(tier=tier)
        clinic = Clinic(self.cliniko, self.hubspot, account, portal, self.cliniko.add_key(account, user["id"]))
        if connect:
            clinic.connect(provision=provision)
        return clinic


def fresh_session() -> None:
    """Forget what this test's session has loaded, as another process would."""
    db.session.remove()
    assert current_app
