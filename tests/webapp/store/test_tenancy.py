"""No function of the store reads or changes anything of another account.

Every function is run twice: beside an account that holds the very same ids, and without it. What it returns, and what
it leaves behind of its own account, must be the same, and the other account's rows must not have changed.
"""

import importlib
import inspect
import pkgutil
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine

import webapp.store
from tests.support.engines import settings_for
from tests.support.rows import MOMENT, row
from tests.webapp.store import twins
from tests.webapp.store.twins import EMAIL, LATER, MARK, NAME, NUMBERS, OURS, TERM, THEIRS, WITHHELD, without_chance
from webapp import create_app
from webapp.extensions import db
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


def store_functions() -> dict[str, Callable[..., Any]]:
    """`module.function` of every public function of the store."""
    found = {}
    for module_info in pkgutil.iter_modules(webapp.store.__path__):
        module = importlib.import_module(f"webapp.store.{module_info.name}")
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_"):
                found[f"{module_info.name}.{name}"] = value
    return found


FUNCTIONS = store_functions()
OF_ONE = sorted(set(FUNCTIONS) - set(OVER_ALL))


def arguments(name: str) -> dict[str, Any]:
    special = SPECIAL[name]() if name in SPECIAL else {}
    made = {}
    for parameter in inspect.signature(FUNCTIONS[name]).parameters.values():
        if parameter.name in special:
            made[parameter.name] = special[parameter.name]
        elif parameter.default is inspect.Parameter.empty:
            assert parameter.name in ARGUMENTS, f"{name}: say in ARGUMENTS or SPECIAL what `{parameter.name}` is"
            made[parameter.name] = ARGUMENTS[parameter.name]
    return made


@dataclass
class World:
    """An application on a database that can be put back to how it was."""

    app: Any
    path: Any
    kept: Any
    ours: Any = None
    theirs: Any = None

    def fresh(self) -> None:
        db.session.remove()
        db.engine.dispose()
        for leftover in self.path.parent.glob(f"{self.path.name}-*"):
            leftover.unlink()
        shutil.copy(self.kept, self.path)


def world(engines, folder, name: str, hub_ids: tuple[int, ...]) -> Iterator[World]:
    path, kept = folder / f"{name}.db", folder / f"{name}.kept"
    with engines.database("sqlite") as url:
        shutil.copy(url.removeprefix("sqlite:///"), path)
    app = create_app(settings_for(f"sqlite:///{path}", "redis://127.0.0.1:1", folder))
    with app.app_context():
        for hub_id in hub_ids:
            twins.seed(hub_id)
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
        shutil.copy(path, kept)
        made = World(app, path, kept, twins.rows_of(OURS), twins.rows_of(THEIRS))
    yield made
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def together(engines, tmp_path_factory):
    yield from world(engines, tmp_path_factory.mktemp("together"), "together", (THEIRS, OURS))


@pytest.fixture(scope="module")
def alone(engines, tmp_path_factory):
    yield from world(engines, tmp_path_factory.mktemp("alone"), "alone", (OURS,))


@dataclass(frozen=True)
class Outcome:
    """What a call returned, and what it left in the database."""

    result: Any
    ours: Any
    theirs: Any


def call(place: World, name: str, **changed: Any) -> Outcome:
    with place.app.app_context(), time_machine.travel(MOMENT, tick=False):
        place.fresh()
        result = twins.plain(FUNCTIONS[name](**{**arguments(name), **changed}))
        db.session.commit()
        outcome = Outcome(result, twins.rows_of(OURS), twins.rows_of(THEIRS) if any(place.theirs.values()) else None)
        db.session.remove()
    return outcome


def test_every_function_is_known():
    assert set(OVER_ALL) <= set(FUNCTIONS), "these are gone"
    assert set(SPECIAL) <= set(OF_ONE), "these are gone"
    tenant = {"hub_id", "connection_id", "hub_ids", "lease", "account", "rows", "people"}
    silent = [name for name in OF_ONE if not tenant & set(inspect.signature(FUNCTIONS[name]).parameters)]
    assert silent == [], "name their account, or say in OVER_ALL why they have none"


def test_every_table_belongs_to_accounts_and_holds_rows_of_both(together):
    assert set(twins.SEED) == set(Base.metadata.tables)
    with together.app.app_context():
        together.fresh()
        for hub_id in (OURS, THEIRS):
            assert all(twins.rows_of(hub_id).values())


@pytest.mark.parametrize("name", OF_ONE)
def test_nothing_of_another_account_is_read_or_changed(together, alone, name):
    beside, without = call(together, name), call(alone, name)
    assert beside.theirs == together.theirs
    assert without_chance(beside.result) == without_chance(without.result)
    assert without_chance(beside.ours) == without_chance(without.ours)
    assert str(THEIRS) not in repr(beside.result)
    # Otherwise the call did nothing at all, and the comparison says nothing.
    if not beside.result and beside.ours == together.ours:
        pytest.fail(f"{name} found nothing: give it arguments that do")


@pytest.mark.parametrize(
    "name", [name for name in OF_ONE if set(NUMBERED) & set(inspect.signature(FUNCTIONS[name]).parameters)]
)
def test_the_number_of_another_accounts_row_is_as_good_as_none(together, name):
    foreign = {
        parameter: NUMBERED[parameter]
        for parameter in inspect.signature(FUNCTIONS[name]).parameters
        if parameter in NUMBERED
    }
    outcome = call(together, name, **foreign)
    assert not outcome.result
    assert (outcome.ours, outcome.theirs) == (together.ours, together.theirs)


def test_a_missing_account_in_a_query_would_be_seen(together, alone, monkeypatch):
    """The comparison bites: this one counts over all accounts."""
    from webapp.store.models_sync import Issue

    def careless(hub_id: int) -> int:
        return db.session.query(Issue).count()

    monkeypatch.setitem(FUNCTIONS, "issues.count_open", careless)
    assert call(together, "issues.count_open").result != call(alone, "issues.count_open").result


def test_monitoring_totals_name_no_account(together):
    with together.app.app_context():
        together.fresh()
        text = repr(FUNCTIONS["stats.snapshot"]())
        db.session.remove()
    assert str(OURS) not in text and str(THEIRS) not in text
