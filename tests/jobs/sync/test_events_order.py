"""Ten thousand events, shuffled and repeated, leave what the sorted single run leaves."""

import json
import random
from collections.abc import Sequence
from typing import Any

import httpx
from sqlalchemy import select

from jobs.tasks.hooks import handle_events
from tests.support.clinic import Clinic
from tests.support.hooked import PATIENT, UNLINK
from tests.support.people import add_patient, links, reviews
from tests.support.serving import served
from webapp.clock import now
from webapp.extensions import db
from webapp.security.signatures import sign
from webapp.store.models_hooks import HookEvent, PushRequest
from webapp.store.models_ledger import ErasedPerson, NeverMatch

EVENTS = 10_000
PEOPLE = 40


def history(clinic: Clinic, contacts: Sequence[str]) -> list[dict[str, Any]]:
    """What people do in HubSpot to these contacts, with the events that tell of it, in the order of time."""
    portal, told, clock = clinic.portal, [], iter(range(1_000_000))
    chance = random.Random(7)

    def tell(kind: str, contact: str, **fields: Any) -> None:
        number = next(clock)
        told.append(
            {
                "eventId": chance.randrange(50),  # not unique, as HubSpot warns
                "subscriptionId": 1,
                "portalId": clinic.hub_id,
                "occurredAt": 1_795_000_000_000 + number,
                "subscriptionType": "contact.privacyDeletion" if kind == "privacyDeletion" else f"object.{kind}",
                "objectId": int(contact),
                "objectTypeId": "0-1",
                "changeSource": "CRM_UI",
                "sourceId": "userId:1",
                **fields,
            }
        )

    def merge(primary: str, other: str) -> str:
        survivor = portal.merge("contacts", primary, other).id
        ids = {"primaryObjectId": int(primary), "mergedObjectIds": [int(other)], "newObjectId": int(survivor)}
        tell("merge", survivor, **ids)
        return survivor

    groups = [list(contacts[n::6]) for n in range(6)]
    for contact in groups[0]:
        portal.delete("contacts", contact)
        tell("deletion", contact)
    for contact in groups[1]:
        portal.delete("contacts", contact)
        tell("deletion", contact)
        portal.restore("contacts", contact)
        tell("restore", contact)
    for contact in groups[2]:
        portal.gdpr_delete(contact)
        tell("deletion", contact)
        tell("privacyDeletion", contact)
    first, second, third, *_ = groups[3]
    merge(merge(first, second), third)
    for contact in groups[4]:
        tell("propertyChange", contact, propertyName=PATIENT, propertyValue="true")
        tell("propertyChange", contact, propertyName=UNLINK, propertyValue="true")
    for _ in range(20):
        for contact in contacts:
            tell("propertyChange", contact, propertyName="email", propertyValue="")
            tell("propertyChange", contact, propertyName="city", propertyValue="")
    return told


def told_in(clinic: Clinic, app: Any, url: str, events: Sequence[dict[str, Any]]) -> None:
    """Deliver these a hundred at a time, and handle them now and then."""
    with httpx.Client() as http:
        for start in range(0, len(events), 100):
            raw = json.dumps(events[start : start + 100]).encode()
            stamp = str(int(now().timestamp() * 1000))
            uri = f"{app.config['CRMCONNECT'].public_url}/webhooks/hubspot"
            headers = {
                "X-HubSpot-Signature-v3": sign("client-secret", "POST", uri, raw, stamp),
                "X-HubSpot-Request-Timestamp": stamp,
            }
            assert http.post(f"{url}/webhooks/hubspot", content=raw, headers=headers).status_code == 200
            if start % 1500 == 0:
                handle_events(clinic.hub_id)
    handle_events(clinic.hub_id)


def state(clinic: Clinic) -> dict[str, Any]:
    """What the events have led to, without what differs between any two accounts."""
    hub = clinic.hub_id
    requests = db.session.execute(
        select(PushRequest.what, PushRequest.hubspot_id, PushRequest.asked_at).where(PushRequest.hub_id == hub)
    )
    found = {
        "links": {i: (link.state, link.hubspot_id, link.rule) for i, link in links(clinic).items()},
        "reviews": {(r.cliniko_id, r.hubspot_id, r.cause, r.state) for r in reviews(clinic)},
        "requests": {tuple(row) for row in requests},
        "never": len(list(db.session.scalars(select(NeverMatch.hub_id).where(NeverMatch.hub_id == hub)))),
        "erased": len(list(db.session.scalars(select(ErasedPerson.hub_id).where(ErasedPerson.hub_id == hub)))),
        "waiting": len(
            list(db.session.scalars(select(HookEvent.id).where(HookEvent.hub_id == hub, HookEvent.state == "new")))
        ),
    }
    db.session.rollback()
    return found


def test_any_order_and_any_number_of_repeats(clinics, app):
    sorted_run, shuffled_run = clinics.make(), clinics.make()
    told = {}
    for clinic in (sorted_run, shuffled_run):
        for number in range(1, PEOPLE + 1):
            add_patient(clinic, f"Ana{number}", "Ruiz", f"p{number}@people.example", id=str(number))
        clinic.cycle("patients")
        people = sorted(links(clinic).items(), key=lambda pair: int(pair[0]))
        contacts = [str(link.hubspot_id) for _, link in people]
        db.session.rollback()
        told[clinic.hub_id] = history(clinic, contacts)
    once = told[sorted_run.hub_id]
    assert [e["objectId"] for e in once] == [e["objectId"] for e in told[shuffled_run.hub_id]], "twins"
    chance = random.Random(11)
    many = [*told[shuffled_run.hub_id]]
    many += [dict(chance.choice(many), attemptNumber=chance.randrange(10)) for _ in range(EVENTS - len(many))]
    chance.shuffle(many)
    with served(app) as url:
        told_in(sorted_run, app, url, once)
        told_in(shuffled_run, app, url, many)
    assert len(many) == EVENTS
    one, other = state(sorted_run), state(shuffled_run)
    assert one == other
    kinds = [s for s, _, _ in one["links"].values()]
    assert {"linked", "closed", "held"} <= set(kinds) and one["waiting"] == 0
    assert len(one["requests"]) == 2 * len(range(4, PEOPLE, 6)) and one["erased"] > 0 and one["reviews"]
