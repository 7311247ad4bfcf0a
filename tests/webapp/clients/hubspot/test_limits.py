"""HubSpot's limits: each is waited out by everyone, in the right bucket, for the right time."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.http_stub import Reply
from tests.webapp.clients.conftest import HUB, Vault
from webapp.clients.errors import Rejected, Throttled, Unavailable
from webapp.clients.hubspot import account, objects
from webapp.clients.hubspot.oauth import TokenSet
from webapp.clients.policy import MAX_ATTEMPTS
from webapp.clock import now
from webapp.sandbox.support import Fault

ROLLING = {"policyName": "TEN_SECONDLY_ROLLING", "message": "You have reached your ten_secondly_rolling limit."}
SECONDLY = {"policyName": "SECONDLY", "message": "You have reached your secondly limit."}
DAILY = {"policyName": "DAILY", "message": "You have reached your daily limit."}
DETAILS = Reply(json={"portalId": HUB})
EMPTY = Reply(json={"results": [], "total": 0})


@pytest.fixture
def impatient(make_hubspot, make_budget, stub):
    """Waits for nothing, so that the end of each limit shows."""
    vault = Vault(TokenSet("access", "refresh", now() + timedelta(days=9), HUB))
    budgets = {"budget": make_budget("general", max_wait=0.0), "search_budget": make_budget("search", max_wait=0.0)}
    return make_hubspot(stub.url, vault, **budgets)


def search(client, **options):
    return objects.search(client, "contacts", [{"filters": []}], ["email"], **options)


@pytest.mark.parametrize(
    ("reply", "low", "high"),
    [
        (Reply(429, json=ROLLING), 10, 10),
        (Reply(429, json={"policyName": "ten_secondly_rolling"}), 10, 10),
        (Reply(429, json={"category": "RATE_LIMITS"}), 10, 10),
        (Reply(429, body="<html>"), 10, 10),
        (Reply(429), 10, 10),
        (Reply(429, json=SECONDLY), 1, 1),
        (Reply(429, json={"message": SECONDLY["message"]}), 1, 1),
        (Reply(429, json=ROLLING, headers={"Retry-After": "3"}), 3, 3),
        (Reply(429, json=ROLLING, headers={"Retry-After": "0"}), 0.2, 0.2),
        (Reply(429, json=ROLLING, headers={"Retry-After": "-1"}), 10, 10),
        (Reply(429, json=ROLLING, headers={"Retry-After": "Mon, 23 Nov 2026 04:00:40 GMT"}), 39, 40),
        (Reply(429, json=ROLLING, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}), 86_400, 86_400),
        (Reply(423), 2, 2),
        (Reply(423, headers={"Retry-After": "1"}), 2, 2),
        (Reply(423, headers={"Retry-After": "9"}), 9, 9),
        (Reply(477), 3600, 3600),
        (Reply(477, headers={"Retry-After": "43200"}), 43_200, 43_200),
        (Reply(477, headers={"Retry-After": "9999999"}), 86_400, 86_400),
    ],
)
def test_how_long_a_limit_holds(stub, impatient, reply, low, high):
    stub.answer(reply)
    began = now()
    with pytest.raises(Throttled) as raised:
        account.details(impatient)
    assert raised.value.status == reply.status
    assert raised.value.maybe_applied is False
    assert low - 0.1 <= (raised.value.retry_at - began).total_seconds() <= high + 0.6
    with pytest.raises(Throttled):
        account.details(impatient)
    assert len(stub.seen) == 1, "nobody asks before it ends"
    assert search_goes_through(stub, impatient)


def search_goes_through(stub, client) -> bool:
    stub.answer(EMPTY)
    return search(client).records == []


def test_a_daily_limit_ends_after_midnight_with_some_spread(stub, impatient):
    stub.always(Reply(429, json=DAILY))
    with pytest.raises(Throttled) as raised:
        account.details(impatient)
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    assert midnight + timedelta(seconds=150) <= raised.value.retry_at <= midnight + timedelta(seconds=300)


def test_the_wait_is_waited_and_the_call_made(stub, scripted, sleeper):
    stub.answer(Reply(429, json=ROLLING), Reply(423), DETAILS)
    assert account.details(scripted).hub_id == HUB
    assert 13.9 < sum(sleeper.waits) < 14.5, "ten seconds, then two times two as it was the second refusal"


def test_a_limit_that_never_ends_is_given_up(stub, scripted):
    stub.always(Reply(429, json=SECONDLY))
    with pytest.raises(Throttled):
        account.details(scripted)
    assert len(stub.seen) == MAX_ATTEMPTS


def test_a_refused_write_may_follow_once_the_limit_is_over(stub, scripted):
    stub.answer(Reply(429, json=SECONDLY), Reply(json={"id": "3"}))
    assert objects.merge(scripted, "contacts", "1", "2").id == "3"
    assert len(stub.applied) == 1


def test_searches_have_a_bucket_of_their_own(stub, impatient):
    stub.answer(Reply(429, json={"message": "You have reached your limit."}))
    began = now()
    with pytest.raises(Throttled) as raised:
        search(impatient)
    assert 0.9 < (raised.value.retry_at - began).total_seconds() < 1.6
    with pytest.raises(Throttled):
        search(impatient)
    stub.answer(DETAILS)
    assert account.details(impatient).hub_id == HUB
    assert len(stub.seen) == 2


def test_our_own_budgets_keep_us_below_hubspots(make_hubspot, make_budget, sandbox, sandbox_url, vault, sleeper):
    budgets = {"budget": make_budget("g", limit=100, per=10), "search_budget": make_budget("s", limit=4, per=1)}
    client = make_hubspot(sandbox_url, vault, **budgets)
    for _ in range(12):
        search(client)
    for _ in range(120):
        account.details(client)
    assert {call.status for call in sandbox.calls.items} == {200}
    assert sandbox.limits.on


def test_without_our_budget_hubspot_refuses_and_we_wait(hubspot, sandbox, sleeper):
    for _ in range(115):
        account.details(hubspot)
    assert sandbox.calls.count("GET", "/account-info/") == 116
    assert 9.9 < sum(sleeper.waits) < 10.5


@pytest.mark.parametrize("limit", [0, 201, -1])
def test_a_search_page_that_hubspot_does_not_offer_is_never_asked_for(stub, scripted, limit):
    with pytest.raises(ValueError, match="200"):
        search(scripted, limit=limit)
    assert stub.seen == []


def test_a_search_is_read_page_by_page(hubspot, portal):
    for n in range(5):
        portal.create("contacts", {"email": f"p{n}@x.example", "firstname": "Find"})
    groups = [{"filters": [{"propertyName": "firstname", "operator": "EQ", "value": "find"}]}]
    sorts = [{"propertyName": "createdate", "direction": "ASCENDING"}]
    page = objects.search(hubspot, "contacts", groups, ["email"], sorts, limit=2)
    found = list(page.results)
    while page.after:
        page = objects.search(hubspot, "contacts", groups, ["email"], sorts, limit=2, after=page.after)
        found += page.results
    assert [record.properties["email"] for record in found] == [f"p{n}@x.example" for n in range(5)]
    assert page.total == 5


def test_what_a_search_may_not_be_is_a_refusal(hubspot, sandbox):
    one = {"propertyName": "email", "operator": "EQ", "value": "x"}
    many = [{"filters": [one]}] * 6
    wordy = [{"filters": [{**one, "value": "x" * 3000}]}]
    for groups, after in ((many, None), (wordy, None), ([{"filters": [one]}], "9950")):
        with pytest.raises(Rejected):
            objects.search(hubspot, "contacts", groups, ["email"], after=after)
    assert sandbox.calls.count("POST", "/search") == 3, "none is repeated"


@pytest.mark.parametrize("body", ["{}", "[]", "null", '{"results": null}', '{"results": [{"id": null}]}', "<html>"])
def test_an_odd_search_answer_does_not_mean_that_nothing_exists(stub, scripted, body):
    stub.always(Reply(body=body))
    with pytest.raises(Unavailable):
        search(scripted)


def test_a_search_is_repeated_after_a_fault(hubspot, sandbox):
    sandbox.faults.add(Fault("POST .*/search", times=3, status=502, body="<html>"))
    assert search(hubspot).records == []
    assert sandbox.calls.count("POST", "/search") == 4
