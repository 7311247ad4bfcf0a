"""Writes the visit summary to the contacts of patients whose visits or invoices changed, or for whom time passed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from jobs.mapping.labels import business_label, practitioner_label
from jobs.mapping.summary import Visit, next_change_at, summarise
from jobs.sync.context import SyncContext
from jobs.sync.items import agree, changed, pack_fields, read_fields
from jobs.sync.refusals import classify
from jobs.sync.sending import Target, send_updates
from jobs.sync.visit_facts import STATUSES, appointment_types, businesses, practitioners
from webapp.clock import now
from webapp.store import activity, issues, visits
from webapp.store import summaries as store
from webapp.store.activity import Line
from webapp.store.summaries import DueSummary

PAID = 20
MAX_TRIES = 4
# What HubSpot did not take is tried again after this time.
REFUSED_FOR = timedelta(days=1)


@dataclass
class SummaryWrite:
    """One contact to update."""

    due: DueSummary
    hubspot_id: str | None
    agreed: dict[str, bytes]
    properties: dict[str, str]
    next_at: Any
    refused: set[str] = field(default_factory=set)

    @property
    def trace_id(self) -> str:
        return self.due.patient_id

    @property
    def key(self) -> str:
        return ""


def step(ctx: SyncContext) -> bool:
    """At most 100 summaries that are due, in one batch. False when there was none."""
    if not store.due(ctx.connection_id, now(), limit=1):
        return False
    with ctx.keeper.identity_lock():
        # Read under the lock: another stream may have written them a moment ago.
        found = store.due(ctx.connection_id, now())
        if found:
            _write(ctx, found)
    return True


def start_over(ctx: SyncContext) -> None:
    """What is written has changed: every summary is computed again. The caller commits."""
    store.touch_all(ctx.hub_id)


def _write(ctx: SyncContext, found: list[DueSummary]) -> None:
    moment = now()
    of_patient = _visits(ctx, [due.patient_id for due in found])
    bills = visits.bills_of(ctx.connection_id, [due.patient_id for due in found])
    writes: list[SummaryWrite] = []
    for due in found:
        mine = of_patient.get(due.patient_id, [])
        paid = [b.total for b in bills.get(due.patient_id, []) if b.status == PAID]
        values = summarise(
            mine,
            paid if ctx.settings.sync_invoices else None,
            moment,
            include_appointment_type=ctx.settings.include_appointment_type,
        )
        writable = {name: value for name, value in values.items() if name in ctx.writable}
        # Another contact than last time knows nothing of what was written before.
        agreed = read_fields(due.fields) if due.contact_id == due.hubspot_id else {}
        properties = changed(ctx, writable, agreed)
        writes.append(SummaryWrite(due, due.hubspot_id, agreed, properties, next_change_at(mine, moment)))
    _send(ctx, [w for w in writes if w.properties])
    activity.note(
        ctx.hub_id,
        ctx.stream,
        [
            Line("updated", "patient", w.due.patient_id, w.hubspot_id, tuple(w.properties))
            for w in writes
            if w.properties and not w.refused
        ],
    )
    store.written(ctx.hub_id, ctx.connection_id, [_row(ctx, write) for write in writes])
    ctx.count("summaries", sum(1 for w in writes if w.properties and not w.refused))
    ctx.commit()


def _send(ctx: SyncContext, writes: list[SummaryWrite]) -> None:
    """One batch, and what HubSpot refused of it once more without the properties that it named."""
    for _ in range(MAX_TRIES):
        outcomes = send_updates(ctx, _target(ctx), writes)
        ctx.keeper.guard()
        writes = []
        for outcome in outcomes:
            write = outcome.write
            if outcome.error is None and not outcome.gone:
                continue
            refusal = classify(outcome.error, frozenset(write.properties), "") if outcome.error is not None else None
            dropped = set(refusal.fields) if refusal is not None and refusal.action == "drop" else set()
            if dropped and dropped != write.properties.keys():
                write.refused |= dropped
                write.properties = {n: v for n, v in write.properties.items() if n not in dropped}
                writes.append(write)
                continue
            # Nothing of the summary is a person's to correct: the patient's own stream tells what is wrong.
            write.refused |= write.properties.keys()
            issues.add_work(ctx.hub_id, ctx.connection_id, "patient", [write.due.patient_id], "summary")
        if not writes:
            break
    for write in writes:
        write.refused |= write.properties.keys()
    ctx.commit()


def _row(ctx: SyncContext, write: SummaryWrite) -> Mapping[str, Any]:
    sent = {name: value for name, value in write.properties.items() if name not in write.refused}
    later = now() + REFUSED_FOR
    return {
        "patient_id": write.due.patient_id,
        "seen_at": write.due.due_at,
        "due_at": min(write.next_at or later, later) if write.refused else write.next_at,
        "contact_id": write.hubspot_id,
        "fields": pack_fields(agree(ctx, write.agreed, sent)),
    }


def _target(ctx: SyncContext) -> Target:
    stamp = "cliniko_synced_at"
    return Target("contacts", "cliniko_patient_key", stamp if stamp in ctx.writable else None)


def _visits(ctx: SyncContext, patient_ids: list[str]) -> dict[str, list[Visit]]:
    known = visits.of_patients(ctx.connection_id, patient_ids)
    everything = [visit for rows in known.values() for visit in rows]
    types = appointment_types(ctx, {v.type_id for v in everything if v.type_id})
    staff = practitioners(ctx, {v.practitioner_id for v in everything if v.practitioner_id})
    places = businesses(ctx, {v.business_id for v in everything if v.business_id})
    found: dict[str, list[Visit]] = {}
    for patient, rows in known.items():
        for row in rows:
            if row.starts_at is None or row.status not in STATUSES:
                continue
            kind, who = types.get(row.type_id or ""), staff.get(row.practitioner_id or "")
            place = places.get(row.business_id or "")
            found.setdefault(patient, []).append(
                Visit(
                    starts_at=row.starts_at,
                    ends_at=row.ends_at,
                    stage=STATUSES[row.status],
                    type_name=(kind.name or "") if kind else "",
                    practitioner_name=practitioner_label(who) if who else "",
                    business_name=business_label(place) if place else "",
                )
            )
    return found
