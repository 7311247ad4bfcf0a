"""The records that Cliniko's own documentation prints, so that the product is tried on them and not on our guesses.

Each data file holds the records of one list as they were printed: ids as numbers or texts, links, blanks as "" or
null. Cliniko prints several states of one record under one id; here the n-th further state of a record gets its id
plus n × OFFSET, and all live side by side. Individual appointments, group appointments and blocks share their ids, so
they count together. What a printed record refers to is often printed nowhere: it stays missing.

https://docs.api.cliniko.com/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

OFFSET = 1_000_000
_LINK = re.compile(r"/v1/(?P<resource>[a-z_]+)/(?P<id>\d+)(?=[?#]|$)", re.ASCII)
_TIMES = ("archived_at", "deleted_at", "cancelled_at", "merged_at", "closed_at", "date_of_birth")
_ID_LISTS = ("patient_ids", "attendee_ids", "appointment_type_ids")


@dataclass(frozen=True)
class Example:
    """One printed record. `resource` is the table it belongs in, `id` the one it gets; `listed` names the data file."""

    listed: str
    resource: str
    printed_id: str
    id: str
    record: Mapping[str, Any]
    also: Mapping[str, Any]


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    """`also` holds what the documentation says of a record by where it prints it."""

    id: str
    variant: int
    record: dict[str, Any]
    also: dict[str, Any] = {}


def examples() -> Iterator[Example]:
    """Every printed record, list by list."""
    for file in sorted(resources.files(__name__).iterdir(), key=lambda found: found.name):
        name, dot, ending = file.name.partition(".")
        if dot + ending != ".json" or name == "settings":
            continue
        for entry in msgspec.json.decode(file.read_bytes(), type=list[_Entry]):
            moved = str(int(entry.id) + entry.variant * OFFSET)
            yield Example(name, _table(name, entry.record), entry.id, moved, entry.record, entry.also)


def load_examples(account: ClinikoAccount, *, with_settings: bool = False) -> dict[str, list[str]]:
    """Store every printed record in the account; returns the ids by table.

    `with_settings` also lays the printed settings over the account's own. Raises ValueError when an id is taken: load
    the examples before other records.
    """
    loaded: dict[str, list[str]] = {}
    for example in examples():
        row = stored(example)
        if account.get(example.resource, row["id"]) is not None:
            raise ValueError(f"{example.resource} {row['id']} exists: load the examples into an account first")
        account.put(example.resource, row)
        loaded.setdefault(example.resource, []).append(row["id"])
        for patient_id in row.get("patient_ids", ()):
            # Who takes part in a class is known from its attendees, which the documentation does not print with it.
            seat = {"booking_id": row["id"], "patient_id": patient_id, "created_at": row["created_at"]}
            loaded.setdefault("attendees", []).append(account.put("attendees", seat)["id"])
    if with_settings:
        account.settings = printed_settings()
    return loaded


def stored(example: Example) -> dict[str, Any]:
    """The record as a row: ids are texts, relations `<name>_id`, collections are left out, blank times are null."""
    row: dict[str, Any] = {}
    for name, value in example.record.items():
        if name in ("id", "links"):
            continue
        if _is_link(value):
            found = _LINK.search(value["links"]["self"])
            if found is None:
                continue
            if name == "referrer":
                row[name] = {"type": "Contact" if found["resource"] == "contacts" else "Patient", "id": found["id"]}
            elif name not in ("repeats", "conflicts"):
                row[f"{name}_id"] = found["id"]
        elif name in _ID_LISTS and isinstance(value, list):
            row[name] = [str(item) for item in value]
        else:
            row[name] = None if name in _TIMES and value == "" else value
    row |= example.also
    row["id"] = example.id
    if example.resource == "referral_sources":
        # It has no id in the documentation: its patient tells it apart.
        row["patient_id"] = example.id
    return row


@cache
def _settings() -> bytes:
    return resources.files(__name__).joinpath("settings.json").read_bytes()


def printed_settings() -> dict[str, Any]:
    """The printed answer of /settings, with its ids as texts."""
    printed: dict[str, Any] = msgspec.json.decode(_settings())
    printed.pop("links")
    printed["account"]["id"] = str(printed["account"]["id"])
    order = printed["online_bookings"]["practitioner_order"]
    printed["online_bookings"]["practitioner_order"] = [str(number) for number in order]
    return printed


def _is_link(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"links"} and "self" in value["links"]


def _table(listed: str, record: Mapping[str, Any]) -> str:
    if listed != "bookings":
        return listed
    if "patient" in record:
        return "individual_appointments"
    return "group_appointments" if "max_attendees" in record else "unavailable_blocks"
