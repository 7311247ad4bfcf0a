"""Two accounts that hold the very same ids, hashes and texts, so that a query without its account is seen at once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from tests.support.rows import MOMENT, row
from webapp.extensions import db
from webapp.store.base import Base

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

OURS, THEIRS = 20_000_002, 20_000_001
# Numbers of rows: theirs come first, so that the next free number is the same with and without them.
NUMBERS = {OURS: 2, THEIRS: 1}

EMAIL, WITHHELD, TERM, NAME, CASE, MARK = (letter * 16 for letter in (b"e", b"w", b"t", b"n", b"c", b"m"))
EARLIER, LATER = MOMENT - timedelta(hours=1), MOMENT + timedelta(days=1)

# What the rows hold where the type alone does not say enough. A list makes several rows of a table.
SEED: dict[str, list[dict[str, Any]]] = {
    "account": [{"status": "active", "digest_key": "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U=", "scopes": ["a"]}],
    "account_setting": [{"name": "interval_minutes", "value": 20}],
    "activity": [
        {"kind": "patient", "cliniko_id": "1", "hubspot_id": "501", "fields": ["phone"]},
        {"kind": "patient", "cliniko_id": "1", "hubspot_id": "501", "fields": [], "action": "unlinked"},
    ],
    "bill": [{"cliniko_id": "1", "patient_id": "1", "status": 20, "total": 12}],
    "connection": [
        {"status": "active", "cliniko_account_id": "77", "api_key": "key-au1", "access": {"patients": "ok"}}
    ],
    "connection_attempt": [{"state": "checking", "report": None}],
    "cursor": [{"list_name": "patients", "pass_no": 1, "done_cycle": 3}],
    "erased_person": [{"memory_hmac": MARK}],
    "hook_event": [
        {"mark": MARK, "state": "new", "object_id": "501", "merged_ids": []},
        {"mark": CASE, "state": "new", "object_id": "502", "merged_ids": [], "kind": "privacyDeletion"},
    ],
    "issue": [
        {"stream": "patients", "kind": "patient", "cliniko_id": "1", "cause": "refused", "state": "open"},
        {"stream": "contacts", "kind": "contact", "cliniko_id": "1", "cause": "refused", "state": "open"},
    ],
    "lease": [{"name": "patients", "owner": "me", "fence": 1, "expires_at": LATER}],
    "link": [
        {"kind": "patient", "cliniko_id": "1", "hubspot_id": "501", "state": "linked", "email_hmac": EMAIL},
        {"kind": "patient", "cliniko_id": "2", "hubspot_id": None, "state": "reserved", "withheld_hmac": WITHHELD},
        {
            "kind": "individual_appointment",
            "cliniko_id": "1",
            "hubspot_id": "901",
            "state": "waiting",
            "patient_id": "1",
            "contact_id": "502",
            "rule": "held",
        },
        {"kind": "invoice", "cliniko_id": "1", "hubspot_id": "902", "state": "linked", "patient_id": "1"},
    ],
    "never_match": [{"cliniko_hmac": MARK, "hubspot_hmac": NAME}],
    "person": [
        {"kind": "patient", "cliniko_id": "1", "email_hmac": EMAIL, "merged_into": None},
        {"kind": "patient", "cliniko_id": "2", "email_hmac": EMAIL, "merged_into": "1"},
    ],
    "person_term": [{"kind": "patient", "cliniko_id": "1", "term": TERM}],
    "proof": [{"report": {"patients": 2}, "finished_at": None}, {"report": {"patients": 1}}],
    "push_intent": [
        {"kind": "patient", "hubspot_id": "501", "person_hmac": MARK, "state": "open", "created_at": EARLIER}
    ],
    "push_request": [
        {"what": "patient", "hubspot_id": "501", "state": "open", "retry_at": EARLIER, "key": "a click"},
        {
            "what": "sync",
            "hubspot_id": "502",
            "state": "done",
            "finished_at": LATER,
            "options": {"seen": EARLIER.isoformat()},
            "key": None,
            "outcome": {"status": "Synced", "message": "Done.", "remedy": None, "failed": False},
        },
    ],
    "referral": [{"patient_id": "1"}],
    "review": [
        {"kind": "patient", "cliniko_id": "1", "hubspot_id": "501", "cause": "shared_email", "state": "open"},
        {"kind": "patient", "cliniko_id": "2", "hubspot_id": "502", "cause": "shared_email", "state": "linked"},
    ],
    "run": [{"stream": "patients", "cycle_no": 1, "counts": {"read": 5}}],
    # A token is one account's alone: it is random, and the table holds it once.
    "signin_link": [{"key": "a click", "token_hash": None, "expires_at": LATER, "used_at": None}],
    "stream_state": [
        {
            "stream": "patients",
            "state": "running",
            "finished_at": None,
            "counts": {"read": 5},
            "failures": 2,
            "reread": True,
        },
        {"stream": "contacts", "state": "idle", "cause": None},
    ],
    "visit": [
        {"kind": "individual_appointment", "cliniko_id": "1", "patient_id": "1", "case_id": "3", "status": "booked"},
        {"kind": "individual_appointment", "cliniko_id": "2", "patient_id": "1", "case_id": "3", "status": "booked"},
        {"kind": "attendee", "cliniko_id": "5", "patient_id": "1", "booking_id": "4", "status": "booked"},
    ],
    "visit_summary": [{"patient_id": "1", "due_at": EARLIER, "contact_id": "501"}],
    "work_item": [{"kind": "patient", "cliniko_id": "2", "due_at": EARLIER}],
}


def seed(hub_id: int) -> None:
    """Rows of one account in every table; the caller commits."""
    number = NUMBERS[hub_id]
    for table in Base.metadata.sorted_tables:
        made = []
        for place, values in enumerate(SEED.get(table.name, [{}])):
            values = {"hub_id": hub_id, "connection_id": number, **values}
            if "token_hash" in values:
                values["token_hash"] = str(hub_id).encode()
            if "id" in table.c:
                text = isinstance(table.c.id.type, sa.String)
                values["id"] = f"attempt-{hub_id}" if text else number + 2 * place
            made.append(row(table, **values))
        db.session.execute(table.insert(), made)


def rows_of(hub_id: int) -> dict[str, list[dict[str, Any]]]:
    """All that is stored of one account."""
    found = {}
    for table in Base.metadata.sorted_tables:
        query = sa.select(table).where(table.c.hub_id == hub_id).order_by(*table.primary_key.columns)
        found[table.name] = sorted((plain(dict(one._mapping)) for one in db.session.execute(query)), key=without_chance)
    db.session.rollback()
    return found


def without_chance(value: Any) -> str:
    """A new attempt has a random name."""
    return UUID.sub("a-random-name", repr(value))


def plain(value: Any) -> Any:
    """A result as plain values that can be compared."""
    if isinstance(value, Base):
        return {"a": type(value).__name__, **{c.name: plain(getattr(value, c.name)) for c in value.__table__.columns}}
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {plain_key(key): plain(one) for key, one in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, list | tuple | Iterator):
        return [plain(one) for one in value]
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    return value


def plain_key(key: Any) -> Any:
    return key if isinstance(key, str) else repr(key)
