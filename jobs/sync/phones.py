"""Rule 6 with `match_by_phone`: contacts that carry one of a record's phone numbers, found by HubSpot's search.

Search answers late for new contacts. A contact it does not show yet only means that a separate one is made, no mix.
"""

import phonenumbers

from jobs.mapping.phones import e164
from jobs.sync.context import SyncContext
from jobs.sync.items import Item, PersonKind
from jobs.sync.matching import Candidate
from webapp.clients.hubspot import objects

# Two properties and several spellings a person must fit the search body's 3,000 characters.
PEOPLE_PER_SEARCH = 8
PROPERTIES = ("phone", "mobilephone")


def candidates_by_phone(ctx: SyncContext, spec: PersonKind, items: list[Item]) -> dict[str, list[Candidate]]:
    """{Cliniko id: contacts that carry one of its numbers} for records without an address."""
    from jobs.sync.deciding import CANDIDATE_PROPERTIES, candidate

    without = [item for item in items if not item.email and item.known.phones]
    found: dict[str, list[Candidate]] = {}
    for start in range(0, len(without), PEOPLE_PER_SEARCH):
        group = without[start : start + PEOPLE_PER_SEARCH]
        numbers = sorted({spelling for item in group for phone in item.known.phones for spelling in spellings(phone)})
        filters = [{"filters": [{"propertyName": name, "operator": "IN", "values": numbers}]} for name in PROPERTIES]
        page = objects.search(ctx.hubspot, "contacts", filters, [*CANDIDATE_PROPERTIES, spec.key_property], limit=100)
        ctx.count("hubspot_calls")
        for contact in page.results:
            carried = {_comparable(contact.properties.get(name), ctx.country_code) for name in PROPERTIES}
            for item in group:
                if carried & set(item.known.phones):
                    found.setdefault(item.cliniko_id, []).append(candidate(ctx, spec, contact))
    return found


def spellings(number: str) -> list[str]:
    """The usual ways in which a number is typed: international and national, with and without spaces."""
    parsed = phonenumbers.parse(number)
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    international = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return [number, number.lstrip("+"), national, national.replace(" ", ""), international]


def _comparable(text: str | None, country_code: str | None) -> str | None:
    return e164(text, country_code) if text else None
