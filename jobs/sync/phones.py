"""Rule 6 with `match_by_phone`: contacts that carry one of a record's phone numbers, found by HubSpot's search.

Search answers late for new contacts. A contact it does not show yet only means that a separate one is made, no mix.
"""

from collections.abc import Iterator, Sequence

import phonenumbers

from jobs.mapping.phones import e164
from jobs.sync import tags
from jobs.sync.candidates import CANDIDATE_PROPERTIES, candidate, is_namesake
from jobs.sync.context import SyncContext
from jobs.sync.items import Item, PersonKind
from jobs.sync.matching import Candidate
from webapp.clients.hubspot import objects
from webapp.store import people

# A search body holds 3,000 characters. Every number is in it once per property, beside the names of the properties.
LONGEST_LIST = 1100
PROPERTIES = ("phone", "mobilephone")


def candidates_by_phone(ctx: SyncContext, spec: PersonKind, items: Sequence[Item]) -> dict[str, list[Candidate]]:
    """{Cliniko id: contacts that carry one of its numbers} for records without an address."""
    without = _by_phone_only(items)
    numbers = sorted({spelling for item in without for phone in item.known.phones for spelling in spellings(phone)})
    found: dict[str, dict[str, Candidate]] = {}
    for some in _lists(numbers):
        filters = [{"filters": [{"propertyName": name, "operator": "IN", "values": some}]} for name in PROPERTIES]
        page = objects.search(ctx.hubspot, "contacts", filters, [*CANDIDATE_PROPERTIES, spec.key_property], limit=100)
        ctx.count("hubspot_calls")
        for contact in page.records:
            carried = {_comparable(contact.properties.get(name), ctx.country_code) for name in PROPERTIES}
            for item in without:
                if carried & set(item.known.phones):
                    found.setdefault(item.cliniko_id, {})[contact.id] = candidate(ctx, spec, contact)
    return {cliniko_id: list(contacts.values()) for cliniko_id, contacts in found.items()}


def with_namesakes(ctx: SyncContext, spec: PersonKind, items: Sequence[Item]) -> set[str]:
    """The records without an address of which another known one has a phone number and the names, as a father and a
    son may."""
    without = _by_phone_only(items)
    marks = {phone: tags.tag(ctx.digest_key, "phone", phone) for item in without for phone in item.known.phones}
    sharing = people.with_term(ctx.connection_id, spec.kind, set(marks.values()))
    known = people.known(ctx.connection_id, spec.kind, {i for ids in sharing.values() for i in ids})
    found: set[str] = set()
    for item in without:
        others = {i for phone in item.known.phones for i in sharing.get(marks[phone], ())} - {item.cliniko_id}
        if any(not known[i].merged and is_namesake(ctx, item, known[i]) for i in others if i in known):
            found.add(item.cliniko_id)
    return found


def spellings(number: str) -> list[str]:
    """The usual ways in which a number is typed: international and national, with and without spaces."""
    parsed = phonenumbers.parse(number)
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    international = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return [number, number.lstrip("+"), national, national.replace(" ", ""), international]


def _by_phone_only(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if not item.email and item.known.phones]


def _lists(numbers: Sequence[str]) -> Iterator[list[str]]:
    """The numbers in lists that fit one search each."""
    some: list[str] = []
    length = 0
    for number in numbers:
        taken = len(number) + 3
        if some and length + taken > LONGEST_LIST:
            yield some
            some, length = [], 0
        some.append(number)
        length += taken
    if some:
        yield some


def _comparable(text: str | None, country_code: str | None) -> str | None:
    return e164(text, country_code) if text else None
