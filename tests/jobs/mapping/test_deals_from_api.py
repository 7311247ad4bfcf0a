"""From Cliniko's JSON to HubSpot's values: every documented answer reads and maps, nothing unlisted gets through."""

import json
import timeit
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import fields

from jobs.mapping.amount import PriceList, appointment_amount
from jobs.mapping.appointment import map_appointment, map_attendee
from jobs.mapping.case import case_values
from jobs.mapping.invoice import map_invoice, paid_amount
from jobs.mapping.records_deals import InvoiceFacts, VisitFacts
from webapp.clients.cliniko.decode import read, read_all
from webapp.clients.cliniko.records_deals import (
    AppointmentType,
    AppointmentTypeBillableItem,
    Attendee,
    BillableItem,
    Booking,
    ConcessionPrice,
    GroupAppointment,
    IndividualAppointment,
    Invoice,
    PatientCase,
    Tax,
)

from .makers_deals import CONTEXT, attendee, group, link

EXAMPLES = Path(__file__).parents[4] / "shared" / "facts" / "cliniko-examples"
SECRET = "CLINICAL-SECRET"

KINDS = {
    "individual_appointments": IndividualAppointment,
    "group_appointments": GroupAppointment,
    "attendees": Attendee,
    "bookings": Booking,
    "invoices": Invoice,
    "appointment_types": AppointmentType,
    "appointment_type_billable_items": AppointmentTypeBillableItem,
    "billable_items": BillableItem,
    "taxes": Tax,
    "concession_prices": ConcessionPrice,
    "patient_cases": PatientCase,
}
# What the vendor's description lists and we do not read. What is read of a booking's address is whether there is one.
UNLISTED = (
    "appointment_type_name",
    "booking_ip_address",
    "cancellation_note",
    "cancellation_url",
    "category",
    "code",
    "contact",
    "deposit_price",
    "description",
    "email_reminder_sent",
    "has_patient_appointment_notes",
    "invoice_items",
    "invoice_status",
    "invoice_to",
    "notes",
    "online_payment_url",
    "patient_attachments",
    "patient_extra_information",
    "patient_forms",
    "patient_name",
    "referral_type",
    "repeat_rule",
    "repeated_from",
    "repeats",
    "sms_reminder_sent",
    "telehealth_url",
    "treatment_note_status",
    "something_new",
)
FACTS = VisitFacts("Joe Monahan", "Initial", time_zone="Australia/Melbourne")
STARTS = {"id": "1", "starts_at": "2016-07-21T03:45:00Z"}


def mapped(record):
    """Everything that mapping makes of one record, whatever its kind."""
    if isinstance(record, IndividualAppointment):
        return map_appointment(record, None, facts=FACTS, context=CONTEXT)
    if isinstance(record, GroupAppointment):
        return map_attendee(attendee(), record, facts=FACTS, context=CONTEXT)
    if isinstance(record, Attendee):
        return map_attendee(record, group(), facts=FACTS, context=CONTEXT)
    if isinstance(record, Invoice):
        return map_invoice(record, facts=InvoiceFacts("Joe Monahan"), context=CONTEXT), paid_amount(record)
    if isinstance(record, PatientCase):
        return case_values(record.id, record, 1, include_name=True)
    if isinstance(record, BillableItem):
        prices = PriceList({"1": record}, {}, {})
        return appointment_amount(
            [], single_item_id="1", concession_type_id=None, prices=prices, prices_include_tax=False
        )
    return None


def payloads(name):
    """Every record of a kind in the documented answers: single ones, lists, in the present and the older form."""
    found = []
    for file in (EXAMPLES / f"{name}.json", EXAMPLES / f"{name}.list.json", EXAMPLES / "documented" / f"{name}.json"):
        if not file.exists():
            continue
        content = json.loads(file.read_text())
        for part in content if isinstance(content, list) else [content]:
            found += part.get(name, [part])
    return [record for record in found if "id" in record]


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the documented answers are not beside this checkout")
@pytest.mark.parametrize("name", KINDS)
def test_every_documented_answer_reads_and_maps(name):
    raw = payloads(name)
    assert raw
    records, bad = read_all(KINDS[name], raw)
    assert bad == []
    assert [record.id for record in records] == [str(one["id"]) for one in raw]
    for record in records:
        for result in mapped(record) if isinstance(record, Invoice) else (mapped(record),):
            assert getattr(result, "problems", ()) == ()


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the documented answers are not beside this checkout")
def test_documented_answers_mean_what_they_say():
    old, paid = (read(Invoice, one) for one in payloads("invoices")[-2:])
    assert map_invoice(old, facts=InvoiceFacts(), context=CONTEXT).values["cliniko_invoice_removed"] == "true"
    assert paid_amount(paid) == Decimal("2367.18")
    assert (paid.appointment_id, paid.practitioner_id, paid.patient_id) == (None, None, "380")
    kinds = {read(Booking, one).id: read(Booking, one).kind for one in payloads("bookings")}
    assert kinds == {"1011": "group", "1010": "block", "1009": "individual", "1": "group"}
    assert read(PatientCase, payloads("patient_cases")[0]).attendee_ids[-1] == "555655906260419766"
    assert read(AppointmentType, payloads("appointment_types")[-1]).billable_item_id is None


def unlisted(kind):
    read_names = {field.encode_name for field in fields(kind)} - {"booking_ip_address"}
    names = set(UNLISTED)
    schema = EXAMPLES / "_schema_2023_10.json"
    if schema.exists():
        names |= {name for resource in json.loads(schema.read_text()).values() for name in resource.get("fields", {})}
    return names - read_names


@pytest.mark.parametrize("kind", KINDS.values())
def test_unlisted_fields_leave_no_trace(kind):
    marks = dict.fromkeys(unlisted(kind), SECRET)
    record = read(kind, {**STARTS, **marks})
    assert SECRET not in repr(record)
    assert SECRET not in repr(mapped(record))


@pytest.mark.parametrize("kind", [IndividualAppointment, Attendee])
def test_links_carry_nothing_but_an_id(kind):
    raw = {name: {**link(f"{name}s/1"), "name": SECRET} for name in ("patient", "patient_case", "practitioner")}
    result = mapped(read(kind, {**STARTS, **raw}))
    assert SECRET not in repr(result)
    assert result.values["cliniko_case_id"] == "1"


@pytest.mark.parametrize("kind", KINDS.values())
def test_a_record_with_nothing_but_an_id(kind):
    record = read(kind, {"id": 1})
    assert record.id == "1"
    mapped(record)


@pytest.mark.parametrize("kind", [IndividualAppointment, GroupAppointment, Attendee, Invoice])
@pytest.mark.parametrize(
    "nothing",
    [None, {}, {"links": None}, {"links": {}}, {"links": {"self": ""}}, link("patients/1/invoices?page=1"), "x", 7, []],
)
def test_a_link_to_nothing(kind, nothing):
    names = [name for name in dir(kind) if name.endswith("_id")]
    record = read(kind, {"id": "1", **dict.fromkeys((name.removesuffix("_id") for name in names), nothing)})
    assert names
    assert {getattr(record, name) for name in names} == {None}
    mapped(record)


@pytest.mark.parametrize("path", ["appointments", "bookings", "individual_appointments", "group_appointments"])
def test_one_appointment_by_any_path(path):
    assert read(Invoice, {"id": "1", "appointment": link(f"{path}/70644")}).appointment_id == "70644"
    assert read(Attendee, {"id": "1", "booking": link(f"{path}/70644")}).booking_id == "70644"


def test_a_link_to_another_kind_of_record_is_not_an_appointment():
    assert read(Invoice, {"id": "1", "appointment": link("attendees/5")}).appointment_id is None


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"patient": link("patients/7")}, "individual"),
        ({"attendees": link("individual_appointments/1/attendees")}, "individual"),
        ({"max_attendees": 1}, "group"),
        ({"attendees": link("group_appointments/1/attendees")}, "group"),
        ({"attendees": None, "max_attendees": None}, "block"),
        ({}, "block"),
    ],
)
def test_kinds_of_bookings(raw, kind):
    assert read(Booking, {"id": "1", **raw}).kind == kind


@pytest.mark.parametrize(("value", "amount"), [("10.0", "10.0"), (10, "10"), (10.5, "10.5"), ("", None), (None, None)])
def test_decimals_as_text_or_number(value, amount):
    expected = None if amount is None else Decimal(amount)
    assert read(Tax, {"id": "1", "rate": value}).rate == expected
    assert read(BillableItem, {"id": "1", "price": value}).price == expected
    assert read(AppointmentTypeBillableItem, {"id": "1", "quantity": value}).quantity == expected


def test_a_number_that_is_none_costs_only_its_record():
    records, bad = read_all(Tax, [{"id": "1", "rate": "ten"}, {"id": "2", "rate": "10.0"}])
    assert ([one.id for one in records], bad) == (["2"], [("1", "Tax: unexpected value in rate")])


@pytest.mark.parametrize("arrived", [True, False, None])
def test_arrival_has_three_values(arrived):
    assert read(Attendee, {"id": "1", "arrived": arrived}).arrived is arrived


@pytest.mark.parametrize(
    ("listed", "ids"),
    [(["5", "6"], ("5", "6")), ([5, 6], ("5", "6")), ([], ()), (None, ()), ([True, None, "x"], ()), ("5", ())],
)
def test_attendees_of_a_case(listed, ids):
    assert read(PatientCase, {"id": "1", "attendee_ids": listed}).attendee_ids == ids


def test_reading_and_mapping_are_cheap():
    """The product allows a millisecond per record in all; reading and mapping take a fraction of it."""
    raw = {**STARTS, "patient": link("patients/1"), "patient_arrived": True, "practitioner": link("practitioners/1")}
    facts = VisitFacts("Joe", "Initial", "R", "r@example.com", "B", "Australia/Melbourne", case=SimpleNamespace(
        id="1", name="Knee", issue_date="2021-02-18", expiry_date=None, closed=False, closed_at=None, max_sessions=3,
        max_invoiceable_amount="10", referral=True))  # fmt: skip

    def once():
        return map_appointment(read(IndividualAppointment, raw), None, facts=facts, context=CONTEXT)

    assert min(timeit.repeat(once, number=50, repeat=5)) / 50 < 0.000_5
