"""Who works in the clinic and where: users, practitioners, businesses in three time zones."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from webapp.sandbox.cliniko.clinic.draws import DAY, Draws, Row, stamp

# first name, last name, role, active
_USERS = (
    ("Robin", "Okafor", "administrator", True),
    ("Casey", "Nguyen", "receptionist", True),
    ("Jordan", "Levy", "bookkeeper", True),
    ("Morgan", "Former", "receptionist", False),
)
# title, first name, last name, designation, active, has a user
_PRACTITIONERS = (
    ("Dr", "Ingrid", "Sørensen", "Physiotherapist", True, True),
    ("Mr", "Tane", "Parata", "Osteopath", True, True),
    ("Ms", "Priya", "Raman", "Physiotherapist", True, True),
    ("", "Siobhán", "O'Dwyer", "Podiatrist", True, True),
    ("Mr", "Wei", "Chen", "Massage therapist", True, False),
    ("Mx", "Sam", "Delacroix", "Exercise physiologist", True, True),
    ("Mrs", "Nora", "Lindqvist", "Physiotherapist", False, True),
    ("Dr", "Hugo", "Brandt", "Chiropractor", False, False),
)
# name, display name, city, state, post code, country, code, label of the zone, zone, how many visits take place there
_BUSINESSES = (
    ("Harbour Physio", None, "Melbourne", "VIC", "3000", "Australia", "AU", "Melbourne", "Australia/Melbourne", 0.70),
    ("Harbour Tāmaki", "Auckland", "Auckland", "", "1010", "New Zealand", "NZ", "Auckland", "Pacific/Auckland", 0.22),
    ("Harbour <online>", None, "Honolulu", "HI", "96813", "United States", "US", "Hawaii", "Pacific/Honolulu", 0.08),
)


@dataclass(frozen=True)
class Staff:
    """The rows, and what bookings need of them."""

    users: list[Row]
    practitioners: list[Row]
    businesses: list[Row]
    zones: list[ZoneInfo]
    business_shares: list[float]

    @property
    def active(self) -> list[str]:
        return [row["id"] for row in self.practitioners if row["active"]]

    @property
    def everyone(self) -> list[str]:
        return [row["id"] for row in self.practitioners]


def make_staff(draws: Draws, start: int) -> Staff:
    users = [_user(draws, start + n, *fields) for n, fields in enumerate(_USERS)]
    practitioners = []
    for number, (title, first, last, designation, active, has_user) in enumerate(_PRACTITIONERS):
        # The inactive ones were there from the start; the youngest came a year ago.
        created = start + number * 60 if number < len(_PRACTITIONERS) - 3 else draws.now - 365 * DAY + number
        created = start + number * 60 if not active else created
        user = _user(draws, created, first, last, "practitioner", active) if has_user else None
        if user:
            users.append(user)
        practitioners.append(
            {
                "id": draws.new_id("practitioners", created),
                "active": active,
                "created_at": stamp(created),
                "description": None,
                "designation": designation,
                "display_name": None if number % 2 else f"{title} {first} {last}".strip(),
                "first_name": first,
                "label": f"{first} {last}",
                "last_name": last,
                "show_in_online_bookings": active,
                "title": title,
                "updated_at": stamp(created),
                "user_id": user and user["id"],
            }
        )
    businesses = [_business(draws, start, *fields[:-1]) for fields in _BUSINESSES]
    zones = [ZoneInfo(fields[8]) for fields in _BUSINESSES]
    return Staff(users, practitioners, businesses, zones, [fields[-1] for fields in _BUSINESSES])


def email_of(first: str, last: str) -> str:
    """The staff's addresses: plain letters only."""
    plain = f"{first}.{last}".lower().replace("ø", "o").replace("á", "a").replace("'", "")
    return f"{plain}@harbour.example"


def _user(draws: Draws, created: int, first: str, last: str, role: str, active: bool) -> Row:
    return {
        "id": draws.new_id("users", created),
        "active": active,
        "created_at": stamp(created),
        "email": email_of(first, last),
        "first_name": first,
        "last_name": last,
        "phone_numbers": None,
        "role": role,
        "time_zone": "Melbourne",
        "time_zone_identifier": "Australia/Melbourne",
        "title": "",
        "updated_at": stamp(created),
        "user_active": active,
    }


def _business(
    draws: Draws,
    start: int,
    name: str,
    display: str | None,
    city: str,
    state: str,
    post_code: str,
    country: str,
    code: str,
    label: str,
    zone: str,
) -> Row:
    return {
        "id": draws.new_id("businesses", start),
        "address_1": "1 Harbour Road",
        "address_2": None,
        "appointment_type_ids": [],
        "archived_at": None,
        "business_name": name,
        "business_registration_name": "ABN" if code == "AU" else None,
        "business_registration_value": "00 000 000 000" if code == "AU" else None,
        "city": city,
        "contact_information": "",
        "country": country,
        "country_code": code,
        "created_at": stamp(start),
        "deleted_at": None,
        "display_name": display,
        "email_reply_to": "desk@harbour.example",
        "label": name,
        "post_code": post_code,
        "show_in_online_bookings": True,
        "state": state,
        "time_zone": label,
        "time_zone_identifier": zone,
        "updated_at": stamp(start),
        "website_address": "https://harbour.example",
    }
