"""Turns appointments that were read into deals: individual ones by themselves, group ones per attendee."""

from collections.abc import Callable, Mapping, Sequence

from jobs.mapping.appointment import appointment_key, attendee_key, map_appointment, map_attendee
from jobs.mapping.visits import appointment_case_id
from jobs.mapping.window import in_scope, scope
from jobs.sync import deals, visit_index
from jobs.sync.context import SyncContext
from jobs.sync.deal_items import DealItem
from jobs.sync.erased import without_erased
from jobs.sync.patient_contacts import find_contacts
from jobs.sync.visit_facts import VisitIds, deal_context, facts_of
from webapp.clients.cliniko.records_deals import Attendee, GroupAppointment, IndividualAppointment
from webapp.clock import now
from webapp.store import ledger
from webapp.store.visits import ATTENDEE, INDIVIDUAL

Commit = Callable[[], None]


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
    ctx.keeper.guard()
    touched = visit_index.save_individual(ctx, records, attendees)
    visit_index.follow_up(ctx, touched, [(INDIVIDUAL, r.id) for r in records])
    ctx.commit()
    wanted = _wanted(ctx, INDIVIDUAL, records)
    find_contacts(ctx, {r.patient_id for r in wanted if r.patient_id})
    ids = [
        VisitIds(
            r.patient_id,
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
            updated_at=record.updated_at,
            in_scope=True,
        )
        for record, facts in zip(wanted, facts_of(ctx, ids), strict=True)
    ]
    deals.process(ctx, items, forced=forced, commit_cursor=commit_cursor)


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
    ctx.keeper.guard()
    touched = visit_index.save_attendees(ctx, records, groups)
    visit_index.follow_up(ctx, touched, [(ATTENDEE, r.id) for r in records])
    ctx.commit()
    linked = ledger.by_cliniko(ctx.connection_id, ATTENDEE, [r.id for r in records])
    window = scope(now(), ctx.last_success_at, ctx.settings.individual_appointments_days_forward)
    wanted = [r for r in records if in_scope(window, groups[r.booking_id or ""].starts_at, linked=r.id in linked)]
    find_contacts(ctx, {r.patient_id for r in wanted if r.patient_id})
    ids = [_group_ids(r, groups[r.booking_id or ""]) for r in wanted]
    context = deal_context(ctx)
    items = [
        DealItem(
            kind=ATTENDEE,
            cliniko_id=record.id,
            key=attendee_key(ctx.cliniko_account_id, record.id),
            patient_id=record.patient_id,
            practitioner_id=groups[record.booking_id or ""].practitioner_id,
            practitioner_email=facts.practitioner_email,
            mapped=map_attendee(record, groups[record.booking_id or ""], facts=facts, context=context),
            updated_at=record.updated_at,
            in_scope=True,
        )
        for record, facts in zip(wanted, facts_of(ctx, ids), strict=True)
    ]
    deals.process(ctx, items, forced=forced, commit_cursor=commit_cursor)


def _wanted(ctx: SyncContext, kind: str, records: Sequence[IndividualAppointment]) -> list[IndividualAppointment]:
    """Those in scope, and those that have a deal or wait for one: these are followed wherever they go."""
    linked = ledger.by_cliniko(ctx.connection_id, kind, [r.id for r in records])
    window = scope(now(), ctx.last_success_at, ctx.settings.individual_appointments_days_forward)
    return [r for r in records if in_scope(window, r.starts_at, linked=r.id in linked)]


def _group_ids(record: Attendee, group: GroupAppointment) -> VisitIds:
    return VisitIds(
        record.patient_id,
        group.appointment_type_id,
        group.practitioner_id,
        group.business_id,
        record.patient_case_id,
    )
