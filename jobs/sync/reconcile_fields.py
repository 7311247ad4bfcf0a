"""Compares records of HubSpot with what the ledger believes to be there, and tells whose a difference is.

A value that a person or another app changed stays. One that we wrote and that is not there was lost, and its stream
writes it again. A property that HubSpot keeps in a form of its own is recognised when that changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.sync.context import SyncContext
from jobs.sync.reconcile_report import Report
from jobs.sync.verifying import NEVER_COMPARED, differing_fields, ours, read_histories, written_at
from webapp.clients.hubspot import objects
from webapp.clients.hubspot.objects import Record
from webapp.store.ledger import LinkRow

PLACE = ("pipeline", "dealstage")
# By these we know which record is whose: ours whoever wrote them last.
KEYS = frozenset({"cliniko_patient_key", "cliniko_contact_key", "cliniko_key"})


@dataclass(frozen=True)
class Held:
    """What HubSpot should hold of one linked record: digests of values, fields that are blank in Cliniko, and for a
    deal where it stands."""

    link: LinkRow
    agreed: Mapping[str, bytes]
    blank: frozenset[str] = frozenset()
    place: tuple[str | None, str | None] | None = None


@dataclass
class Seen:
    """What HubSpot answered, by HubSpot id: records, ids that did not come (`unknown` are those of which it said so),
    and whose each difference is. `left_over` are values that we once wrote and that should be gone."""

    records: dict[str, Record] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    lost: dict[str, set[str]] = field(default_factory=dict)
    left_over: dict[str, set[str]] = field(default_factory=dict)
    theirs: dict[str, set[str]] = field(default_factory=dict)
    stored: dict[str, set[str]] = field(default_factory=dict)


def look(
    ctx: SyncContext, report: Report, object_type: str, held: Mapping[str, Held], also: Collection[str] = ()
) -> Seen:
    """Read ≤ 100 records in one call, and histories only where something differs. `also` is read but not compared."""
    seen = Seen()
    if not held:
        return seen
    names = {name for one in held.values() for name in (*one.agreed, *one.blank)} | set(also)
    result = objects.batch_read(ctx.hubspot, object_type, list(held), sorted(names - NEVER_COMPARED))
    ctx.count("hubspot_calls")
    seen.records = {record.id: record for record in result.results if record.id in held and not record.archived}
    seen.missing = [hubspot_id for hubspot_id in held if hubspot_id not in seen.records]
    seen.unknown = {i for error in result.errors if error.category == "OBJECT_NOT_FOUND" for i in error.ids}
    suspects = {i: found for i, record in seen.records.items() if (found := _differing(ctx, held[i], record))}
    if suspects:
        _tell_apart(ctx, report, object_type, held, suspects, seen)
    return seen


def _differing(ctx: SyncContext, held: Held, record: Record) -> list[str]:
    found = differing_fields(ctx, held.agreed, record)
    found += [name for name in held.blank if name not in held.agreed and record.properties.get(name)]
    if held.place is not None:
        found += [n for n, known in zip(PLACE, held.place, strict=True) if known != (record.properties.get(n) or None)]
    return found


def _tell_apart(
    ctx: SyncContext,
    report: Report,
    object_type: str,
    held: Mapping[str, Held],
    suspects: Mapping[str, Sequence[str]],
    seen: Seen,
) -> None:
    doubtful = {i: [name for name in names if name not in KEYS] for i, names in suspects.items()}
    histories = read_histories(ctx, object_type, doubtful)
    stored = {name.partition(".")[2] for name in report.known_stored if name.startswith(f"{object_type}.")}
    for hubspot_id, names in suspects.items():
        one, history = held[hubspot_id], histories.get(hubspot_id, {})
        for name in names:
            left_over = name in one.blank and name not in one.agreed
            newest = _newest(history, name)
            if name not in KEYS and not _is_ours(newest, seen.records[hubspot_id].properties.get(name)):
                # What Cliniko says nothing about and others fill in is no difference.
                group = {} if left_over else seen.theirs
            elif left_over:
                group = seen.left_over
            elif newest is not None and name not in PLACE and (name in stored or _repeated(report, newest)):
                group = seen.stored
            else:
                group = seen.lost
            group.setdefault(hubspot_id, set()).add(name)


def _is_ours(newest: Mapping[str, Any] | None, value: str | None) -> bool:
    """Did we write this last? A blank without a history was never written, so a write of ours did not arrive; a value
    without a history is nothing to judge by."""
    return not value if newest is None else ours(newest)


def _newest(history: Mapping[str, Sequence[Mapping[str, Any]]], name: str) -> Mapping[str, Any] | None:
    entries = history.get(name)
    return entries[0] if entries else None


def _repeated(report: Report, newest: Mapping[str, Any]) -> bool:
    """Did this reconcile have the value written again, and does HubSpot's history show that it arrived?"""
    moment = written_at(newest)
    return not report.repairs and moment is not None and moment >= report.began
