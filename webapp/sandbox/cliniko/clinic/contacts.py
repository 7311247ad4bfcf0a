"""Third parties: doctors, payers, companies without a person, and people who are patients as well."""

from __future__ import annotations

import random

from webapp.sandbox.cliniko.clinic import names, places
from webapp.sandbox.cliniko.clinic.draws import DAY, PRIVATE_MARK, Draws, Row, between, chosen, stamp
from webapp.sandbox.cliniko.clinic.people import YEARS_OF_HISTORY, People

CONTACT_SHARES = {
    "also_patient": 0.06,  # the same person, with the same names and address
    "company": 0.15,  # no names, a company
    "doctor": 0.5,
    "payer": 0.2,  # companies are among them
    "archived": 0.04,
    "no_email": 0.25,
    "odd_phone": 0.08,
    "nameless": 0.01,  # neither a name nor a company, only an address
}
_TYPES = ((0, "Standard"), (1, "Doctor"), (2, "3rd Party Payer"))


def contact_rows(draws: Draws, people: People, count: int) -> tuple[list[Row], dict[str, list[int]]]:
    """The rows in the order they were made, and which of them (by index) have which trait."""
    chance = draws.stream("contacts")
    start = draws.now - YEARS_OF_HISTORY * 365 * DAY
    created = sorted(between(chance, start, draws.now - DAY) for _ in range(count))
    traits: dict[str, list[int]] = {}
    rest = list(range(count))
    chance.shuffle(rest)
    for trait in ("also_patient", "company", "nameless"):
        traits[trait] = chosen(chance, rest, CONTACT_SHARES[trait] * count / max(len(rest), 1), few=10)
        taken = set(traits[trait])
        rest = [index for index in rest if index not in taken]
    traits["doctor"] = chosen(chance, rest, CONTACT_SHARES["doctor"] * count / max(len(rest), 1))
    doctors = set(traits["doctor"])
    others = [index for index in rest if index not in doctors]
    more_payers = max(0, round(CONTACT_SHARES["payer"] * count) - len(traits["company"]))
    traits["payer"] = [*traits["company"], *others[:more_payers]]
    for trait in ("archived", "no_email", "odd_phone"):
        traits[trait] = chosen(chance, range(count), CONTACT_SHARES[trait], few=10)
    known = [p for p in people.everyone if p.archived is None and p.email]
    if not known:
        traits["also_patient"] = []
    of_each = {name: frozenset(members) for name, members in traits.items()}
    rows = []
    for index in range(count):
        row = _row(chance, draws, index, created[index], {name for name in of_each if index in of_each[name]})
        if index in of_each["also_patient"]:
            person = chance.choice(known)
            row |= {"first_name": person.first, "last_name": person.last, "email": person.email}
        rows.append(row)
    traits["no_email"] = [index for index in traits["no_email"] if not rows[index]["email"]]
    return rows, traits


def _row(chance: random.Random, draws: Draws, index: int, created: int, traits: set[str]) -> Row:
    first, last = chance.choice(names.FIRST_NAMES), chance.choice(names.LAST_NAMES)
    if index % 25 == 7:
        first, last = names.HOSTILE_NAMES[index // 25 % len(names.HOSTILE_NAMES)]
    company = chance.choice((*names.PRACTICES, "", None))
    email: str | None = f"{names.local_part(first, last, index)}.contact@example.org"
    if "company" in traits:
        first, last, company = "", "", names.COMPANIES[index % len(names.COMPANIES)]
        email = f"accounts{index}@example.org"
    if "nameless" in traits:
        first, last, company = "", "", ""
    if "no_email" in traits:
        email = chance.choice(("", None))
    place = chance.choice((places.AUSTRALIA, places.AUSTRALIA, places.NEW_ZEALAND, *places.FOREIGN))
    code, kind = _TYPES[1 if "doctor" in traits else 2 if "payer" in traits else 0]
    updated = between(chance, created, draws.now) if chance.random() < 0.4 else created
    archived = stamp(between(chance, created, draws.now)) if "archived" in traits else None
    phones = [places.phone(chance, place, phone) for phone in chance.choice((("Work",), ("Work", "Fax", "Mobile"), ()))]
    if "odd_phone" in traits:
        phones = [places.odd_phone(chance, place, "Work", index), *phones]
    return {
        "id": draws.new_id("contacts", created),
        **places.address(chance, place),
        "archived_at": archived,
        "company_name": company,
        "created_at": stamp(created),
        "deleted_at": archived if index % 2 else None,
        "doctor_type": chance.choice(("general_practitioner", "specialist", None)) if code == 1 else None,
        "email": email,
        "first_name": first,
        "last_name": last,
        "notes": f"Sends reports late. {PRIVATE_MARK}" if chance.random() < 0.3 else "",
        "occupation": chance.choice(("", None, "Surgeon")),
        "phone_numbers": phones,
        "preferred_name": names.PREFERRED.get(first, "") if chance.random() < 0.3 else "",
        "provider_number": f"{chance.randrange(10**6):06}A" if code == 1 else "",
        "title": chance.choice(("Dr", "Prof", "")) if code == 1 else "",
        "type": kind,
        "type_code": code,
        "updated_at": stamp(updated),
    }
