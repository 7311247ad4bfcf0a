"""Turns appointments that were read into deals: individual ones by themselves, group ones per attendee."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from jobs.mapping.appointment import appointment_key, attendee_key, map_appointment, map_attendee
from jobs.mapping.visits import appointment_case_id
from jobs.mapping.window import in_scope, scope
from jobs.sync import deals, seen, visit_index
from jobs.sync.appointment_reads import came_back
from jobs.sync.context import SyncContext
from jobs.sync.deal_items import DealItem
from jobs.sync.erased import without_erased
from jobs.sync.patient_contacts import PatientContact, find_contacts
from jobs.sync.visit_facts import VisitIds, deal_context, facts_of
from webapp.clients.cliniko.records_deals import Attendee, GroupAppointment, IndividualAppointment, PatientCase
from webapp.clock import now
from webapp.store import ledger, visits
from webapp.store.visits import ATTENDEE, INDIVIDUAL

Commit = Callable[[], None]
CASE = "patient_case"
R = TypeVar("R", IndividualAppointment, Attendee)


def process_individual(
    ctx: SyncContext,
    records: Sequence[IndividualAppointment],
    attendees: Mapping[str, Attendee],
    *,
    forced: bool = False,
    commit_cursor: Commit = lambda: None,
) -> None:
    """≤ 100 individual appointments; `attendees` by appointment id."""
    records = without_erased(ctx, records)
    fed = [attendees[r.id] for r in records if r.id in attendees]
    seen.forget(ctx, INDIVIDUAL, [r.id for r in records])
    seen.forget(ctx, ATTENDEE, [a.id for a in fed])
    ctx.keeper.guard()
    touched = visit_index.save_individual(ctx, records, attendees)
    visit_index.follow_up(ctx, touched, [(INDIVIDUAL, r.id) for r in records])
    ctx.commit()
    wanted = _wanted(ctx, INDIVIDUAL, records, {r.id: r.starts_at for r in records})
    contacts = find_contacts(ctx, {r.patient_id for r in wanted if r.patient_id})
    ids = [
        VisitIds(
            _survivor(contacts, r.patient_id),
            r.appointment_type_id,
            r.practitioner_id,
            r.business_id,
            appointment_case_id(r, attendees.get(r.id)),
        )
        for r in wanted
    ]
    context = deal_context(ctx)
    items = [
        DealItem(
            kind=INDIVIDUAL,
            cliniko_id=record.id,
            key=appointment_key(ctx.cliniko_account_id, record.id),
            patient_id=record.patient_id,
            practitioner_id=record.practitioner_id,
            practitioner_email=facts.practitioner_email,
            mapped=map_appointment(record, attendees.get(record.id), facts=facts, context=context),
            updated_at=seen.changed_at(record, attendees.get(record.id)),
            in_scope=True,
        )
        for record, facts in zip(wanted, facts_of(ctx, ids), strict=True)
    ]
    deals.process(ctx, items, forced=forced, commit_cursor=_and_back(ctx, INDIVIDUAL, records, commit_cursor))
    seen.remember(ctx, INDIVIDUAL, records)
    seen.remember(ctx, ATTENDEE, fed)
    _remember_cases(ctx, INDIVIDUAL, records)


def process_attendees(
    ctx: SyncContext,
    records: Sequence[Attendee],
    groups: Mapping[str, GroupAppointment],
    *,
    forced: bool = False,
    commit_cursor: Commit = lambda: None,
) -> None:
    """≤ 100 attendees of group appointments; `groups` by id."""
    records = without_erased(ctx, records)
    of_record = {r.id: groups[r.booking_id or ""] for r in records}
    seen.forget(ctx, ATTENDEE, list(of_record))
    ctx.keeper.guard()
    touched = visit_index.save_attendees(ctx, records, groups)
    visit_index.follow_up(ctx, touched, [(ATTENDEE, r.id) for r in records])
    ctx.commit()
    wanted = _wanted(ctx, ATTENDEE, records, {r.id: of_record[r.id].starts_at for r in records})
    contacts = find_contacts(ctx, {r.patient_id for r in wanted if r.patient_id})
    ids = [_group_ids(r, _survivor(contacts, r.patient_id), of_record[r.id]) for r in wanted]
    context = deal_context(ctx)
    items = [
        DealItem(
            kind=ATTENDEE,
            cliniko_id=record.id,
            key=attendee_key(ctx.cliniko_account_id, record.id),
            patient_id=record.patient_id,
            practitioner_id=of_record[record.id].practitioner_id,
            practitioner_email=facts.practitioner_email,
            mapped=map_attendee(record, of_record[record.id], facts=facts, context=context),
            updated_at=seen.changed_at(record, of_record[record.id]),
            in_scope=True,
        )
        for record, facts in zip(wanted, facts_of(ctx, ids), strict=True)
    ]
    deals.process(ctx, items, forced=forced, commit_cursor=_and_back(ctx, ATTENDEE, records, commit_cursor))
    seen.remember(ctx, ATTENDEE, records)
    _remember_cases(ctx, ATTENDEE, records)


def _remember_cases(ctx: SyncContext, kind: str, records: Sequence[Any]) -> None:
    """A case whose visits have all been taken care of with what it says now needs no look of its own."""
    cases: dict[str, PatientCase] = ctx.memo.pop("cases", {})
    seen.forget(ctx, CASE, list(cases))
    done = {(kind, record.id) for record in records}
    known = visits.of_cases(ctx.connection_id, cases)
    whole = [c for i, c in cases.items() if {(k, number) for k, number, _ in known.get(i, [])} <= done]
    seen.remember(ctx, CASE, whole)


def _wanted(ctx: SyncContext, kind: str, records: Sequence[R], starts: Mapping[str, datetime | None]) -> list[R]:
    """Those in scope, and those that have a deal or wait for one: these are followed wherever they go."""
    linked = ledger.by_cliniko(ctx.connection_id, kind, list(starts))
    window = scope(now(), ctx.last_success_at, ctx.settings.individual_appointments_days_forward)
    return [r for r in records if in_scope(window, starts[r.id], linked=r.id in linked)]


def _and_back(ctx: SyncContext, kind: str, records: Sequence[Any], commit: Commit) -> Commit:
    """These could be read: what was said against that no longer holds."""

    def both() -> None:
        came_back(ctx, kind, [record.id for record in records])
        commit()

    return both


def _survivor(contacts: Mapping[str, PatientContact], patient_id: str | None) -> str | None:
    return contacts[patient_id].patient_id if patient_id else None


def _group_ids(record: Attendee, patient_id: str | None, group: GroupAppointment) -> VisitIds:
    return VisitIds(
        patient_id,
        group.appointment_type_id,
        group.practitioner_id,
        group.business_id,
        record.patient_case_id,
    )
