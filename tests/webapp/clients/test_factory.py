"""How clients are put together: which limit applies to whom, and what stands in Redis."""

from datetime import UTC, datetime, timedelta

import pytest
import redis

from tests.support.http_stub import Reply
from tests.webapp.clients.conftest import CLINIKO_KEY, HUB
from webapp.clients import factory
from webapp.clients.cliniko import resources
from webapp.clients.cliniko.keys import BadKey
from webapp.clients.counter import CallCounter
from webapp.clients.errors import Throttled, Unavailable
from webapp.clients.hubspot import account, objects
from webapp.clients.hubspot.oauth import TokenSet
from webapp.clock import now

OTHER_KEY = "MS1zZWNvbmQta2V5LW1hcmtlcg-au2"


@pytest.fixture
def settings(stub, api_settings, clock):
    small = {"cliniko_per_minute": 10, "hubspot_per_ten_seconds": 10, "hubspot_search_per_second": 2}
    cliniko = {"cliniko_api_url": f"{stub.url}/v1", "cliniko_contact_email": "ops@example.com"}
    return api_settings(stub.url, secret_key="a-secret-key", **small, **cliniko)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody waits for a budget, so that its end shows."""
    monkeypatch.setattr(factory, "BACKGROUND_WAIT", 0.0)
    monkeypatch.setattr(factory, "PERSON_WAIT", 0.0)


def calls(client) -> int:
    """How many calls the client may make at once."""
    for count in range(100):
        try:
            resources.list_patients(client) if isinstance(client, factory.ClinikoClient) else account.details(client)
        except Throttled:
            return count
    return 100


def everything_in(valkey: redis.Redis) -> str:
    found = []
    for key in valkey.scan_iter("*"):
        kind = valkey.type(key)
        value = valkey.lrange(key, 0, -1) if kind == b"list" else valkey.get(key) if kind == b"string" else ""
        found.append(f"{key!r} = {value!r}")
    return "\n".join(found)


def test_cliniko_counts_by_user_so_keys_of_one_user_share(stub, settings, valkey):
    stub.always(Reply(json={"patients": []}))
    with (
        factory.cliniko_client(settings, valkey, CLINIKO_KEY, user_id="77:5", for_person=True) as one,
        factory.cliniko_client(settings, valkey, OTHER_KEY, user_id="77:5", for_person=True) as same_user,
        factory.cliniko_client(settings, valkey, OTHER_KEY, user_id="77:6", for_person=True) as another,
        factory.cliniko_client(settings, valkey, OTHER_KEY.replace("au2", "uk1"), user_id="77:5") as elsewhere,
    ):
        assert calls(one) == 10
        assert calls(same_user) == 0
        assert calls(another) == 10
        assert calls(elsewhere) == 8


def test_before_the_user_is_known_the_key_counts(stub, settings, valkey):
    stub.always(Reply(json={"patients": []}))
    with (
        factory.cliniko_client(settings, valkey, CLINIKO_KEY, for_person=True) as one,
        factory.cliniko_client(settings, valkey, f" {CLINIKO_KEY}\n", for_person=True) as same,
        factory.cliniko_client(settings, valkey, OTHER_KEY, for_person=True) as other,
    ):
        assert (calls(one), calls(same), calls(other)) == (10, 0, 10)


def test_background_leaves_a_fifth_of_both_budgets_to_people(stub, settings, valkey):
    stub.always(lambda seen: Reply(json={"patients": [], "portalId": HUB}))
    fresh = TokenSet("access", "refresh", now() + timedelta(hours=1), HUB)
    make = lambda **options: factory.hubspot_client(  # noqa: E731
        settings, valkey, HUB, lambda: fresh, lambda tokens: None, **options
    )
    with make() as background, make(for_person=True) as person:
        assert (calls(background), calls(person)) == (8, 2)
    with (
        factory.cliniko_client(settings, valkey, CLINIKO_KEY, user_id="77:5") as background,
        factory.cliniko_client(settings, valkey, CLINIKO_KEY, user_id="77:5", for_person=True) as person,
    ):
        assert (calls(background), calls(person)) == (8, 2)


def test_accounts_do_not_share_and_searches_are_counted_apart(stub, settings, valkey):
    stub.always(Reply(json={"portalId": HUB, "results": []}))
    fresh = TokenSet("access", "refresh", now() + timedelta(hours=1), HUB)
    clients = [
        factory.hubspot_client(settings, valkey, hub, lambda: fresh, lambda tokens: None) for hub in (HUB, HUB + 1)
    ]
    with clients[0] as one, clients[1] as two:
        assert (calls(one), calls(two)) == (8, 8)
        for _ in range(2):
            objects.search(one, "contacts", [], [])
        with pytest.raises(Throttled):
            objects.search(one, "contacts", [], [])


def test_nothing_in_redis_holds_a_key_or_a_token(stub, settings, valkey):
    tokens = TokenSet("access-marker", "refresh-marker", datetime(2000, 1, 1, tzinfo=UTC), HUB)
    saved: list[TokenSet] = []
    stub.answer(Reply(json={"access_token": "new-marker", "refresh_token": "rotated-marker", "expires_in": 1800}))
    stub.always(lambda seen: Reply(429, headers={"Retry-After": "30"}))
    client = factory.hubspot_client(settings, valkey, HUB, lambda: tokens, saved.append)
    with client, pytest.raises(Throttled):
        account.details(client)
    assert [one.access_token for one in saved] == ["new-marker"]
    for key in (CLINIKO_KEY, OTHER_KEY):
        with factory.cliniko_client(settings, valkey, key, hub_id=HUB) as client, pytest.raises(Throttled):
            resources.list_patients(client)
    stored = everything_in(valkey)
    assert stored.count("crmconnect:budget:") >= 8, "windows and blocks of both"
    opaque = [CLINIKO_KEY.rpartition("-")[0], OTHER_KEY.rpartition("-")[0], "marker", "client-secret", "a-secret-key"]
    assert not [word for word in opaque if word in stored]


def test_what_cannot_be_a_key_makes_no_client(settings, valkey):
    with pytest.raises(BadKey):
        factory.cliniko_client(settings, valkey, "two words")


def test_calls_are_counted_by_account_service_and_day(stub, settings, valkey, clock):
    stub.answer(Reply(500), Reply(json={"patients": []}))
    with factory.cliniko_client(settings, valkey, CLINIKO_KEY, hub_id=HUB) as client:
        resources.list_patients(client)
    counter = CallCounter(valkey, HUB)
    today = now().date()
    assert counter.read("cliniko", today) == 2, "every try is a call"
    assert counter.read("hubspot", today) == CallCounter(valkey, HUB + 1).read("cliniko", today) == 0
    assert counter.read("cliniko", today - timedelta(days=1)) == 0
    assert 7 * 86_400 < valkey.ttl(f"crmconnect:calls:{HUB}:cliniko:{today.isoformat()}") <= 8 * 86_400
    clock.shift(timedelta(days=1))
    counter.add("cliniko")
    assert (counter.read("cliniko", now().date()), counter.read("cliniko", today)) == (1, 2)


def test_losing_a_count_fails_nothing_but_losing_the_budget_stops_the_call(stub, settings):
    with redis.Redis(port=1, socket_connect_timeout=0.2, retry=None) as away:
        CallCounter(away, HUB).add("cliniko")
        with factory.cliniko_client(settings, away, CLINIKO_KEY, hub_id=HUB) as client, pytest.raises(Unavailable):
            resources.list_patients(client)
    assert stub.seen == []
