"""Reads Cliniko's JSON leniently: "" and null alike, ids as text or number, missing keys, unknown keys ignored.

Times come back aware in UTC, days as dates. A record that still cannot be read is reported by its id, and the reason
names the field, never a value.
"""

import re
import types
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

_LINK = re.compile(r"/(?P<resource>[a-z_]+)/(?P<id>\d+)/?(?:[?#].*)?$", re.ASCII)


class Unreadable(ValueError):
    """A record has another shape than expected; the text names a field and holds no value."""


def link_id(value: object, resource: str | None = None) -> str | None:
    """The id in a to-one link object, or None: missing, null, `{}`, a collection, or another kind of record."""
    links = value.get("links") if isinstance(value, Mapping) else None
    address = links.get("self") if isinstance(links, Mapping) else None
    found = _LINK.search(address) if isinstance(address, str) else None
    if found is None or (resource is not None and found["resource"] != resource):
        return None
    return found["id"]


def link_resource(value: object) -> str | None:
    """The kind of record a to-one link points at, such as `patients`."""
    if link_id(value) is None or not isinstance(value, Mapping):
        return None
    found = _LINK.search(value["links"]["self"])
    return found["resource"] if found else None


def read(kind: type[T], raw: object) -> T:
    """One record. Raises Unreadable."""
    prepared = _prepare(kind, raw)
    try:
        return msgspec.convert(prepared, kind, strict=False)
    except msgspec.ValidationError as error:
        # The reader's message ends with the path; what stands before it may repeat a value.
        path = re.search(r"`\$\.?([A-Za-z0-9_.\[\]]*)`", str(error))
        raise Unreadable(f"{kind.__name__}: unexpected value in {(path and path[1]) or 'the record'}") from None


def read_all(kind: type[T], items: Sequence[object]) -> tuple[list[T], list[tuple[str, str]]]:
    """(records, unreadable ones as (id or "", reason)): one bad record does not lose the page."""
    records: list[T] = []
    bad: list[tuple[str, str]] = []
    for item in items:
        try:
            records.append(read(kind, item))
        except Unreadable as error:
            bad.append((_id_of(item), str(error)))
    return records, bad


def _id_of(item: object) -> str:
    value = item.get("id") if isinstance(item, Mapping) else None
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdigit() else ""


def _prepare(kind: type[msgspec.Struct], raw: object) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise Unreadable(f"{kind.__name__}: not an object")
    prepared: dict[str, Any] = {}
    for name, expected, item_kind in _plan(kind):
        value = raw.get(name)
        if value is None or value == "":
            continue
        try:
            prepared[name] = _value(expected, item_kind, value)
        except Unreadable:
            raise
        except (ValueError, OverflowError):
            raise Unreadable(f"{kind.__name__}: unexpected value in {name}") from None
    identifier = prepared.get("id", "0")
    if not (isinstance(identifier, str) and identifier.isascii() and identifier.isdigit()):
        raise Unreadable(f"{kind.__name__}: unexpected value in id")
    return prepared


def _value(expected: frozenset[type], item_kind: type[msgspec.Struct] | None, value: Any) -> Any:
    if item_kind is not None:
        if not isinstance(value, list):
            raise ValueError
        return [_prepare(item_kind, item) for item in value if item is not None]
    if str in expected and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if datetime in expected and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if date in expected and isinstance(value, str):
        return date.fromisoformat(value[:10])
    return value


@cache
def _plan(kind: type[msgspec.Struct]) -> tuple[tuple[str, frozenset[type], type[msgspec.Struct] | None], ...]:
    plan = []
    for field in msgspec.structs.fields(kind):
        union = get_origin(field.type) in (Union, types.UnionType)
        members = get_args(field.type) if union else (field.type,)
        items = next((get_args(m)[0] for m in members if get_origin(m) is tuple), None)
        is_struct = isinstance(items, type) and issubclass(items, msgspec.Struct)
        plan.append((field.encode_name, frozenset(members), items if is_struct else None))
    return tuple(plan)
