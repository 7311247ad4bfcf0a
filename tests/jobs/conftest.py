"""Simulated HubSpot accounts of any plan, with a real client for each."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.engines import settings_for
from tests.support.serving import served
from webapp.clients import factory
from webapp.clients.hubspot.client import HubSpotClient
from webapp.clients.hubspot.oauth import SCOPES, TokenSet
from webapp.clock import now
from webapp.sandbox.hubspot import HubSpotSandbox


@pytest.fixture
def hubspot() -> Iterator[HubSpotSandbox]:
    sandbox = HubSpotSandbox(limits_on=False)
    sandbox.register_app("client-id", "client-secret", 4242, ["http://localhost:5000/oauth/callback"], SCOPES)
    yield sandbox
    sandbox.close()


class Installer:
    """Installs the app into a new account and hands out clients of it."""

    def __init__(self, hubspot: HubSpotSandbox, settings, valkey) -> None:
        self._hubspot, self._settings, self._valkey = hubspot, settings, valkey
        self.clients: list[HubSpotClient] = []

    def __call__(self, tier: str):
        portal = self._hubspot.add_portal(tier=tier)
        return portal, self.again(portal)

    def again(self, portal) -> HubSpotClient:
        """One more client of the same account."""
        token = self._hubspot.access_token(portal)
        refresh = next(iter(portal.installs.values())).refresh_token
        tokens = TokenSet(token, refresh, now() + timedelta(minutes=30), portal.hub_id, SCOPES)
        client = factory.hubspot_client(
            self._settings, self._valkey, portal.hub_id, lambda: tokens, lambda changed: None
        )
        self.clients.append(client)
        return client


@pytest.fixture
def install(hubspot: HubSpotSandbox, valkey, tmp_path: Path) -> Iterator[Installer]:
    with served(hubspot.app) as url:
        settings = replace(
            settings_for(f"sqlite:///{tmp_path}/none.db", None, tmp_path),
            hubspot_api_url=url,
            hubspot_per_ten_seconds=1000,
        )
        installer = Installer(hubspot, settings, valkey)
        yield installer
        for client in installer.clients:
            client.close()
