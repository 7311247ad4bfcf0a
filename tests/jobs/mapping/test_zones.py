from datetime import UTC
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.mapping.labels import business_label, patient_label, practitioner_label
from jobs.mapping.zones import local_text, midday, zone_name


@pytest.mark.parametrize(
    ("moment", "zone", "text"),
    [
        ("2026-01-01T12:00:00Z", "Australia/Sydney", "Thu 1 Jan 2026, 11:00 pm"),
        ("2026-01-01T13:30:00Z", "Australia/Sydney", "Fri 2 Jan 2026, 12:30 am"),
        ("2026-07-01T02:05:00Z", "Australia/Sydney", "Wed 1 Jul 2026, 12:05 pm"),
        # The clocks of London went forward at 01:00 UTC on 29 March 2026 and back on 25 October.
        ("2026-03-29T00:59:00Z", "Europe/London", "Sun 29 Mar 2026, 12:59 am"),
        ("2026-03-29T01:00:00Z", "Europe/London", "Sun 29 Mar 2026, 2:00 am"),
        ("2026-10-25T00:30:00Z", "Europe/London", "Sun 25 Oct 2026, 1:30 am"),
        ("2026-10-25T01:30:00Z", "Europe/London", "Sun 25 Oct 2026, 1:30 am"),
        ("2026-03-29T01:00:00Z", None, "Sun 29 Mar 2026, 1:00 am UTC"),
        ("2026-03-29T01:00:00Z", "Nowhere/At all", "Sun 29 Mar 2026, 1:00 am UTC"),
        ("0001-01-01T00:00:00Z", "America/New_York", ""),
        (None, "Europe/London", ""),
    ],
)
def test_local_time(moment, zone, text):
    assert local_text(moment, zone) == text


@pytest.mark.parametrize(
    ("identifier", "label", "countries", "zone"),
    [
        ("Australia/Perth", "Melbourne", ("AU",), "Australia/Perth"),
        (None, "Melbourne", ("NZ",), "Australia/Melbourne"),
        ("", "Eastern Time (US & Canada)", (), "America/New_York"),
        (None, "(GMT+10:00) Hobart", (), "Australia/Hobart"),
        (None, "Hong Kong", (), "Asia/Hong_Kong"),
        (None, "Canberra", (), "Australia/Sydney"),
        (None, "Australia/Darwin", (), "Australia/Darwin"),
        ("Mars/Olympus", "Mars", (None, "gb"), "Europe/London"),
        ("../../etc/passwd", None, ("NZ",), "Pacific/Auckland"),
        ("/etc/localtime", None, ("IE",), "Europe/Dublin"),
        ("Australia", None, ("AU",), "Australia/Sydney"),
        ("a\x00/b", "x" * 10_000, ("ZZ",), None),
        (None, None, (), None),
    ],
)
def test_zone_of_a_clinic(identifier, label, countries, zone):
    assert zone_name(identifier, label, *countries) == zone


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_zone_name_is_survived(identifier, label):
    zone = zone_name(identifier, label)
    assert zone is None or local_text("2026-01-01T00:00:00Z", zone)
    local_text("2026-01-01T00:00:00Z", identifier)


@given(st.dates(), st.sampled_from(["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/London", None]))
def test_midday_is_that_day_at_the_clinic(day, zone):
    noon = midday(day, zone)
    assert noon.tzinfo is UTC
    if 1900 < day.year < 9999:
        assert f" {day.day} " in local_text(noon, zone)
        assert ", 12:00 pm" in local_text(noon, zone)


def test_names_of_people_and_places():
    one = SimpleNamespace(display_name=None, label="Randy Savage", title="Mr", first_name="Randy", last_name="Savage")
    assert practitioner_label(one) == "Randy Savage"
    one.label = " "
    assert practitioner_label(one) == "Mr Randy Savage"
    one.display_name = "Macho Man"
    assert practitioner_label(one) == "Macho Man"
    place = SimpleNamespace(display_name="", business_name="Healthy Times", label="HT")
    assert business_label(place) == "Healthy Times"
    assert patient_label("Peter", "Jones", "Pete") == "Peter Jones"
    assert patient_label("Peter", None, "Pete", use_preferred=True) == "Pete"
    assert patient_label("Peter", "Jones", " ", use_preferred=True) == "Peter Jones"
    assert patient_label(None, None) == ""
