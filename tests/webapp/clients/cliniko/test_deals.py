"""Lists behind deals, over a real connection: what is asked for, and what comes back."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from tests.support.http_stub import Reply
from webapp.clients.cliniko import filters
from webapp.clients.cliniko import resources_deals as lists

LISTS = {
    "individual_appointments": lists.list_individual_appointments,
    "group_appointments": lists.list_group_appointments,
    "attendees": lists.list_attendees,
    "bookings": lists.list_bookings,
    "invoices": lists.list_invoices,
    "appointment_types": lists.list_appointment_types,
    "appointment_type_billable_items": lists.list_appointment_type_billable_items,
    "billable_items": lists.list_billable_items,
    "taxes": lists.list_taxes,
    "concession_prices": lists.list_concession_prices,
    "patient_cases": lists.list_patient_cases,
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_asked_for_and_read(cliniko, stub, name):
    stub.answer(
        Reply(
            json={
                name: [{"id": 7}, {"id": "8", "updated_at": "2026-01-01T00:00:00Z"}, {"id": "9", "updated_at": "soon"}],
                "total_entries": 3,
                "links": {"next": f"{stub.url}/v1/{name}?page=3"},
            }
        )
    )
    page = LISTS[name](cliniko, q=[filters.reveal("archived_at"), filters.after_id("5")], page=2, per_page=3)
    assert [record.id for record in page.records] == ["7", "8"]
    assert page.records[1].updated_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert [bad_id for bad_id, _ in page.bad] == ["9"]
    assert (page.next_page, page.total) == (3, 3)
    asked = stub.seen[0]
    assert (asked.method, asked.path) == ("GET", f"/v1/{name}")
    assert asked.query == [
        ("page", "2"),
        ("per_page", "3"),
        ("sort", "id"),
        ("q[]", "archived_at:*"),
        ("q[]", "id:>5"),
    ]


def test_every_list_says_what_hides_its_records():
    assert lists.HIDDEN_BY.keys() == LISTS.keys()


MOMENT = datetime(2014, 8, 30, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (filters.before("starts_at", MOMENT), "starts_at:<2014-08-30T18:00:00Z"),
        (filters.before("starts_at", MOMENT + timedelta(microseconds=1)), "starts_at:<2014-08-30T18:00:01Z"),
        (
            filters.before("starts_at", MOMENT.astimezone(timezone(timedelta(hours=10)))),
            "starts_at:<2014-08-30T18:00:00Z",
        ),
        (
            filters.between("starts_at", MOMENT + timedelta(microseconds=1), MOMENT + timedelta(days=1)),
            ("starts_at:>=2014-08-30T18:00:00Z", "starts_at:<2014-08-31T18:00:00Z"),
        ),
        (filters.on_or_after("issue_date", date(2014, 8, 30)), "issue_date:>=2014-08-30"),
        (filters.on_or_before("issue_date", date(2014, 8, 30)), "issue_date:<=2014-08-30"),
        (
            filters.days("issue_date", date(2014, 8, 30), date(2014, 9, 1)),
            ("issue_date:>=2014-08-30", "issue_date:<=2014-09-01"),
        ),
        (filters.id_in(["1", "22"], "booking_id"), "booking_id:=1,22"),
    ],
)
def test_conditions(condition, text):
    assert condition == text


def test_conditions_that_cannot_be_meant():
    naive = MOMENT.replace(tzinfo=None)
    for call in (
        lambda: filters.before("starts_at", naive),
        lambda: filters.between("starts_at", naive, MOMENT),
        lambda: filters.on_or_after("issue_date", MOMENT),
        lambda: filters.id_in([], "booking_id"),
        lambda: filters.id_in([str(number) for number in range(51)], "booking_id"),
        lambda: filters.id_in(["1 or 2"], "booking_id"),
    ):
        with pytest.raises(ValueError, match=r"zone|day|ids|digits"):
            call()
    assert filters.id_in([str(number) for number in range(50)]).count(",") == 49
