"""How pages show a person: name, email and birth date from the encrypted row, and the way to both services."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlsplit

from jobs.mapping.urls import record_url
from webapp.clients.urls import is_loopback
from webapp.config import current_settings
from webapp.store import people
from webapp.store.models_account import Account, Connection

KIND_WORDS = {
    "patient": "patient",
    "contact": "Cliniko contact",
    "individual_appointment": "appointment",
    "attendee": "group appointment",
    "invoice": "invoice",
    "hubspot_contact": "HubSpot contact",
}
# Where Cliniko's own pages keep records of a kind.
_RESOURCES = {
    "patient": "patients",
    "contact": "contacts",
    "individual_appointment": "appointments",
    "invoice": "invoices",
}
_OBJECTS = {"patient": "0-1", "contact": "0-1", "hubspot_contact": "0-1"}
_DEAL = "0-3"


@dataclass(frozen=True)
class Person:
    """What we hold of a person to be shown. Never logged."""

    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    born: str = field(default="", repr=False)


def person_of(display: str | None) -> Person:
    """From the stored row; somebody whom we do not hold is nobody."""
    try:
        values = json.loads(display) if display else {}
    except ValueError:
        values = {}
    if not isinstance(values, dict):
        return Person()
    return Person(
        str(values.get("name") or ""), str(values.get("email") or ""), _day(str(values.get("birth_date") or ""))
    )


def persons(hub_id: int, found: Iterable[tuple[int, str, str]]) -> dict[tuple[int, str, str], Person]:
    """{(connection, kind, Cliniko id): person} of those whom we hold."""
    groups: dict[tuple[int, str], set[str]] = {}
    for connection_id, kind, cliniko_id in found:
        groups.setdefault((connection_id, kind), set()).add(cliniko_id)
    return {
        (connection_id, kind, cliniko_id): person_of(display)
        for (connection_id, kind), ids in groups.items()
        for cliniko_id, display in people.display_rows(hub_id, connection_id, kind, ids).items()
    }


def cliniko_url(connection: Connection | None, kind: str, cliniko_id: str | None) -> str:
    """The record in Cliniko; "" where it has no page of its own, or its address is not known."""
    if connection is None or kind not in _RESOURCES or not cliniko_id:
        return ""
    return record_url(connection.subdomain, connection.shard, _RESOURCES[kind], cliniko_id)


def hubspot_url(account: Account, kind: str, hubspot_id: str | None) -> str:
    """The record in HubSpot; "" where there is none."""
    if not hubspot_id or not (hubspot_id.isascii() and hubspot_id.isdigit()):
        return ""
    return f"{_hubspot_home(account)}/contacts/{account.hub_id}/record/{_OBJECTS.get(kind, _DEAL)}/{hubspot_id}"


def _hubspot_home(account: Account) -> str:
    home = current_settings().hubspot_app_url.rstrip("/")
    host = account.ui_domain or ""
    # The host comes from another service: only one of HubSpot's own makes a link.
    ours = host.endswith(".hubspot.com") and host.replace(".", "").replace("-", "").isalnum()
    return f"https://{host}" if ours and not is_loopback(urlsplit(home).hostname or "") else home


def kind_words(kind: str) -> str:
    """`patient`, `Cliniko contact`, …"""
    return KIND_WORDS.get(kind, kind.replace("_", " "))


def whole_number(text: str | None) -> int | None:
    """A number of ours out of an address or a form, if it is one."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def plural(number: int, word: str, words: str = "") -> str:
    """`1 record`, `1,204 records`"""
    return f"{number:,} {word if number == 1 else words or word + 's'}"


def listed(words: Collection[str]) -> str:
    """`a`, `a and b`, `a, b and c`"""
    every = list(words)
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} and {every[-1]}" if every else ""


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return ""
    return f"{day.day} {day:%b %Y}"
