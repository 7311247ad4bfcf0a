"""From a HubSpot contact back to a Cliniko patient or contact: which fields to send, and which not. Pure.

Three-way: a field is sent only where HubSpot's value differs from what both sides last agreed on and Cliniko's does
not. Where both changed, Cliniko's stays. A blank in HubSpot clears nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from jobs.mapping import identity
from jobs.mapping.countries import country_code, country_name
from jobs.mapping.dates import parse_date
from jobs.mapping.phones import e164, phone_text
from jobs.mapping.records import Named, Phone
from jobs.mapping.text import clean_text

BIRTH, BIRTH_ELSEWHERE = "cliniko_date_of_birth", "date_of_birth"
REFERRAL = "cliniko_referral_source"

# HubSpot property → Cliniko's field, for what is plain text on both sides.
_TEXT = {
    "lastname": "last_name",
    "address": "address_1",
    "city": "city",
    "state": "state",
    "zip": "post_code",
    "cliniko_gender_identity": "gender_identity",
}
# HubSpot property → Cliniko's kind of number.
PHONES = {"phone": "Home", "mobilephone": "Mobile"}

PATIENT_PROPERTIES = ("firstname", *_TEXT, "email", *PHONES, "country", BIRTH, BIRTH_ELSEWHERE, REFERRAL)
CONTACT_PROPERTIES = tuple(
    name for name in PATIENT_PROPERTIES if name not in (BIRTH, BIRTH_ELSEWHERE, REFERRAL, "cliniko_gender_identity")
)

LABELS = {
    "firstname": "First name",
    "lastname": "Last name",
    "email": "Email",
    "phone": "Phone number",
    "mobilephone": "Mobile phone number",
    "address": "Street address",
    "city": "City",
    "state": "State/Region",
    "zip": "Postal code",
    "country": "Country/Region",
    "cliniko_gender_identity": "Cliniko gender identity",
    BIRTH: "Cliniko date of birth",
    BIRTH_ELSEWHERE: "Date of birth",
    REFERRAL: "Cliniko referral source",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What to send, by HubSpot property. `conflicts`: both sides changed these; `problems`: property → a sentence."""

    take: dict[str, str] = field(default_factory=dict, repr=False)
    conflicts: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Typed:
    """A number as a person typed it, in the shape of Cliniko's entries."""

    number: str | None
    normalized_number: str | None = None
    phone_type: str | None = None


def canonical(name: str, value: str | None, *countries: str | None) -> str:
    """A value in the form in which two sides are compared."""
    text = clean_text(value)
    if name in PHONES:
        return phone_text(_Typed(text), *countries)
    if name in ("email", REFERRAL):
        return text.casefold()
    if name == "country":
        return country_code(text, text) or text.casefold()
    if name in (BIRTH, BIRTH_ELSEWHERE):
        day = parse_date(text)
        return day.isoformat() if day else text
    return text


def choose(
    contact: Mapping[str, str | None],
    current: Mapping[str, str],
    was_agreed: Callable[[str, str], bool],
    names: Sequence[str],
    *countries: str | None,
) -> Choice:
    """Compare a contact with the linked record. `current` are the record's mapped values, `was_agreed(property, value)`
    says whether this is what both sides last agreed on; a blank counts as agreed where nothing was."""
    take: dict[str, str] = {}
    conflicts: list[str] = []
    problems: dict[str, str] = {}
    for name in _wanted(contact, names):
        theirs = clean_text(contact.get(name))
        ours = current.get(name, "")
        if not theirs or canonical(name, theirs, *countries) == canonical(name, ours, *countries):
            continue
        if still_agreed(name, theirs, was_agreed, *countries):
            # HubSpot still holds the old value; Cliniko's newer one is on its way.
            continue
        problem = _problem(name, theirs)
        if problem:
            problems[name] = problem
        elif was_agreed(name, ours):
            take[name] = theirs
        else:
            conflicts.append(name)
    return Choice(take, tuple(conflicts), problems)


def new_record(contact: Mapping[str, str | None], names: Sequence[str]) -> Choice:
    """Everything that a contact has, for a record that is to be created."""
    take: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name in _wanted(contact, names):
        value = clean_text(contact.get(name))
        if not value:
            continue
        problem = _problem(name, value)
        if problem:
            problems[name] = problem
        else:
            take[name] = value
    return Choice(take, (), problems)


def _wanted(contact: Mapping[str, str | None], names: Sequence[str]) -> list[str]:
    """A birth date is taken from our own property where that holds one, else from the other."""
    ours = parse_date(clean_text(contact.get(BIRTH))) is not None
    return [name for name in names if not (ours and name == BIRTH_ELSEWHERE)]


def still_agreed(name: str, value: str, was_agreed: Callable[[str, str], bool], *countries: str | None) -> bool:
    """Is this HubSpot value, in whatever form a person typed it, what both sides last agreed on?"""
    return any(was_agreed(name, form) for form in _forms(name, clean_text(value), countries))


def _forms(name: str, text: str, countries: Sequence[str | None]) -> tuple[str, ...]:
    if name == "country":
        return text, country_name(country_code(text, text), text)
    return text, canonical(name, text, *countries)


def another_person(
    record: Named,
    born: date | None,
    contact: Mapping[str, str | None],
    was_agreed: Callable[[str, str], bool] = lambda name, value: False,
) -> bool:
    """Does the contact look like somebody else than the linked record? First and last name both differ, or a known
    birth date does. A value that both sides once agreed on says nothing: there it was Cliniko's that changed."""
    names = ("firstname", "lastname")
    changed = not any(still_agreed(name, contact.get(name) or "", was_agreed) for name in names if contact.get(name))
    if changed and identity.names_both_differ(record, contact.get("firstname"), contact.get("lastname")):
        return True
    for name in (BIRTH, BIRTH_ELSEWHERE):
        theirs = parse_date(clean_text(contact.get(name)))
        differs = born is not None and theirs is not None and born != theirs
        if differs and not still_agreed(name, contact.get(name) or "", was_agreed):
            return True
    return False


def patient_fields(
    take: Mapping[str, str],
    phones: Sequence[Phone] | None,
    *countries: str | None,
    use_preferred_first_name: bool,
    creating: bool = False,
) -> dict[str, Any]:
    """The body for Cliniko's patients. `phones` are the patient's present numbers: the whole array is sent, with the
    others as they are. The referral source is not among it: it has a place of its own."""
    fields = _shared(take, use_preferred_first_name, creating, "preferred_first_name")
    born = take.get(BIRTH) or take.get(BIRTH_ELSEWHERE)
    if born:
        day = parse_date(born)
        if day is not None:
            fields["date_of_birth"] = day.isoformat()
    changed = with_phones(take, phones, *countries)
    if changed is not None:
        fields["patient_phone_numbers"] = changed
    return fields


def contact_fields(
    take: Mapping[str, str],
    phones: Sequence[Phone] | None,
    *countries: str | None,
    use_preferred_first_name: bool,
    creating: bool = False,
) -> dict[str, Any]:
    """The body for Cliniko's contacts."""
    fields = _shared(take, use_preferred_first_name, creating, "preferred_name")
    changed = with_phones(take, phones, *countries)
    if changed is not None:
        fields["phone_numbers"] = changed
    return fields


def with_phones(
    take: Mapping[str, str], phones: Sequence[Phone] | None, *countries: str | None
) -> list[dict[str, str]] | None:
    """The whole array with our entries changed, or None when none is: the first of each kind is ours, the others go
    back as they are. Where a later one of the kind has that number already, the two change places, so that none is
    lost."""
    wanted = {PHONES[name]: take[name] for name in PHONES if name in take}
    if not wanted:
        return None
    rows = [
        {"number": phone.number or "", "phone_type": phone.phone_type or "Other"}
        for phone in phones or ()
        if clean_text(phone.number)
    ]
    for kind, number in wanted.items():
        places = [row for row in rows if clean_text(row["phone_type"]).casefold() == kind.casefold()]
        if not places:
            rows.append({"number": number, "phone_type": kind})
            continue
        key = e164(number, *countries) or number
        same = next((row for row in places[1:] if (e164(row["number"], *countries) or row["number"]) == key), None)
        if same is not None:
            same["number"] = places[0]["number"]
        places[0]["number"] = number
    return rows


def birth_of(contact: Mapping[str, str | None]) -> date | None:
    """The birth date as HubSpot knows it."""
    return parse_date(clean_text(contact.get(BIRTH))) or parse_date(clean_text(contact.get(BIRTH_ELSEWHERE)))


def split_referral(text: str) -> tuple[str, str | None]:
    """`Type: Subcategory` → both; a text without a colon is a type alone."""
    kind, colon, subcategory = clean_text(text).partition(": ")
    return kind, (subcategory if colon and subcategory else None)


def _shared(take: Mapping[str, str], use_preferred: bool, creating: bool, preferred: str) -> dict[str, Any]:
    fields: dict[str, Any] = {theirs: take[name] for name, theirs in _TEXT.items() if name in take}
    if "email" in take:
        fields["email"] = take["email"]
    if "country" in take:
        fields["country_code"] = country_code(take["country"], take["country"])
    if "firstname" in take:
        if use_preferred:
            fields[preferred] = take["firstname"]
        if creating or not use_preferred:
            fields["first_name"] = take["firstname"]
    return fields


def _problem(name: str, value: str) -> str | None:
    """Why this value cannot be sent, as a sentence."""
    if name in (BIRTH, BIRTH_ELSEWHERE) and parse_date(value) is None:
        return f"{LABELS[name]} is not a date that Cliniko takes. Write it as YYYY-MM-DD."
    if name == "country" and country_code(value, value) is None:
        return f"{LABELS[name]} is not a country that Cliniko knows. Write its English name or two-letter code."
    return None


# Cliniko's field in an error → the HubSpot property that it came from.
_FROM_ERROR = {
    "first_name": "firstname",
    "preferred_first_name": "firstname",
    "preferred_name": "firstname",
    "last_name": "lastname",
    "email": "email",
    "address_1": "address",
    "city": "city",
    "state": "state",
    "post_code": "zip",
    "country": "country",
    "country_code": "country",
    "gender_identity": "cliniko_gender_identity",
    "date_of_birth": BIRTH,
    "patient_phone_numbers": "phone",
    "phone_numbers": "phone",
    "referral_source": REFERRAL,
    "referral_source_type": REFERRAL,
    "referral_source_type_id": REFERRAL,
    "subcategory": REFERRAL,
}


def label_of_error(field_name: str | None) -> str:
    """The HubSpot label behind a field that Cliniko refused: `patient_phone_numbers.0.number` → Phone number."""
    head = (field_name or "").partition(".")[0]
    name = _FROM_ERROR.get(head)
    return LABELS[name] if name else (head.replace("_", " ").capitalize() or "A field")
