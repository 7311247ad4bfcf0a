"""Phone numbers as E.164, and which Cliniko number goes to which HubSpot property."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import phonenumbers

from jobs.mapping.records import Phone
from jobs.mapping.text import clean_text


@dataclass(frozen=True, slots=True)
class PhoneFields:
    """HubSpot's `phone` (first Home), `mobilephone` (first Mobile), and the rest as one readable line."""

    home: str = ""
    mobile: str = ""
    others: str = ""


def e164(number: str | None, *countries: str | None) -> str | None:
    """The number as `+61…`, read in the first of the countries (two letters) where it is a valid one; else None."""
    parsed = _parse(clean_text(number), countries)
    return _format(parsed) if parsed else None


def phone_text(phone: Phone, *countries: str | None) -> str:
    """E.164 with ` ext N` where there is an extension, else the text as it was typed, trimmed."""
    parsed = _read(phone, countries)
    if parsed is None:
        return clean_text(phone.number)
    return f"{_format(parsed)} ext {parsed.extension}" if parsed.extension else _format(parsed)


def phone_keys(phones: Iterable[Phone] | None, *countries: str | None) -> list[str]:
    """The distinct E.164 numbers of a record, in order; numbers that cannot be read are left out."""
    readings = (_read(phone, countries) for phone in phones or ())
    return list(dict.fromkeys(_format(parsed) for parsed in readings if parsed))


def phone_fields(phones: Sequence[Phone] | None, *countries: str | None) -> PhoneFields:
    """Spread a record's numbers over HubSpot's properties; the first Home and the first Mobile have their own."""
    home = mobile = ""
    others: list[str] = []
    for phone in phones or ():
        number = phone_text(phone, *countries)
        if not number:
            continue
        kind = clean_text(phone.phone_type)
        if kind.casefold() == "home" and not home:
            home = number
        elif kind.casefold() == "mobile" and not mobile:
            mobile = number
        else:
            others.append(f"{kind}: {number}" if kind else number)
    return PhoneFields(home, mobile, clean_text("; ".join(others)))


def _read(phone: Phone, countries: Sequence[str | None]) -> phonenumbers.PhoneNumber | None:
    text, normalized = clean_text(phone.number), clean_text(phone.normalized_number)
    parsed = _parse(text, countries)
    if parsed is None and text and normalized:
        # Cliniko's own reading: international digits without the plus.
        parsed = _parse("+" + normalized.lstrip("+"), ())
    return parsed


def _format(parsed: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _parse(text: str, countries: Sequence[str | None]) -> phonenumbers.PhoneNumber | None:
    if not text:
        return None
    regions = dict.fromkeys(country.upper() for country in countries if country)
    for region in regions or (None,):
        try:
            parsed = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return parsed
    return None
