"""Who is who: the comparable forms behind the published matching rules."""

from datetime import date

from jobs.mapping.dates import parse_date
from jobs.mapping.emails import email_key
from jobs.mapping.names import name_key, name_words
from jobs.mapping.phones import phone_keys
from jobs.mapping.records import Named
from jobs.mapping.text import is_blank

__all__ = [
    "birth_date",
    "birth_dates_agree",
    "email_key",
    "has_no_name",
    "name_key",
    "name_words",
    "names_agree",
    "names_both_differ",
    "phone_keys",
]


def birth_date(value: object) -> date | None:
    """A birth date from `YYYY-MM-DD`, ISO midnight or epoch milliseconds at midnight UTC; None when not a clear day."""
    return parse_date(value)


def birth_dates_agree(one: date | None, other: date | None) -> bool:
    """False only when both are known and differ."""
    return one is None or other is None or one == other


def names_agree(patient: Named, contact_first: str | None, contact_last: str | None) -> bool:
    """First (or preferred first) and last name are the same person's. A missing name agrees with nothing."""
    first, last = name_key(contact_first), name_key(contact_last)
    if first is None or last is None:
        return False
    return last == name_key(patient.last_name) and first in _first_keys(patient)


def names_both_differ(patient: Named, contact_first: str | None, contact_last: str | None) -> bool:
    """First and last name are known on both sides and neither agrees: probably another person."""
    first, last = name_key(contact_first), name_key(contact_last)
    patient_last, patient_firsts = name_key(patient.last_name), _first_keys(patient)
    if first is None or last is None or patient_last is None or not patient_firsts:
        return False
    return last != patient_last and first not in patient_firsts


def has_no_name(first: str | None, last: str | None) -> bool:
    """Neither name holds anything visible. A name of punctuation only is still a name that somebody typed."""
    return is_blank(first) and is_blank(last)


def _first_keys(patient: Named) -> set[str]:
    keys = (name_key(patient.first_name), name_key(patient.preferred_first_name))
    return {key for key in keys if key is not None}
