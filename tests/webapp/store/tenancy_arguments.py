"""What test_tenancy calls the functions of the store with. A new function needs an entry only where the names of its
parameters do not say enough."""

import importlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.support.rows import MOMENT, row
from tests.webapp.store import twins
from tests.webapp.store.twins import EMAIL, LATER, MARK, NAME, NUMBERS, OURS, TERM, THEIRS, WITHHELD
from webapp.store import accounts
from webapp.store.base import Base
from webapp.store.leases import HeldLease

CONNECTION = NUMBERS[OURS]

# Arguments by the name of the parameter; a parameter with a default and no entry here keeps its default.
ARGUMENTS: dict[str, Any] = {
    "hub_id": OURS,
    "hub_ids": [OURS],
    "connection_id": CONNECTION,
    "kind": "patient",
    "kinds": ["individual_appointment", "attendee"],
    "cliniko_id": "1",
    "cliniko_ids": ["1", "2", "3"],
    "patient_id": "1",
    "survivor": "509",
    "patient_ids": ["1", "2"],
    "booking_id": "4",
    "booking_ids": ["4"],
    "case_ids": ["3"],
    "hubspot_id": "501",
    "hubspot_ids": ["501", "901"],
    "contacts": {"1": "501"},
    "stream": "patients",
    "streams": ["patients", "contacts"],
    "names": ["patients", "contacts"],
    "list_name": "patients",
    "name": "contacts",
    "owner": "me",
    "moment": MOMENT,
    "start": MOMENT - timedelta(days=1),
    "end": LATER,
    "until": LATER,
    "retry_at": LATER,
    "asked_at": LATER,
    "since": MOMENT,
    "key": "a click",
    "token_hash": MARK,
    "expires_at": LATER,
    "user_id": 77,
    "page": "review",
    "asked_by": "person 77",
    "records": {"patient": "1"},
    "limit": 10,
    "low": None,
    "high": None,
    "prefix": "pat",
    "birth": b"x" * 16,
    "last": b"x" * 16,
    "rules": ["held"],
    "fields": b"f",
    "due_at": LATER,
    "event_id": CONNECTION,
    "changes": [("patient", "1", LATER)],
    "cause": "refused",
    "causes": ["refused", "shared_email"],
    "reason": "asked",
    "counts": {"read": 3},
    "access": {"patients": "forbidden"},
    "report": {"contact_properties": ["a"]},
    "state": "refused",
    "status": "paused",
    "message": "no",
    "result": "sent",
    "actor": "a person",
    "what": "unlink",
    "decision": "separate",
    "decided_by": "a person",
    "access_token": "new access",
    "refresh_token": "new refresh",
    "token_expires_at": LATER,
    "scopes": ["b"],
    "api_key": "other-au1",
    "shard": "au1",
    "cliniko_account_id": "77",
    "cliniko_user_id": "5",
    "role": None,
    "account_name": "Ours",
    "subdomain": None,
    "country_code": "AU",
    "attempt_id": f"attempt-{OURS}",
    "review_id": CONNECTION,
    "request_id": CONNECTION,
    "event_ids": [CONNECTION],
    "hmacs": [EMAIL, WITHHELD],
    "emails": [EMAIL],
    "terms": [TERM],
    "cliniko_hmacs": [MARK],
    "memories": [MARK],
    "cliniko_hmac": MARK,
    "hubspot_hmac": NAME,
    "hubspot_hmacs": [NAME],
    "type_id": "8",
    "subcategory": "A friend",
    "digest": MARK,
    "person_hmac": NAME,
    "person_hmacs": [MARK],
    "lease": HeldLease(OURS, "patients", "me", 1),
    "values": {"status": "cancelled"},
    "items": [("patient", "2")],
}


def of(table: str, **values: Any) -> dict[str, Any]:
    """A row of ours for a table, without its number."""
    made = row(Base.metadata.tables[table], hub_id=OURS, connection_id=CONNECTION, **values)
    if table != "connection_attempt":
        made.pop("id", None)
    return made


# Functions that need something of their own.
SPECIAL: dict[str, Callable[[], dict[str, Any]]] = {
    "accounts.digest_key": lambda: {"account": accounts.get_account(OURS)},
    "activity.note": lambda: {
        "lines": [importlib.import_module("webapp.store.activity").Line("updated", "patient", "1", "501", ("phone",))]
    },
    "activity.search": lambda: {"record": "501"},
    "comparing.linked_deals": lambda: {"kind": "invoice", "after": None},
    "comparing.made_since": lambda: {"kind": "individual_appointment", "moment": twins.EARLIER},
    "comparing.visits_between": lambda: {"kind": "attendee"},
    "comparing.remove_visits": lambda: {"kind": "individual_appointment"},
    "comparing.work_due": lambda: {"kinds": ["patient"]},
    "erasing.remember": lambda: {"memories": [NAME]},
    "hooks.store": lambda: {"rows": [of("hook_event", mark=NAME, state="new")]},
    "issues.close_reviews_of_contact": lambda: {"cause": "shared_email"},
    "questions.asked_otherwise": lambda: {
        "rows": [{**of("review", kind="patient", cliniko_id="1", hubspot_id="501"), "cause": "email_withheld"}]
    },
    "issues.open_reviews": lambda: {"rows": [of("review", kind="patient", cliniko_id="3", hubspot_id="503")]},
    "ledger.reserve": lambda: {"rows": [reservation("3", "501"), reservation("4", "504")]},
    "ledger.put": lambda: {
        "rows": [
            {
                "hub_id": OURS,
                "connection_id": CONNECTION,
                "kind": "patient",
                "cliniko_id": "2",
                "state": "linked",
                "hubspot_id": "502",
            }
        ]
    },
    "card.last_outcome": lambda: {"hubspot_id": "502"},
    "card.deals_on": lambda: {"hubspot_id": "x"},
    "proofs.next_night": lambda: {"zone_name": "Australia/Melbourne", "after": MOMENT},
    "pushes.reopen": lambda: {"hubspot_ids": ["502"]},
    "pushes.seen_switch": lambda: {"what": "sync", "hubspot_ids": ["501", "502"]},
    "pushes.is_known": lambda: {"what": "patient", "asked_at": MOMENT},
    "pushes.is_open": lambda: {"what": "patient"},
    "pushes.ask_once": lambda: {"key": "another click"},
    "signins.make": lambda: {"key": "another click", "role": "staff"},
    "people.save": lambda: {
        "people": [of("person", kind="patient", cliniko_id="1", email_hmac=NAME)],
        "terms": {"1": [NAME]},
    },
    "people.save_referrals": lambda: {"rows": [of("referral", patient_id="1", type_id="8")]},
    "finding.with_email": lambda: {"mark": EMAIL},
    "finding.with_number": lambda: {"number": "1"},
    "finding.describe": lambda: {"records": [("patient", "1"), ("patient", "2")]},
    "finding.former_contacts": lambda: {"patient_ids": ["1"]},
    "reviews.take_back": lambda: {"decision": "open"},
    "settings.set_setting": lambda: {"name": "use_preferred_first_name", "raw": "on"},
    "summaries.written": lambda: {
        "rows": [
            {"patient_id": "1", "seen_at": None, "due_at": None, "contact_id": "502", "fields": b"f"},
        ],
    },
    "unlinks.follow_merge": lambda: {"old": [NAME], "new": TERM},
    "unlinks.remember": lambda: {"cliniko_hmac": NAME},
    "visits.save_visits": lambda: {"rows": [of("visit", kind="attendee", cliniko_id="5", status="arrived")]},
    "visits.keep_new_visits": lambda: {"rows": [of("visit", kind="attendee", cliniko_id="6", status="arrived")]},
    "visits.save_bills": lambda: {"rows": [of("bill", cliniko_id="1", status=30)]},
    "visits.by_id": lambda: {"kind": "individual_appointment"},
    "ledger.reread_pointing": lambda: {"column": "type_id", "ids": ["x"]},
    "summaries.touch_pointing": lambda: {"column": "type_id", "ids": ["x"]},
    "visits.follow_merges": lambda: {"survivors": {"1": "2"}},
    "streams.ensure_streams": lambda: {"streams": ["invoices"]},
    "stream_rows.add_rows": lambda: {"streams": ["invoices"]},
    "streams.next_slot": lambda: {"interval_minutes": 15, "after": MOMENT},
}

# Functions about all accounts together, or about none, and why that is right.
OVER_ALL = {
    "accounts.list_accounts": "the operator's list",
    "hooks.accounts_with_new": "the dispatcher looks for lost work; returns account ids only",
    "hooks.at_work": "a query that others narrow down; returns account ids only",
    "housekeeping.installed_accounts": "the daily job; returns account ids only",
    "housekeeping.accounts_to_purge": "the daily job; returns account ids only",
    "housekeeping.prune": "deletes by age, the same for every account",
    "issues.next_retry": "pure",
    "proofs.prune": "keeps the newest of every account",
    "proofs.unplanned": "the daily job; returns account ids only",
    "pushes.accounts_with_due": "the dispatcher; returns account ids only",
    "rotation.count": "re-encrypts everything that is stored",
    "rotation.encrypted_columns": "pure",
    "rotation.rotate": "re-encrypts everything that is stored",
    "settings.parse_setting": "pure",
    "sql.chunks": "pure",
    "signins.use": "the token itself says which account; nobody can guess one",
    "sql.insert_from": "a helper: its caller names the account",
    "sql.insert_new": "a helper: its row carries the account",
    "sql.table_of": "pure",
    "sql.upsert": "a helper: its rows carry the account",
    "stats.snapshot": "totals for monitoring, without any account",
    "streams.due_streams": "the dispatcher; returns account ids and streams only",
}

# Parameters that name a row by its number, which a page may have been given by a visitor.
NUMBERED: dict[str, Any] = {
    "attempt_id": f"attempt-{THEIRS}",
    "review_id": NUMBERS[THEIRS],
    "request_id": NUMBERS[THEIRS],
    "event_ids": [NUMBERS[THEIRS]],
    "event_id": NUMBERS[THEIRS],
    "issue_ids": [NUMBERS[THEIRS], NUMBERS[THEIRS] + 2],
}


def reservation(cliniko_id: str, hubspot_id: str) -> dict[str, Any]:
    return {
        "hub_id": OURS,
        "connection_id": CONNECTION,
        "kind": "patient",
        "cliniko_id": cliniko_id,
        "hubspot_id": hubspot_id,
        "rule": "email",
        "shared_email": False,
        "cliniko_updated_at": MOMENT,
    }
