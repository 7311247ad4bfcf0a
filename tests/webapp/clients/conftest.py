"""Both clients against real sockets and a real Valkey. The only thing not real is how long a wait takes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest
import redis
import time_machine
from werkzeug.serving import make_server

from tests.support.http_stub import HttpStub, serving
from webapp.clients.budget import Budget
from webapp.clients.cliniko.client import ClinikoClient
from webapp.clients.hubspot.client import HubSpotClient
from webapp.clients.hubspot.oauth import SCOPES, TokenSet
from webapp.clients.hubspot.tokens import TokenSource
from webapp.clock import now
from webapp.sandbox.hubspot import HubSpotSandbox, Portal

HUB = 20_000_001
CLINIKO_KEY = "MS0xNzE4LWtleS1tYXJrZXI-au2"
START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SHORT = httpx.Timeout(1.0, connect=0.5)


class Sleeper:
    """Waits by moving the clock, and remembers how long each wait was."""

    def __init__(self, clock: time_machine.Traveller) -> None:
        self.clock = clock
        self.waits: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock.shift(seconds)


class Vault:
    """Where the tokens of an account are stored: `saved` is every set that was, in order."""

    def __init__(self, tokens: TokenSet) -> None:
        self.tokens = tokens
        self.saved: list[TokenSet] = []

    def load(self) -> TokenSet:
        return self.tokens

    def save(self, tokens: TokenSet) -> None:
        self.saved.append(tokens)
        self.tokens = tokens


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=True) as moved:
        yield moved


@pytest.fixture
def sleeper(clock: time_machine.Traveller) -> Sleeper:
    return Sleeper(clock)


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with serving() as made:
        yield made


@pytest.fixture
def make_budget(valkey: redis.Redis, sleeper: Sleeper) -> Callable[..., Budget]:
    def make(key: str = "test", limit: int = 1000, per: int = 60, max_wait: float = 20.0, **options) -> Budget:
        return Budget(valkey, key, limit, per, max_wait, sleep=sleeper, **options)

    return make


@pytest.fixture
def make_cliniko(stub: HttpStub, make_budget, sleeper: Sleeper) -> Iterator[Callable[..., ClinikoClient]]:
    with ExitStack() as stack:

        def make(key: str = CLINIKO_KEY, url: str | None = None, **options) -> ClinikoClient:
            options.setdefault("budget", make_budget("cliniko:test", service="cliniko"))
            options.setdefault("timeout", SHORT)
            base = f"{url or stub.url}/v1"
            made = ClinikoClient(key, base_url=base, contact_email="ops@example.com", sleep=sleeper, **options)
            return stack.enter_context(made)

        yield make


@pytest.fixture
def cliniko(make_cliniko) -> ClinikoClient:
    return make_cliniko()


@pytest.fixture
def sandbox(clock) -> Iterator[HubSpotSandbox]:
    made = HubSpotSandbox()
    made.register_app("client-id", "client-secret", 4242, ["http://localhost:5000/oauth/callback"], SCOPES)
    yield made
    made.close()


@pytest.fixture
def sandbox_url(sandbox: HubSpotSandbox) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, sandbox.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def portal(sandbox: HubSpotSandbox) -> Portal:
    return sandbox.add_portal(HUB)


@pytest.fixture
def api_settings() -> Callable[..., SimpleNamespace]:
    """What the clients read of the settings."""

    def make(url: str, **changes) -> SimpleNamespace:
        values = {
            "hubspot_client_id": "client-id",
            "hubspot_client_secret": "client-secret",
            "hubspot_api_url": url,
            "hubspot_app_url": url,
            "hubspot_api_version": "2026-09",
        }
        return SimpleNamespace(**{**values, **changes})

    return make


@pytest.fixture
def vault(sandbox: HubSpotSandbox, portal: Portal) -> Vault:
    """The tokens of an installed account, with half an hour to live."""
    access = sandbox.access_token(portal)
    refresh = portal.installs[4242].refresh_token
    return Vault(TokenSet(access, refresh, now() + timedelta(minutes=30), HUB, SCOPES))


@pytest.fixture
def make_hubspot(valkey, sleeper: Sleeper, make_budget, api_settings) -> Iterator[Callable[..., HubSpotClient]]:
    with ExitStack() as stack:

        def make(url: str, vault: Vault, version: str = "2026-09", **options) -> HubSpotClient:
            settings = api_settings(url, hubspot_api_version=version)
            tokens = TokenSource(HUB, load=vault.load, save=vault.save, redis=valkey, settings=settings)
            options.setdefault("budget", make_budget(f"hubspot:{HUB}"))
            options.setdefault("search_budget", make_budget(f"hubspot-search:{HUB}"))
            options.setdefault("timeout", SHORT)
            made = HubSpotClient(HUB, tokens, base_url=url, version=version, sleep=sleeper, **options)
            return stack.enter_context(made)

        yield make


@pytest.fixture
def hubspot(make_hubspot, sandbox_url: str, vault: Vault) -> HubSpotClient:
    """A client of the simulated HubSpot."""
    return make_hubspot(sandbox_url, vault)


@pytest.fixture
def scripted(make_hubspot, stub: HttpStub, clock) -> HubSpotClient:
    """A HubSpot client whose answers are scripted."""
    tokens = TokenSet("access-marker", "refresh-marker", now() + timedelta(minutes=30), HUB, SCOPES)
    return make_hubspot(stub.url, Vault(tokens))
