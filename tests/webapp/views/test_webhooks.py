"""POST /webhooks/hubspot over real HTTP: what is kept, what is dropped, and that nothing is lost on the way."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from tests.support.serving import served
from tests.webapp.views.conftest import HUB
from webapp.clock import now
from webapp.extensions import db
from webapp.security.signatures import sign
from webapp.store import accounts, hooks
from webapp.store.models_hooks import HookEvent

PATH = "/webhooks/hubspot"
SWITCH = "update_cliniko_patient"


def event(**fields):
    base = {
        "eventId": 1,
        "subscriptionId": 12345,
        "portalId": HUB,
        "appId": 4242,
        "occurredAt": 1795468800000,
        "subscriptionType": "object.propertyChange",
        "attemptNumber": 0,
        "objectId": 123,
        "objectTypeId": "0-1",
        "propertyName": SWITCH,
        "propertyValue": "true",
        "changeSource": "CRM_UI",
        "sourceId": "userId:9586504",
    }
    return {**base, **fields}


@pytest.fixture
def post(app, make_account) -> Iterator:
    """Posts events (or a raw body) as HubSpot does; an account is installed."""
    make_account()
    with served(app) as url, httpx.Client() as http:
        app.config["CRMCONNECT"] = replace(app.config["CRMCONNECT"], public_url=url)

        def send(events, *, secret: str = "client-secret", path: str = PATH, **headers) -> httpx.Response:
            db.session.rollback()
            raw = events if isinstance(events, bytes) else json.dumps(events).encode()
            stamp = str(int(now().timestamp() * 1000))
            signed = {
                "X-HubSpot-Signature-v3": sign(secret, "POST", url + PATH, raw, stamp),
                "X-HubSpot-Request-Timestamp": stamp,
                "Content-Type": "application/json",
            }
            return http.post(url + path, content=raw, headers={**signed, **headers})

        yield send


def stored() -> list[HookEvent]:
    db.session.rollback()
    return list(db.session.scalars(select(HookEvent).order_by(HookEvent.id)))


def jobs(valkey) -> list[bytes]:
    return valkey.lrange("rq:queue:push", 0, -1)


def test_an_event_is_stored_without_its_value_and_handed_to_the_queue(post, valkey):
    answer = post([event(propertyName="email", propertyValue="ana@people.example"), event(eventId=2)])
    assert (answer.status_code, answer.json()) == (200, {"received": 2, "kept": 2})
    email, switch = stored()
    assert (email.kind, email.object_type, email.object_id, email.property_name) == (
        "propertyChange",
        "contact",
        "123",
        "email",
    )
    assert (email.switched_on, switch.switched_on) == (False, True)
    assert email.occurred_at == datetime(2026, 11, 23, 21, 20, tzinfo=UTC)
    assert all("ana" not in str(value) for value in vars(email).values())
    assert jobs(valkey) == [f"hooks-{HUB}".encode()]


def test_a_hundred_events_of_several_accounts_in_one_delivery(post, make_account, valkey):
    make_account(HUB + 1)
    events = [event(eventId=n, objectId=1000 + n, portalId=HUB + n % 2) for n in range(100)]
    answer = post(events)
    assert answer.json() == {"received": 100, "kept": 100}
    assert sorted({row.hub_id for row in stored()}) == [HUB, HUB + 1]
    assert sorted(jobs(valkey)) == [f"hooks-{HUB}".encode(), f"hooks-{HUB + 1}".encode()]
    started = time.perf_counter()
    post([event(eventId=1000 + n, objectId=5000 + n) for n in range(100)])
    print(f"100 events acknowledged in {(time.perf_counter() - started) * 1000:.0f} ms")


def test_repeated_deliveries_are_one_event(post):
    post([event(), event(attemptNumber=1)])
    post([event(attemptNumber=2)])
    assert len(stored()) == 1
    # An event id alone is not unique.
    post([event(objectId=124), event(occurredAt=1795468800001), event(subscriptionId=2)])
    assert len(stored()) == 4


def test_one_that_was_handled_is_not_brought_back_by_a_repeat(post):
    post([event()])
    hooks.handled(HUB, [row.id for row in stored()])
    db.session.commit()
    post([event(attemptNumber=3)])
    assert [row.state for row in stored()] == ["done"]


BROKEN = [b"", b"{", b"[{]", b"null", b"{}", b'"text"', b"1", b"\xff\xfe", b"[" * 100_000, b'[{"a": 1e999999}', b"NaN"]


def test_what_is_no_list_of_events_is_refused_and_nothing_kept(post):
    for raw in BROKEN:
        assert post(raw).status_code == 400, raw[:20]
    assert stored() == []


def test_the_same_delivery_whole_is_taken_after_a_broken_one(post):
    whole = json.dumps([event()]).encode()
    assert post(whole[:-1]).status_code == 400
    assert post(whole).status_code == 200
    assert len(stored()) == 1


NOT_FOR_US = [
    event(subscriptionType="conversation.privacyDeletion"),
    event(subscriptionType="company.deletion", objectTypeId="0-2"),
    event(subscriptionType="object.deletion", objectTypeId="2-123"),
    event(subscriptionType="object.associationChange"),
    event(subscriptionType="object.creation"),
    event(subscriptionType="event.completed"),
    event(subscriptionType=""),
    event(subscriptionType=None),
    event(subscriptionType=["object.deletion"]),
    event(propertyName="lifecyclestage"),
    event(propertyName=None),
    event(propertyName=["email"]),
    event(propertyValue="false"),
    event(portalId=99),
    event(portalId=None),
    event(portalId=True),
    event(portalId=1.5),
    event(portalId=10**18),
    event(portalId=10**40),
    event(portalId="9" * 5000),
    event(portalId=-1),
    event(objectId=0),
    event(objectId="12a"),
    event(objectId={}),
    {},
    [],
    None,
    "text",
    7,
]


def test_what_is_not_for_us_is_answered_well_and_dropped(post):
    """Any other answer than 200 would have it delivered ten times more."""
    for one in NOT_FOR_US:
        answer = post([one])
        assert (answer.status_code, answer.json()) == (200, {"received": 1, "kept": 0}), one
    assert post([*NOT_FOR_US, event()]).json()["kept"] == 1
    assert [row.object_id for row in stored()] == ["123"]


def test_our_own_echo_is_dropped_and_nobody_else_s(post):
    ours = {"changeSource": "INTEGRATION", "sourceId": "4242"}
    answer = post(
        [
            event(eventId=1, **ours),
            event(eventId=2, **{**ours, "sourceId": 4242}),
            event(eventId=3, **{**ours, "sourceId": "4243"}),
            event(eventId=4, changeSource="AUTOMATION_PLATFORM", sourceId="4242"),
            event(eventId=5, changeSource="IMPORT", sourceId=None),
        ]
    )
    assert answer.json() == {"received": 5, "kept": 3}


def test_older_names_of_events_are_understood(post):
    classic = {"objectTypeId": None}
    post(
        [
            event(eventId=1, subscriptionType="contact.propertyChange", **classic),
            event(eventId=2, subscriptionType="contact.deletion", **classic),
            event(eventId=3, subscriptionType="deal.deletion", **classic),
            event(eventId=4, subscriptionType="contact.privacyDeletion", **classic),
            event(eventId=5, subscriptionType="object.restore", objectTypeId=None, objectType="CONTACT"),
        ]
    )
    assert [(row.object_type, row.kind) for row in stored()] == [
        ("contact", "propertyChange"),
        ("contact", "deletion"),
        ("deal", "deletion"),
        ("contact", "privacyDeletion"),
        ("contact", "restore"),
    ]


def test_a_merge_keeps_every_id_that_took_part(post):
    merge = {"subscriptionType": "object.merge", "propertyName": None}
    post([event(**merge, objectId=30, primaryObjectId=10, mergedObjectIds=[20, "21", None, True], newObjectId=30)])
    (row,) = stored()
    assert (row.survivor_id, sorted(row.merged_ids)) == ("30", ["10", "20", "21", "30"])


def test_a_time_that_is_none_counts_as_long_ago(post):
    times = [None, "soon", -5, 10**30, 10**15, 1.5, [], True]
    assert post([event(occurredAt=at) for at in times]).json()["kept"] == len(times)
    assert {row.occurred_at for row in stored()} == {datetime(1970, 1, 1, tzinfo=UTC)}


def test_an_account_that_left_is_heard_of_for_privacy_only(post):
    accounts.set_status(HUB, "uninstalled", "uninstalled")
    answer = post([event(), event(subscriptionType="contact.privacyDeletion", objectTypeId=None)])
    assert answer.json() == {"received": 2, "kept": 1}
    assert [row.kind for row in stored()] == ["privacyDeletion"]


UNSIGNED = [
    {"X-HubSpot-Signature-v3": "AAAA"},
    {"X-HubSpot-Signature-v3": ""},
    {"X-HubSpot-Request-Timestamp": ""},
    {"X-HubSpot-Request-Timestamp": "9" * 16},
    {"X-HubSpot-Request-Timestamp": "1"},
]


def test_an_unsigned_delivery_is_refused(post):
    for headers in UNSIGNED:
        assert post([event()], **headers).status_code == 401, headers
    assert stored() == []


def test_a_delivery_signed_with_another_secret_or_for_another_path_is_refused(post):
    assert post([event()], secret="somebody-else").status_code == 401
    assert post([event()], path=PATH + "?a=1").status_code == 401
    assert stored() == []


def test_a_host_that_only_the_request_names_is_not_believed(post):
    """The address behind a proxy comes from our configuration, never from the request."""
    assert post([event()], Host="evil.example.com", **{"X-Forwarded-Proto": "https"}).status_code == 200


def test_with_the_queue_away_the_event_waits_in_the_database(post, app, valkey):
    away = app.extensions.pop("redis", None)
    app.config["CRMCONNECT"] = replace(app.config["CRMCONNECT"], redis_url="redis://127.0.0.1:1/0")
    assert post([event()]).status_code == 200
    assert [row.state for row in stored()] == ["new"]
    assert jobs(valkey) == []
    closed = app.extensions.pop("redis", None)
    for connection in (away, closed):
        if connection is not None:
            connection.close()


def test_a_stored_event_whose_job_died_is_taken_up_again(post, valkey, settings, app, connect_account):
    from jobs.tasks.dispatch import LOST_AFTER, dispatch

    connect_account(HUB)
    post([event()])
    valkey.flushall()
    dispatch()
    assert jobs(valkey) == [], "its job may still be on its way"
    for row in stored():
        row.received_at = now() - LOST_AFTER - timedelta(seconds=1)
    db.session.commit()
    dispatch()
    assert jobs(valkey) == [f"hooks-{HUB}".encode()]
    accounts.set_status(HUB, "paused", "by_operator")
    valkey.flushall()
    dispatch()
    assert jobs(valkey) == [], "of a paused account nothing is asked every few seconds"
