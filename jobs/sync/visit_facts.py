"""What a deal shows and other records hold: names, zones, prices, cases. Joined for a page at once."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jobs.mapping.amount import PriceList, appointment_amount
from jobs.mapping.case import sessions_used
from jobs.mapping.catalogue import AppointmentStatus
from jobs.mapping.labels import business_label, practitioner_label
from jobs.mapping.records_deals import DealContext, InvoiceFacts, VisitFacts
from jobs.mapping.zones import zone_name
from jobs.sync import currency, reference
from jobs.sync.context import SyncContext
from webapp.clients.cliniko import filters, resources, resources_deals
from webapp.clients.cliniko.records import Business, Practitioner, User
from webapp.clients.cliniko.records_deals import (
    AppointmentType,
    AppointmentTypeBillableItem,
    BillableItem,
    ConcessionPrice,
    PatientCase,
    Tax,
)
from webapp.clients.errors import Forbidden
from webapp.store import people, visits

ARCHIVED_TOO = (filters.reveal("archived_at"),)
STATUSES = {
    "booked": AppointmentStatus.BOOKED,
    "arrived": AppointmentStatus.ARRIVED,
    "did_not_arrive": AppointmentStatus.DID_NOT_ARRIVE,
    "cancelled": AppointmentStatus.CANCELLED,
}


@dataclass(frozen=True)
class VisitIds:
    """The ids behind one visit."""

    patient_id: str | None
    type_id: str | None
    practitioner_id: str | None
    business_id: str | None
    case_id: str | None = None


def deal_context(ctx: SyncContext) -> DealContext:
    """The account's part of every deal."""
    return DealContext(
        cliniko_account_id=ctx.cliniko_account_id,
        subdomain=ctx.subdomain,
        shard=ctx.shard,
        deal_currency=currency.usable(ctx),
        include_appointment_type=ctx.settings.include_appointment_type,
        include_case_name=ctx.settings.include_case_name,
    )


def facts_of(ctx: SyncContext, found: Sequence[VisitIds]) -> list[VisitFacts]:
    """The facts of these visits, in order."""
    names = patient_names(ctx, {ids.patient_id for ids in found if ids.patient_id})
    types = appointment_types(ctx, {ids.type_id for ids in found if ids.type_id})
    staff = practitioners(ctx, {ids.practitioner_id for ids in found if ids.practitioner_id})
    emails = practitioner_emails(ctx, staff)
    places = businesses(ctx, {ids.business_id for ids in found if ids.business_id})
    cases = read_cases(ctx, {ids.case_id for ids in found if ids.case_id})
    used = _sessions(ctx, cases)
    amounts = _amounts(ctx, found, types) if ctx.settings.add_amount_to_appointments else {}
    facts: list[VisitFacts] = []
    for ids in found:
        kind, who = types.get(ids.type_id or ""), staff.get(ids.practitioner_id or "")
        place = places.get(ids.business_id or "")
        facts.append(
            VisitFacts(
                patient_name=names.get(ids.patient_id or ""),
                type_name=kind.name if kind else None,
                practitioner_name=practitioner_label(who) if who else None,
                practitioner_email=emails.get(ids.practitioner_id or ""),
                business_name=business_label(place) if place else None,
                time_zone=business_zone(ctx, place),
                amount=amounts.get((ids.type_id, ids.patient_id)),
                case=cases.get(ids.case_id or ""),
                case_sessions_used=used.get(ids.case_id or ""),
            )
        )
    return facts


def invoice_facts(ctx: SyncContext, found: Sequence[tuple[str | None, str | None]]) -> list[InvoiceFacts]:
    """The facts of invoices, given as (patient, business) each."""
    names = patient_names(ctx, {patient for patient, _ in found if patient})
    places = businesses(ctx, {business for _, business in found if business})
    return [
        InvoiceFacts(names.get(patient or ""), business_zone(ctx, places.get(business or "")))
        for patient, business in found
    ]


def patient_names(ctx: SyncContext, patient_ids: Collection[str]) -> dict[str, str]:
    """As they stand on the patient's contact; decrypted here and nowhere stored."""
    rows = people.display_rows(ctx.hub_id, ctx.connection_id, "patient", patient_ids)
    which = "called" if ctx.settings.use_preferred_first_name else "name"
    return {patient: json.loads(raw).get(which) or "" for patient, raw in rows.items()}


def business_zone(ctx: SyncContext, place: Business | None) -> str | None:
    """The clinic's clock: of the location, else of its or the account's country."""
    if place is None:
        return zone_name(None, None, ctx.country_code)
    return zone_name(place.time_zone_identifier, place.time_zone, place.country_code, ctx.country_code)


def appointment_types(ctx: SyncContext, wanted: Collection[str] = ()) -> dict[str, AppointmentType]:
    return reference.table(
        ctx,
        "appointment_types",
        AppointmentType,
        resources_deals.list_appointment_types,
        wanted=wanted,
        q=ARCHIVED_TOO,
    )


def practitioners(ctx: SyncContext, wanted: Collection[str] = ()) -> dict[str, Practitioner]:
    """Active and former ones."""
    listers = (resources.list_inactive_practitioners, resources.list_practitioners)
    return reference.table(ctx, "practitioners", Practitioner, *listers, wanted=wanted)


def practitioner_emails(ctx: SyncContext, staff: Mapping[str, Practitioner]) -> dict[str, str]:
    """{practitioner: email of the user behind}; empty when the key may not read users."""
    users = {p.user_id for p in staff.values() if p.user_id}
    if not users:
        return {}
    known = reference.table(ctx, "users", User, resources.list_users, wanted=users)
    return {
        practitioner.id: user.email
        for practitioner in staff.values()
        if (user := known.get(practitioner.user_id or "")) is not None and user.email
    }


def businesses(ctx: SyncContext, wanted: Collection[str] = ()) -> dict[str, Business]:
    hidden = (*ARCHIVED_TOO, filters.reveal("deleted_at"))
    return reference.table(ctx, "businesses", Business, resources.list_businesses, wanted=wanted, q=hidden)


def read_cases(ctx: SyncContext, case_ids: Collection[str]) -> dict[str, PatientCase]:
    """Cases by id, ≤ 50 in one call. Their names can reveal a condition, so they are not kept anywhere."""
    found: dict[str, PatientCase] = {}
    if ctx.access.get("patient_cases") == "forbidden":
        return found
    wanted = sorted(case_ids)
    for start in range(0, len(wanted), filters.MAX_IDS):
        conditions = [filters.id_in(wanted[start : start + filters.MAX_IDS]), *ARCHIVED_TOO]
        try:
            page = resources_deals.list_patient_cases(ctx.cliniko, q=conditions)
        except Forbidden:
            ctx.access["patient_cases"] = "forbidden"
            return {}
        ctx.count("cliniko_reads")
        found |= {case.id: case for case in page.records}
    ctx.memo.setdefault("cases", {}).update(found)
    return found


def refresh_lists(ctx: SyncContext) -> None:
    """Once an hour, look at the lists from which deals were written, so that a new name or price is noticed although
    no record changed."""
    for name, read in _LISTS.items():
        if reference.is_old(ctx, name):
            read(ctx)


def _sessions(ctx: SyncContext, cases: Mapping[str, PatientCase]) -> dict[str, int]:
    """Sessions used, from what the ledger knows of each case's visits."""
    known = visits.of_cases(ctx.connection_id, cases)
    used: dict[str, int] = {}
    for case_id, case in cases.items():
        states: dict[AppointmentStatus, int] = {}
        for _, _, status in known.get(case_id, []):
            if status in STATUSES:
                states[STATUSES[status]] = states.get(STATUSES[status], 0) + 1
        used[case_id] = sessions_used(
            states,
            include_cancelled=case.include_cancelled_attendees,
            include_did_not_arrive=case.include_dna_attendees,
        )
    return used


def _amounts(
    ctx: SyncContext, found: Sequence[VisitIds], types: Mapping[str, AppointmentType]
) -> dict[tuple[str | None, str | None], Decimal | None]:
    """{(type, patient): expected amount}."""
    by_type: dict[str, list[AppointmentTypeBillableItem]] = {}
    for line in _lines(ctx).values():
        by_type.setdefault(line.appointment_type_id or "", []).append(line)
    prices = _prices(ctx)
    concessions = people.concessions(ctx.connection_id, {ids.patient_id for ids in found if ids.patient_id})
    amounts: dict[tuple[str | None, str | None], Decimal | None] = {}
    for ids in found:
        kind = types.get(ids.type_id or "")
        if kind is None or (ids.type_id, ids.patient_id) in amounts:
            continue
        amounts[ids.type_id, ids.patient_id] = appointment_amount(
            by_type.get(kind.id, []),
            single_item_id=kind.billable_item_id,
            concession_type_id=concessions.get(ids.patient_id or ""),
            prices=prices,
            prices_include_tax=ctx.settings.prices_include_tax,
        )
    return amounts


def _prices(ctx: SyncContext) -> PriceList:
    items: dict[str, Any] = dict(_items(ctx))
    return PriceList(
        items=items,
        tax_rates={tax.id: tax.rate for tax in _taxes(ctx).values()},
        concession_prices={
            (price.billable_item_id or "", price.concession_type_id or ""): price.price
            for price in _concession_prices(ctx).values()
        },
    )


def _lines(ctx: SyncContext) -> dict[str, AppointmentTypeBillableItem]:
    lister = resources_deals.list_appointment_type_billable_items
    return reference.table(ctx, "appointment_type_billable_items", AppointmentTypeBillableItem, lister)


def _items(ctx: SyncContext) -> dict[str, BillableItem]:
    return reference.table(ctx, "billable_items", BillableItem, resources_deals.list_billable_items, q=ARCHIVED_TOO)


def _taxes(ctx: SyncContext) -> dict[str, Tax]:
    return reference.table(ctx, "taxes", Tax, resources_deals.list_taxes)


def _concession_prices(ctx: SyncContext) -> dict[str, ConcessionPrice]:
    return reference.table(ctx, "concession_prices", ConcessionPrice, resources_deals.list_concession_prices)


def _users(ctx: SyncContext) -> dict[str, User]:
    return reference.table(ctx, "users", User, resources.list_users)


# In this order: what changed about an owner or a user is traced to practitioners.
_LISTS: Mapping[str, Callable[[SyncContext], object]] = {
    "appointment_types": appointment_types,
    "practitioners": practitioners,
    "users": _users,
    "owners": reference.owner_book,
    "businesses": businesses,
    "appointment_type_billable_items": _lines,
    "billable_items": _items,
    "taxes": _taxes,
    "concession_prices": _concession_prices,
}
