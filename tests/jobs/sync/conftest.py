"""Clinics on real HTTP; the streams run in this process, so that a test can look at both sides between two steps."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.clinic import Clinic, Clinics, serving
from tests.support.engines import settings_for
from tests.support.hooked import Hooked, hooked
from webapp.clients.hubspot.oauth import SCOPES
from webapp.sandbox.cliniko.model import ClinikoSandbox
from webapp.sandbox.hubspot import HubSpotSandbox


@pytest.fixture
def cliniko() -> ClinikoSandbox:
    return ClinikoSandbox(limits_on=False)


@pytest.fixture
def hubspot() -> Iterator[HubSpotSandbox]:
    sandbox = HubSpotSandbox(limits_on=False)
    sandbox.register_app("client-id", "client-secret", 4242, ["http://localhost:5000/oauth/callback"], SCOPES)
    yield sandbox
    sandbox.close()


@pytest.fixture
def settings(database_url, valkey_url, tmp_path, cliniko, hubspot):
    with serving(cliniko.app) as cliniko_url, serving(hubspot.app) as hubspot_url:
        yield replace(
            settings_for(database_url, valkey_url, tmp_path),
            cliniko_api_url=f"{cliniko_url}/v1",
            hubspot_api_url=hubspot_url,
            hubspot_app_url=hubspot_url,
            cliniko_per_minute=100_000,
            hubspot_per_ten_seconds=100_000,
            hubspot_search_per_second=1000,
        )


@pytest.fixture
def clinics(app, cliniko, hubspot) -> Clinics:
    return Clinics(cliniko, hubspot)


@pytest.fixture
def clinic(clinics) -> Clinic:
    """One connected clinic without patients."""
    return clinics.make()


@pytest.fixture
def hooks(app, clinic) -> Iterator[Hooked]:
    """The clinic, with webhooks."""
    with hooked(app, clinic) as listening:
        yield listening
