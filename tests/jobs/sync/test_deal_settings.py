"""Every setting that concerns deals, turned on an account in sync: what is written again, and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.jobs.sync.practice import DAY, HOUR, Practice, text
from webapp.clock import now
from webapp.sandbox.cliniko import actions
from webapp.store import issues
from webapp.store.settings import PARSERS, get_settings

# Calls to HubSpot that write deals, and those that write contacts.
DEALS, CONTACTS = "deals/batch/update", "contacts/batch/update"


@dataclass
class Small:
    """A practice with two appointments and a place in a class, two invoices, a case and prices, in sync."""

    practice: Practice
    ana: str
    visits: list[str]
    seat: str
    bills: list[str]

    def turn(self, name: str, value: object) -> Mapping[str, int]:
        """Change a setting, run the following cycle, and count calls by what they were for."""
        clinic = self.practice.clinic
        clinic.clear_calls()
        clinic.set(name, value)
        self.practice.sync()
        found = {what: len(clinic.hubspot_calls(what)) for what in (DEALS, CONTACTS)}
        by_id = [call for call in clinic.cliniko.calls.items if "%3D" in call.query and "%3E%3D" not in call.query]
        found |= {"writes": len(clinic.hubspot_writes()), "by_id": len(by_id)}
        clinic.clear_calls()
        self.practice.sync()
        assert self.practice.at_hubspot() == [], "the cycle after that writes nothing more"
        return found

    def all(self, name: str) -> list[str | None]:
        """A property of the five deals."""
        kinds = [*((v, "individual_appointment") for v in self.visits), (self.seat, "attendee")]
        kinds += [(bill, "invoice") for bill in self.bills]
        return [(self.practice.deal(record, kind) or {}).get(name) for record, kind in kinds]


@pytest.fixture
def small(clinic) -> Small:
    practice = Practice(clinic)
    practice.price("100.0", "10.0")
    ana = practice.patient("Anastasia", preferred_first_name="Ana")
    case = practice.case(ana)
    visits = [practice.appointment(ana, now() + DAY, case), practice.appointment(ana, now() - HOUR, case)]
    lesson = practice.lesson_at(now() + 2 * DAY, ana)
    bills = [practice.invoice(ana, number=n) for n in (7, 8)]
    made = Small(practice, ana, visits, practice.attendees(lesson)[0], bills)
    practice.sync()
    practice.sync()
    return made


def test_use_preferred_first_name(small):
    cost = small.turn("use_preferred_first_name", "on")
    assert all("| Ana Ruiz" in (name or "") for name in small.all("dealname"))
    contact = small.practice.clinic.contact_of(small.ana)
    assert contact is not None and contact["firstname"] == "Ana"
    assert cost == {DEALS: 3, CONTACTS: 1, "writes": 4, "by_id": 5}
    small.turn("use_preferred_first_name", "off")
    assert all("| Anastasia Ruiz" in (name or "") for name in small.all("dealname"))


def test_individual_appointments_days_forward(small):
    far = small.practice.appointment(small.ana, now() + 50 * DAY)
    cost = small.turn("individual_appointments_days_forward", 60)
    assert small.practice.stage(far) == "booked"
    assert (cost[DEALS], len(small.practice.clinic.deals())) == (0, 6)
    small.turn("individual_appointments_days_forward", 10)
    assert len(small.practice.clinic.deals()) == 6


def test_amounts_and_prices_that_include_tax(small):
    assert small.all("amount") == [None, None, None, "110.00", "110.00"]
    cost = small.turn("add_amount_to_appointments", "on")
    assert small.all("amount") == ["110.00", "110.00", None, "110.00", "110.00"], "no price, no amount"
    assert (cost[DEALS], cost["writes"]) == (1, 1)
    small.turn("prices_include_tax", "on")
    assert small.all("amount")[:3] == ["100.00", "100.00", None]
    small.turn("prices_include_tax", "off")
    small.practice.edit("patients", small.ana, concession_type_id=_concession(small.practice, "60.0"))
    small.practice.sync()
    small.practice.sync()
    assert small.all("amount")[:3] == ["110.00", "110.00", None], "the list of reduced prices is an hour old at most"
    cost = small.turn("add_amount_to_appointments", "off")
    assert small.all("amount") == [None, None, None, "110.00", "110.00"]
    assert cost[DEALS] == 1


def _concession(practice: Practice, price: str) -> str:
    kind = practice.put("concession_types", name="Student")
    item = next(iter(practice.account.tables["billable_items"].values()))["id"]
    practice.put("concession_prices", billable_item_id=item, concession_type_id=kind, price=price)
    return kind


def test_a_patient_who_gets_a_concession_pays_another_price(small):
    student = _concession(small.practice, "60.0")
    small.turn("add_amount_to_appointments", "on")
    small.practice.edit("patients", small.ana, concession_type_id=student)
    small.practice.sync()
    assert small.all("amount")[:3] == ["66.00", "66.00", None]
    assert small.practice.clinic.contact_of(small.ana) is not None


def test_deal_owners_and_the_map_made_by_hand(small):
    boss = small.practice.portal.add_owner("boss@clinic.example", "Bo", "Ss")
    mine = small.practice.owner
    small.practice.clinic.set("invoice_deal_owner", "none")
    small.practice.sync()
    cost = small.turn("practitioner_owners", {small.practice.practitioner: boss})
    # The list of owners is read once an hour: this one came later, and is not given deals unseen.
    assert small.all("hubspot_owner_id") == [mine] * 5
    assert (cost[DEALS], cost["writes"]) == (0, 0)
    small.turn("practitioner_owners", {small.practice.practitioner: small.practice.portal_user})
    assert small.all("hubspot_owner_id") == [small.practice.portal_user] * 3 + [mine] * 2
    cost = small.turn("appointment_deal_owner", mine)
    assert small.all("hubspot_owner_id") == [mine] * 5
    assert cost[DEALS] == 2, "individual appointments and places in classes are read apart"
    cost = small.turn("invoice_deal_owner", small.practice.portal_user)
    assert small.all("hubspot_owner_id") == [mine] * 3 + [small.practice.portal_user] * 2
    assert (cost[DEALS], cost["writes"]) == (1, 1)


def test_include_appointment_type_also_in_the_summary(small):
    cost = small.turn("include_appointment_type", "off")
    names = small.all("dealname")
    assert all((name or "").startswith("Appointment | ") for name in names[:3])
    assert small.all("cliniko_appointment_type") == [None] * 5
    contact = small.practice.clinic.contact_of(small.ana)
    assert contact is not None
    assert "cliniko_next_appointment_type" not in contact and "cliniko_last_appointment_type" not in contact
    assert "cliniko_next_appointment_at" in contact
    assert cost == {DEALS: 2, CONTACTS: 1, "writes": 3, "by_id": 5}
    small.turn("include_appointment_type", "on")
    contact = small.practice.clinic.contact_of(small.ana)
    assert contact is not None and contact["cliniko_next_appointment_type"] == "Massage"
    assert (small.all("dealname")[0] or "").startswith("Massage | ")


def test_the_type_leaves_the_summary_also_where_only_invoices_run(small):
    small.practice.clinic.set("sync_appointments", "off")
    small.turn("include_appointment_type", "off")
    contact = small.practice.clinic.contact_of(small.ana)
    assert contact is not None and "cliniko_next_appointment_type" not in contact


def test_include_case_name(small):
    assert small.all("cliniko_case_name") == ["Knee", "Knee", None, None, None]
    cost = small.turn("include_case_name", "off")
    assert small.all("cliniko_case_name") == [None] * 5
    assert (cost[DEALS], cost["writes"]) == (1, 1)
    assert small.all("cliniko_case_max_sessions")[:2] == ["10", "10"]
    small.turn("include_case_name", "on")
    assert small.all("cliniko_case_name")[:2] == ["Knee", "Knee"]


def test_invoice_days_back(small):
    old = small.practice.invoice(small.ana, issue_date=(now() - 400 * DAY).date().isoformat())
    cost = small.turn("invoice_days_back", 500)
    assert small.practice.stage(old, "invoice") == "open"
    assert cost[DEALS] == 0
    small.turn("invoice_days_back", 30)
    assert len(small.practice.clinic.deals()) == 6


def test_deal_currency_and_one_that_the_account_does_not_have(small):
    assert small.all("deal_currency_code") == ["AUD"] * 5
    cost = small.turn("deal_currency", "NZD")
    assert small.all("deal_currency_code") == ["NZD"] * 5
    assert cost[DEALS] == 3
    small.practice.clinic.set("deal_currency", "XYZ")
    for visit in small.visits:
        actions.cancel(small.practice.account, "individual_appointments", visit)
    new = small.practice.invoice(small.ana, created_at=text(now()))
    small.practice.sync()
    assert small.practice.stage(new, "invoice") == "open"
    assert [small.practice.stage(visit) for visit in small.visits] == ["cancelled"] * 2
    found = issues.list_issues(small.practice.clinic.hub_id)
    assert [(i.kind, i.cliniko_id, i.cause) for i in found] == [("deal_currency", "XYZ", "currency_refused")]
    small.practice.clinic.clear_calls()
    small.practice.sync()
    assert small.practice.written() == [], "it is not tried with every deal"
    options = small.practice.portal.schema["deals"].properties["deal_currency_code"]["options"]
    options.append({**options[0], "label": "XYZ", "value": "XYZ"})
    issues.retry_now(small.practice.clinic.hub_id)
    actions.set_invoice(small.practice.account, new, 20)
    small.practice.sync()
    small.practice.sync()
    assert issues.count_open(small.practice.clinic.hub_id) == {}
    assert {deal["deal_currency_code"] for deal in small.practice.clinic.deals().values()} == {"XYZ"}


def test_streams_that_are_switched_off_and_on(small):
    practice = small.practice
    practice.clinic.set("sync_invoices", "off")
    for visit in small.visits:
        practice.arrive(visit, True)
    actions.set_invoice(practice.account, small.bills[0], 20)
    practice.clinic.clear_calls()
    practice.sync()
    assert practice.stage(small.visits[0]) == "arrived"
    assert practice.stage(small.bills[0], "invoice") == "open"
    assert practice.clinic.cliniko_calls("/invoices") == []
    contact = practice.clinic.contact_of(small.ana)
    assert contact is not None and "cliniko_lifetime_value" not in contact, "what is not followed is not shown"
    practice.clinic.set("sync_invoices", "on")
    practice.sync()
    assert practice.stage(small.bills[0], "invoice") == "paid"
    contact = practice.clinic.contact_of(small.ana)
    assert contact is not None and contact["cliniko_lifetime_value"] == "110.00"


def test_every_setting_about_deals_is_here(small):
    """Those that other tests turn are named, so that a new one is missed."""
    elsewhere = {
        *("interval_minutes", "sync_patients", "sync_contacts", "hold_doubtful_matches", "match_by_phone"),
        *("recreate_deleted_contacts", "push_enabled", "alert_email", "alert_webhook", "retention_days"),
        *("appointment_pipeline", "appointment_stages", "invoice_pipeline", "invoice_stages"),  # test_deal_life
    }
    here = {
        *("use_preferred_first_name", "individual_appointments_days_forward", "add_amount_to_appointments"),
        *("prices_include_tax", "appointment_deal_owner", "invoice_deal_owner", "practitioner_owners"),
        *("include_appointment_type", "include_case_name", "invoice_days_back", "deal_currency"),
        *("sync_appointments", "sync_invoices"),
    }
    assert set(PARSERS) == here | elsewhere
    assert get_settings(small.practice.clinic.hub_id).deal_currency is None
