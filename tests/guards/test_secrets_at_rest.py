"""What is secret or personal lies encrypted in the database, and every other column is known to hold neither."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from tests.guards.source import all_imports, within
from tests.support.rows import plain, row
from webapp.extensions import db
from webapp.store.base import Base, EncryptedText
from webapp.store.rotation import encrypted_columns

# Tokens, keys, and whatever may quote a person.
ENCRYPTED = {
    "account.access_token",
    "account.refresh_token",
    "account.digest_key",
    "connection.api_key",
    "connection_attempt.api_key",
    "issue.detail",
    "person.display",
    "push_request.message",
    "referral.subcategory",
}

# Text that lies open, and what kind of word it is. Text of a person has no place here.
IDS = "an id or a number of one of the two services"
WORDS = "one of our own words"
BUSINESS = "of the business, not of a person"
STAFF = "who of the clinic's staff did something, as HubSpot names them"
COUNTS = "numbers"
OPEN_TEXT = {
    "account.status": WORDS,
    "account.status_reason": WORDS,
    "account.hub_domain": BUSINESS,
    "account.ui_domain": BUSINESS,
    "account.time_zone": BUSINESS,
    "account.currency": BUSINESS,
    "account.scopes": WORDS,
    "account.installed_by": IDS,
    "account.replaced_cliniko_ids": IDS,
    "account.provision_report": WORDS,
    "account_setting.name": WORDS,
    "account_setting.value": BUSINESS,
    "activity.actor": STAFF,
    "activity.target": WORDS,
    "activity.action": WORDS,
    "activity.kind": WORDS,
    "activity.cliniko_id": IDS,
    "activity.hubspot_id": IDS,
    "activity.fields": WORDS,
    "activity.result": WORDS,
    "bill.cliniko_id": IDS,
    "bill.patient_id": IDS,
    "connection.status": WORDS,
    "connection.shard": IDS,
    "connection.cliniko_account_id": IDS,
    "connection.cliniko_user_id": IDS,
    "connection.role": WORDS,
    "connection.account_name": BUSINESS,
    "connection.subdomain": BUSINESS,
    "connection.country_code": BUSINESS,
    "connection.access": WORDS,
    "connection_attempt.id": IDS,
    "connection_attempt.state": WORDS,
    "connection_attempt.message": WORDS,
    "connection_attempt.report": BUSINESS,
    "cursor.list_name": WORDS,
    "cursor.last_id": IDS,
    "hook_event.kind": WORDS,
    "hook_event.object_type": WORDS,
    "hook_event.object_id": IDS,
    "hook_event.property_name": WORDS,
    "hook_event.merged_ids": IDS,
    "hook_event.survivor_id": IDS,
    "hook_event.state": WORDS,
    "issue.stream": WORDS,
    "issue.kind": WORDS,
    "issue.cliniko_id": IDS,
    "issue.hubspot_id": IDS,
    "issue.cause": WORDS,
    "issue.field": WORDS,
    "issue.state": WORDS,
    "lease.name": WORDS,
    "lease.owner": IDS,
    "link.kind": WORDS,
    "link.cliniko_id": IDS,
    "link.hubspot_id": IDS,
    "link.state": WORDS,
    "link.rule": WORDS,
    "link.cliniko_status": WORDS,
    "link.patient_id": IDS,
    "link.contact_id": IDS,
    "link.pipeline": IDS,
    "link.stage": IDS,
    "person.kind": WORDS,
    "person.cliniko_id": IDS,
    "person.merged_into": IDS,
    "person.concession_id": IDS,
    "person_term.kind": WORDS,
    "person_term.cliniko_id": IDS,
    "proof.report": COUNTS,
    "push_intent.kind": WORDS,
    "push_intent.hubspot_id": IDS,
    "push_intent.cliniko_id": IDS,
    "push_intent.state": WORDS,
    "push_request.what": WORDS,
    "push_request.hubspot_id": IDS,
    "push_request.asked_by": STAFF,
    "push_request.options": WORDS,
    "push_request.key": IDS,
    "push_request.outcome": WORDS,
    "push_request.held_by": WORDS,
    "push_request.state": WORDS,
    "push_request.result": WORDS,
    "referral.patient_id": IDS,
    "referral.source_id": IDS,
    "referral.type_id": IDS,
    "review.kind": WORDS,
    "review.cliniko_id": IDS,
    "review.hubspot_id": IDS,
    "review.cause": WORDS,
    "review.state": WORDS,
    "review.decided_by": STAFF,
    "run.stream": WORDS,
    "run.outcome": WORDS,
    "run.counts": COUNTS,
    "signin_link.key": IDS,
    "signin_link.page": WORDS,
    "signin_link.role": WORDS,
    "stream_state.stream": WORDS,
    "stream_state.state": WORDS,
    "stream_state.cause": WORDS,
    "stream_state.counts": COUNTS,
    "visit.kind": WORDS,
    "visit.cliniko_id": IDS,
    "visit.patient_id": IDS,
    "visit.booking_id": IDS,
    "visit.status": WORDS,
    "visit.type_id": IDS,
    "visit.practitioner_id": IDS,
    "visit.business_id": IDS,
    "visit.case_id": IDS,
    "visit_summary.patient_id": IDS,
    "visit_summary.contact_id": IDS,
    "work_item.kind": WORDS,
    "work_item.cliniko_id": IDS,
    "work_item.reason": WORDS,
}


def labelled(kinds):
    return {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, kinds)
    }


@pytest.fixture
def filled(app):
    for table in Base.metadata.sorted_tables:
        db.session.execute(table.insert(), [row(table)])
    db.session.commit()
    return app


def test_the_encrypted_columns_are_these():
    assert labelled(EncryptedText) == ENCRYPTED
    assert {column.label for column in encrypted_columns()} == ENCRYPTED


def test_every_open_text_is_known_to_hold_nothing_of_a_person():
    present = labelled((sa.String, sa.Text, sa.JSON))
    assert present - set(OPEN_TEXT) == set(), "say here what kind of text this is, or encrypt it"
    assert set(OPEN_TEXT) - present == set()


def test_stored_values_are_ciphertext(filled, engine, settings):
    key = Fernet(settings.encryption_keys[0])
    for column in encrypted_columns():
        raw = db.session.scalar(sa.select(sa.type_coerce(column.table.c[column.name], sa.LargeBinary)))
        assert key.decrypt(bytes(raw)).decode() == plain(column.table.c[column.name])
        assert b"Planted" not in bytes(raw)
        assert db.session.scalar(sa.select(column.table.c[column.name])) == plain(column.table.c[column.name])


def test_the_file_holds_no_plain_text(filled, settings):
    """The database file and its write-ahead log, byte by byte."""
    path = settings.database_url.removeprefix("sqlite:///")
    data = b"".join(Path(f"{path}{end}").read_bytes() for end in ("", "-wal"))
    assert b"connection_attempt" in data
    for word in ("Planted", "Zoë"):
        assert word.encode() not in data and word.encode("utf-16-le") not in data


def test_the_same_text_is_stored_differently_each_time(app):
    """Otherwise equal names could be told from equal ciphertexts."""
    account = Base.metadata.tables["account"]
    db.session.execute(account.insert(), [row(account, hub_id=hub_id) for hub_id in (1, 2)])
    raws = db.session.scalars(sa.select(sa.type_coerce(account.c.access_token, sa.LargeBinary))).all()
    assert len({bytes(raw) for raw in raws}) == 2


def test_encryption_is_done_in_one_place():
    """The configuration checks keys and the demo makes one; nobody else touches a cipher."""
    users = {found.importer for found in all_imports() if within(found.target, "cryptography")}
    assert {name for name in users if not within(name, "webapp.demo")} == {"webapp.security.crypto", "webapp.config"}
