"""Rows of patients, concession types, referral sources."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from webapp.sandbox.cliniko.clinic import names, places
from webapp.sandbox.cliniko.clinic.draws import PRIVATE_MARK, Draws, Row, between, stamp
from webapp.sandbox.cliniko.clinic.people import People, Person

REFERRED_SHARE = 0.45
CUSTOM_FIELDS_TOKENS = ("ef4c43ec-105d-489c-88cc-0f3c5f67dc70", "fdb9c8a0-2984-4d96-8dc1-fbe703a8afdb")

_PRONOUNS = (
    ("they", "them", "their", "theirs", "themself"),
    ("she", "her", "her", "hers", "herself"),
    ("he", "him", "his", "his", "himself"),
    ("ze", "hir", "hir", "hirs", "hirself"),
)
_PRONOUN_KEYS = ("nominative", "accusative", "pronominal_possessive", "predicative_possessive", "reflexive")
_GENDERS = (None, None, "", "Female", "Male", "Non-binary", "Transgender", "Prefer not to say")
_NEWER_FIELDS = (
    "country_code",
    "pronouns",
    "sex",
    "gender_identity",
    "receives_cancellation_emails",
    "reminders_communication_channels",
    "follow_ups_communication_channels",
    "label",
)
_PLAIN_BLANKS = ("address_1", "address_2", "address_3", "city", "state", "post_code", "country", "country_code")


def patient_rows(draws: Draws, people: People, concession_ids: Sequence[str], doctor_ids: Sequence[str]) -> list[Row]:
    """One row for every person, in the same order."""
    chance = draws.stream("patients")
    ids = [draws.new_id("patients", person.created) for person in people.everyone]
    traits = {trait: frozenset(members) for trait, members in people.traits.items()}
    rows = []
    for person in people.everyone:
        row = _row(chance, person, ids[person.index])
        index = person.index
        if index in traits["sparse"]:
            for place, name in enumerate((*_PLAIN_BLANKS, "email", "title", "occupation")):
                row[name] = (None, "")[(index + place) % 2]
        if index in traits["concession"]:
            row["concession_type_id"] = concession_ids[index % len(concession_ids)]
        if doctor_ids and chance.random() < 0.15:
            row["referring_doctor_id"] = chance.choice(doctor_ids)
        if index in traits["pronouns"]:
            row["pronouns"] = dict(zip(_PRONOUN_KEYS, _PRONOUNS[index % len(_PRONOUNS)], strict=True))
        if index in traits["custom_fields"]:
            row["custom_fields"] = _custom_fields(index)
        if person.merged_into is not None:
            row["merged_at"] = row["archived_at"]
            row["merged_with_patient_id"] = ids[person.merged_into]
        if index in traits["missing_keys"]:
            for name in _NEWER_FIELDS:
                row.pop(name, None)
        rows.append(row)
    return rows


def _row(chance: random.Random, person: Person, patient_id: str) -> Row:
    archived = None if person.archived is None else stamp(person.archived)
    yes_no = (True, True, False, None)
    return {
        "id": patient_id,
        "accepted_email_marketing": chance.choice(yes_no),
        "accepted_privacy_policy": chance.choice(yes_no),
        "accepted_sms_marketing": chance.choice(yes_no),
        **places.address(chance, person.place),
        "appointment_notes": f"Prefers the ground floor. {PRIVATE_MARK}",
        "archived_at": archived,
        "concession_type_id": None,
        "created_at": stamp(person.created),
        "custom_fields": None,
        "date_of_birth": person.birth.isoformat() if person.birth else None,
        "deleted_at": archived if person.index % 4 == 0 else None,
        "dva_card_number": f"NX{chance.randrange(10**5):05}" if chance.random() < 0.03 else "",
        "email": person.email if person.email is not None else chance.choice(("", None)),
        "emergency_contact": chance.choice(("", f"Kin {PRIVATE_MARK} 0491 570 999")),
        "first_name": person.first,
        "follow_ups_communication_channels": [],
        "gender": None,
        "gender_identity": chance.choice(_GENDERS),
        "invoice_default_to": "",
        "invoice_email": "",
        "invoice_extra_information": f"Claim {PRIVATE_MARK}" if chance.random() < 0.1 else "",
        "label": f"{person.first} {person.last}",
        "last_name": person.last,
        "medicare": f"2999 {chance.randrange(10**5):05} 1" if chance.random() < 0.5 else "",
        "medicare_reference_number": "1" if chance.random() < 0.5 else "",
        "merged_at": None,
        "merged_with_patient_id": None,
        "notes": f"Old knee injury. {PRIVATE_MARK}" if chance.random() < 0.5 else "",
        "occupation": chance.choice((*names.OCCUPATIONS, "", None)),
        "old_reference_id": f"R{person.index:06}" if chance.random() < 0.2 else "",
        "patient_phone_numbers": person.phones,
        "preferred_first_name": person.preferred if person.preferred is not None else chance.choice(("", None)),
        "pronouns": None,
        "receives_cancellation_emails": True,
        "receives_confirmation_emails": chance.choice(yes_no),
        "referral_source": "",
        "referring_doctor_id": None,
        "reminder_type": chance.choice(("None", "SMS", "Email", "SMS & Email")),
        "reminders_communication_channels": chance.choice(([], [1], [1, 2])),
        "sex": chance.choice((None, "", "Female", "Male")),
        "time_zone": chance.choice((None, None, person.place.time_zone)),
        "title": chance.choice((*names.TITLES, "", None)),
        "updated_at": stamp(person.updated),
    }


def _custom_fields(index: int) -> Row:
    section, policy = CUSTOM_FIELDS_TOKENS
    field = {"name": "Policy number", "type": "text", "token": policy, "value": f"{PRIVATE_MARK}-{index}"}
    return {"sections": [{"name": "Insurance coverage", "token": section, "fields": [field]}]}


def concession_types(draws: Draws, created: int) -> list[Row]:
    listed = ("Pensioner", "Students", "Health care card <b>")
    return [
        {"id": draws.new_id("concession_types", created), "name": name, "created_at": at, "updated_at": at}
        for name in listed
        for at in (stamp(created),)
    ]


def referral_source_types(draws: Draws, created: int) -> list[Row]:
    """Three that Cliniko brings along, and the clinic's own."""
    listed: tuple[tuple[str, str | None, list[str] | None], ...] = (
        ("Client", "Patient", None),
        ("Contact", "Contact", None),
        ("Other", None, None),
        ("Internet", None, ["Google", "Facebook", "Online bookings", "Ask a “friend”"]),
        ("Advertising", None, ["Local paper", "Radio"]),
        ("Walk-in", None, []),
    )
    return [
        {
            "id": draws.new_id("referral_source_types", created),
            "name": name,
            "referrer_type": referrer,
            "subcategories": subcategories,
            "created_at": stamp(created),
            "updated_at": stamp(created),
        }
        for name, referrer, subcategories in listed
    ]


def referral_sources(
    draws: Draws, people: People, patient_ids: Sequence[str], contact_ids: Sequence[str], types: Sequence[Row]
) -> list[Row]:
    """How some patients found the clinic: by patients, by contacts, or in another way with or without subcategory."""
    chance = draws.stream("referrals")
    count = len(patient_ids)
    wanted = min(count, max(round(count * REFERRED_SHARE), min(count, len(types))))
    rows = []
    for place, index in enumerate(sorted(chance.sample(range(count), wanted))):
        kind = types[place % len(types)]
        referrer = _referrer(chance, kind["referrer_type"], index, patient_ids, contact_ids)
        created = people.everyone[index].created
        updated = between(chance, created, draws.now) if chance.random() < 0.2 else created
        rows.append(
            {
                "id": draws.new_id("referral_sources", created),
                "patient_id": patient_ids[index],
                "referral_source_type_id": kind["id"],
                "referrer": referrer,
                "subcategory": chance.choice([*kind["subcategories"], None]) if kind["subcategories"] else None,
                "notes": f"Said so at the desk. {PRIVATE_MARK}" if chance.random() < 0.3 else None,
                "created_at": stamp(created),
                "updated_at": stamp(updated),
            }
        )
    return rows


def _referrer(
    chance: random.Random, kind: str | None, index: int, patient_ids: Sequence[str], contact_ids: Sequence[str]
) -> Mapping[str, str] | None:
    """Somebody of that kind, never the patient; now and then the name was never filled in."""
    ids = {"Patient": patient_ids, "Contact": contact_ids}.get(kind or "", ())
    if not ids or kind is None or chance.random() < 0.1:
        return None
    picked = chance.choice(ids)
    return None if kind == "Patient" and picked == patient_ids[index] else {"type": kind, "id": picked}
