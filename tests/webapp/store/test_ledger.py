"""Reservations that race for the same HubSpot record, on both engines, and what a reservation leaves alone."""

import random

from tests.webapp.store.conftest import HUB
from webapp.extensions import db
from webapp.store import ledger

MARK = b"m" * 16


def wish(connection_id: int, cliniko_id: str, hubspot_id: str | None, hub_id: int = HUB, kind: str = "patient") -> dict:
    return {
        "hub_id": hub_id,
        "connection_id": connection_id,
        "kind": kind,
        "cliniko_id": cliniko_id,
        "hubspot_id": hubspot_id,
        "rule": "email",
        "shared_email": False,
        "cliniko_updated_at": None,
    }


def owners(kind: str = "patient") -> dict[str, str]:
    """HubSpot id to Cliniko id of everything that is reserved or linked."""
    rows = db.session.query(ledger.Link).filter_by(kind=kind).all()
    found = {row.hubspot_id: row.cliniko_id for row in rows if row.hubspot_id}
    assert len(found) == len([row for row in rows if row.hubspot_id]), "two links hold one HubSpot record"
    return found


def test_two_threads_that_claim_one_record_one_gets_it(connection_id, at_once, engine):
    for number in range(6):
        contact = f"5{number:02}"
        results = at_once(
            *[
                lambda n=n, contact=contact: ledger.reserve([wish(connection_id, f"{contact}{n}", contact)])
                for n in range(2)
            ]
        )
        winners = sorted(len(result) for result in results)
        assert winners == [0, 1], results
        assert owners()[contact] in {cliniko_id for result in results for _, cliniko_id in result}


def test_batches_that_overlap_are_shared_out(connection_id, at_once, engine):
    """In opposite orders, so that each holds what the other wants."""
    contacts = [f"5{number:02}" for number in range(40)]
    orders = []
    for thread in range(3):
        batch = [wish(connection_id, f"{thread}{contact}", contact) for contact in contacts]
        random.Random(thread).shuffle(batch)
        orders.append(batch)
    results = at_once(*[lambda batch=batch: ledger.reserve(batch) for batch in orders])
    won = [cliniko_id for result in results for _, cliniko_id in result]
    assert len(won) == len(contacts), results
    assert sorted(owners()) == contacts
    assert sorted(owners().values()) == sorted(won)


def test_the_same_record_in_two_threads_is_reserved_once(connection_id, at_once, engine):
    results = at_once(*[lambda: ledger.reserve([wish(connection_id, "1", "501")]) for _ in range(4)])
    assert results == [{("patient", "1")}] * 4
    assert owners() == {"501": "1"}


def test_within_a_batch_the_first_by_number_gets_a_record_twice_wanted(connection_id, engine):
    batch = [wish(connection_id, "2", "501"), wish(connection_id, "1", "501"), wish(connection_id, "3", "502")]
    assert ledger.reserve(batch) == {("patient", "1"), ("patient", "3")}
    assert owners() == {"501": "1", "502": "3"}


def test_records_that_are_to_be_created_do_not_compete(connection_id, engine):
    batch = [wish(connection_id, str(number), None) for number in range(150)]
    assert len(ledger.reserve(batch)) == 150
    found = ledger.by_cliniko(connection_id, "patient", [str(number) for number in range(150)])
    assert {row.state for row in found.values()} == {"reserved"}


def test_a_record_that_is_linked_keeps_its_contact_against_a_new_claim(connection_id, engine):
    ledger.put([{**wish(connection_id, "1", "501"), "state": "linked", "digest": MARK, "fields": b"f"}])
    db.session.commit()
    assert ledger.reserve([wish(connection_id, "2", "501")]) == set()
    link = ledger.by_hubspot(HUB, "patient", ["501"])["501"]
    assert (link.cliniko_id, link.state, bytes(link.digest)) == ("1", "linked", MARK)


def test_kinds_have_contacts_of_their_own(connection_id):
    """A contact may be linked to one patient and to one Cliniko contact at once."""
    assert ledger.reserve([wish(connection_id, "1", "501"), wish(connection_id, "1", "501", kind="contact")]) == {
        ("patient", "1"),
        ("contact", "1"),
    }


def test_accounts_have_contacts_of_their_own(make_account, connect):
    make_account(1)
    make_account(2)
    for hub_id in (1, 2):
        assert ledger.reserve([wish(connect(hub_id), "1", "501", hub_id)]) == {("patient", "1")}


def test_a_new_reservation_forgets_what_was_agreed_on(connection_id):
    """Digests are stored only for what HubSpot accepted, and of this contact nothing is known yet."""
    old = {**wish(connection_id, "1", "501"), "state": "closed", "digest": MARK, "fields": b"f", "email_hmac": MARK}
    ledger.put([old])
    assert ledger.reserve([wish(connection_id, "1", "502")]) == {("patient", "1")}
    link = ledger.by_cliniko(connection_id, "patient", ["1"])["1"]
    assert (link.state, link.hubspot_id, link.digest, link.fields, link.email_hmac) == (
        "reserved",
        "502",
        None,
        None,
        None,
    )


def test_nothing_is_reserved_for_nobody(app):
    assert ledger.reserve([]) == set()


def test_only_reservations_are_dropped(connection_id):
    ledger.reserve([wish(connection_id, "1", "501")])
    ledger.put([{**wish(connection_id, "2", "502"), "state": "linked"}])
    ledger.drop_reservations(connection_id, "patient", ["1", "2", "3"])
    db.session.commit()
    assert owners() == {"502": "2"}


def test_many_ids_are_read_in_pieces(connection_id, engine):
    ids = [str(number) for number in range(1201)]
    marks = {i: i.zfill(16).encode() for i in ids}
    ledger.put([{**wish(connection_id, i, f"9{i}"), "state": "linked", "email_hmac": marks[i]} for i in ids])
    db.session.commit()
    assert len(ledger.by_cliniko(connection_id, "patient", ids)) == 1201
    assert len(ledger.by_hubspot(HUB, "patient", [f"9{i}" for i in ids])) == 1201
    assert len(ledger.by_email(HUB, list(marks.values()))) == 1201
    assert ledger.by_cliniko(connection_id, "patient", []) == {}
