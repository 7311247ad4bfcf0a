"""Compares what HubSpot holds with what we believe both sides agreed on, and forgets what is not so.

Forgotten fields are written with the next look at their record. A value that a person changed in HubSpot is no
mismatch: it stays until Cliniko changes that field. Whose change it was is told by HubSpot's property history.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from jobs.mapping.digest import field_digest
from jobs.mapping.push import PATIENT_PROPERTIES
from jobs.sync.context import SyncContext
from jobs.sync.items import pack_fields, read_fields
from webapp.clients.hubspot import objects
from webapp.clients.hubspot.objects import Record
from webapp.config import current_settings
from webapp.store import ledger
from webapp.store.ledger import LinkRow

# A batch read with history takes this many records.
HISTORY_BATCH = 50
NEVER_COMPARED = frozenset({"cliniko_synced_at", "cliniko_sync_status", "cliniko_sync_message"})


def forget_mismatches(ctx: SyncContext, kind: str, cliniko_ids: Sequence[str]) -> dict[str, list[str]]:
    """{Cliniko id: fields that are not in HubSpot as agreed} of linked records; these fields are forgotten. Commits.

    Records that HubSpot does not return are left out: whether they are gone is for others to find."""
    links = ledger.by_cliniko(ctx.connection_id, kind, cliniko_ids)
    linked = {str(row.hubspot_id): row for row in links.values() if row.state == "linked" and row.hubspot_id}
    found = compare(ctx, "deals" if kind not in ("patient", "contact") else "contacts", linked)
    if found:
        ctx.keeper.guard()
        ledger.put([forgotten(ctx, kind, linked[hubspot_id], names) for hubspot_id, names in found.items()])
        ctx.commit()
    return {linked[hubspot_id].cliniko_id: names for hubspot_id, names in found.items()}


def compare(ctx: SyncContext, object_type: str, linked: Mapping[str, LinkRow]) -> dict[str, list[str]]:
    """{HubSpot id: fields whose value is neither as agreed nor somebody else's change}."""
    suspects: dict[str, list[str]] = {}
    ids = list(linked)
    for start in range(0, len(ids), 100):
        part = ids[start : start + 100]
        names = sorted({name for i in part for name in read_fields(linked[i].fields)} - NEVER_COMPARED)
        if not names:
            continue
        result = objects.batch_read(ctx.hubspot, object_type, part, names)
        ctx.count("hubspot_calls")
        for record in result.results:
            if record.id in linked:
                differing = differing_fields(ctx, read_fields(linked[record.id].fields), record)
                if differing:
                    suspects[record.id] = differing
    return _ours_to_mend(ctx, object_type, suspects)


def differing_fields(ctx: SyncContext, agreed: Mapping[str, bytes], record: Record) -> list[str]:
    """Agreed fields whose value in HubSpot is another one."""
    return [
        name
        for name, digest in agreed.items()
        if name not in NEVER_COMPARED
        and digest not in {field_digest(ctx.digest_key, name, form) for form in _forms(record.properties.get(name))}
    ]


def read_histories(
    ctx: SyncContext, object_type: str, suspects: Mapping[str, Sequence[str]]
) -> dict[str, Mapping[str, Sequence[Mapping[str, Any]]]]:
    """{HubSpot id: {field: its values, newest first}} of these fields."""
    found: dict[str, Mapping[str, Sequence[Mapping[str, Any]]]] = {}
    ids = [hubspot_id for hubspot_id, names in suspects.items() if names]
    for start in range(0, len(ids), HISTORY_BATCH):
        part = ids[start : start + HISTORY_BATCH]
        names = sorted({name for i in part for name in suspects[i]})
        result = objects.batch_read(ctx.hubspot, object_type, part, [], history=names)
        ctx.count("hubspot_calls")
        found |= {record.id: record.history for record in result.results}
    return found


def is_own(name: str) -> bool:
    """One of the properties that we created: ours to keep right whoever wrote it, but for those that a person fills in
    for a push."""
    return name.startswith("cliniko_") and name not in PATIENT_PROPERTIES


def ours(entry: Mapping[str, Any]) -> bool:
    """Did we write this value?"""
    kind = str(entry.get("sourceType") or entry.get("source") or "").upper()
    return kind == "INTEGRATION" and str(entry.get("sourceId")) == current_settings().hubspot_app_id


def written_at(entry: Mapping[str, Any]) -> datetime | None:
    """When a value was written."""
    value = entry.get("timestamp")
    try:
        if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ours_to_mend(ctx: SyncContext, object_type: str, suspects: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Leave out what somebody else wrote last. Our own properties are ours whoever wrote them."""
    doubtful = {i: [n for n in names if not is_own(n)] for i, names in suspects.items()}
    histories = read_histories(ctx, object_type, doubtful)
    found: dict[str, list[str]] = {}
    for hubspot_id, names in suspects.items():
        history = histories.get(hubspot_id, {})
        mine = [n for n in names if is_own(n) or not history.get(n) or ours(history[n][0])]
        if mine:
            found[hubspot_id] = mine
    return found


def _forms(value: str | None) -> Iterator[str]:
    """A value in the forms in which we may have written it: HubSpot normalises some."""
    text = value or ""
    yield text
    yield text.casefold()
    yield from _number_forms(text)
    yield from _time_forms(text)


def _number_forms(text: str) -> Iterator[str]:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return
    if number.is_finite():
        yield str(number.quantize(Decimal("0.01"))) if abs(number) < Decimal(10) ** 20 else text
        yield f"{number.normalize():f}"


def _time_forms(text: str) -> Iterator[str]:
    try:
        moment = datetime.fromisoformat(text) if "T" in text else datetime.fromtimestamp(int(text) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return
    utc = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    yield f"{utc:%Y-%m-%dT%H:%M:%SZ}"
    yield f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
    yield f"{utc:%Y-%m-%d}"


def forgotten(ctx: SyncContext, kind: str, link: LinkRow, names: Collection[str]) -> dict[str, Any]:
    """The link's row without what both sides were believed to agree on in these fields."""
    kept = {name: digest for name, digest in read_fields(link.fields).items() if name not in names}
    row: dict[str, Any] = {
        "hub_id": ctx.hub_id,
        "connection_id": link.connection_id,
        "kind": kind,
        "cliniko_id": link.cliniko_id,
        "state": "linked",
        "fields": pack_fields(kept),
        "digest": None,
    }
    if "email" in names:
        row["email_hmac"] = None
    return row
