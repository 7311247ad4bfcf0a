"""A name, a price or an owner changed in a reference list: what was written from it is written again, and nothing else.

A location that was renamed concerns its own appointments, not all of them; so one statement finds those that point at
what changed, whatever their number.
"""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from jobs.mapping.emails import email_key
from jobs.mapping.owner import PRACTITIONER
from jobs.sync.context import SyncContext
from webapp.clock import now
from webapp.store import ledger, streams, summaries

# The columns of each list that reach HubSpot. A record that was merely touched changes nothing.
WRITTEN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "appointment_types": ("name", "billable_item_id"),
        "appointment_type_billable_items": (
            "appointment_type_id",
            "billable_item_id",
            "quantity",
            "discount_percentage",
            "discounted_amount",
            "is_monetary_discount",
        ),
        "billable_items": ("price", "tax_id"),
        "taxes": ("rate",),
        "concession_prices": ("price", "billable_item_id", "concession_type_id"),
        "practitioners": ("display_name", "label", "title", "first_name", "last_name", "user_id"),
        "users": ("email",),
        "businesses": ("display_name", "business_name", "label", "time_zone_identifier", "time_zone", "country_code"),
        "owners": ("email", "archived"),
        "concession_types": ("name",),
        "referral_source_types": ("name",),
    }
)
# Prices reach deals by several steps, and only while amounts are wanted.
PRICES = frozenset({"appointment_type_billable_items", "billable_items", "taxes", "concession_prices"})
PEOPLE = frozenset({"concession_types", "referral_source_types"})
VISIT_KINDS = ("individual_appointment", "attendee")
# The column of a visit that points at a record of each list.
_POINTS = {"appointment_types": "type_id", "practitioners": "practitioner_id", "businesses": "business_id"}


def noticed(
    ctx: SyncContext,
    list_name: str,
    changed: Collection[str],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """These records of a list are new, or say something else than when they were last read. Commits."""
    known = {i for i in changed if i in before}
    if list_name in PEOPLE:
        _reread(ctx, ["patients"] if known else [])
    elif list_name in PRICES:
        _reread(ctx, ["appointments"] if ctx.settings.add_amount_to_appointments else [])
    elif list_name == "users":
        _practitioners_changed(ctx, _practitioners_of(ctx, changed))
    elif list_name == "owners":
        _owners_changed(ctx, changed, {book[i].email for book in (before, after) for i in changed if i in book})
    else:
        _visits_changed(ctx, _POINTS[list_name], changed)
        # Of what a type is called an invoice says nothing.
        _reread(ctx, ["invoices"] if known and list_name != "appointment_types" else [])


def _visits_changed(ctx: SyncContext, column: str, ids: Collection[str]) -> None:
    ctx.keeper.guard()
    ledger.reread_pointing(ctx.hub_id, ctx.connection_id, VISIT_KINDS, column, ids, now())
    summaries.touch_pointing(ctx.hub_id, ctx.connection_id, column, ids)
    ctx.commit()


def _practitioners_changed(ctx: SyncContext, practitioners: Collection[str]) -> None:
    """Their email, or who in HubSpot has it. Invoices name no practitioner, but may belong to one."""
    if practitioners:
        _visits_changed(ctx, "practitioner_id", practitioners)
        _reread(ctx, ["invoices"] if ctx.settings.invoice_deal_owner == PRACTITIONER else [])


def _owners_changed(ctx: SyncContext, owners: Collection[str], emails: Collection[str | None]) -> None:
    fixed = {"appointments": ctx.settings.appointment_deal_owner, "invoices": ctx.settings.invoice_deal_owner}
    _reread(ctx, [stream for stream, owner in fixed.items() if owner in owners])
    addresses = {email_key(email) for email in emails} - {None}
    users = {user.id for user in ctx.memo.get("users", {}).values() if email_key(user.email) in addresses}
    by_hand = {practitioner for practitioner, owner in ctx.settings.practitioner_owners.items() if owner in owners}
    _practitioners_changed(ctx, _practitioners_of(ctx, users) | by_hand)


def _practitioners_of(ctx: SyncContext, users: Collection[str]) -> set[str]:
    return {p.id for p in ctx.memo.get("practitioners", {}).values() if p.user_id in users}


def _reread(ctx: SyncContext, names: Sequence[str]) -> None:
    if names:
        streams.ask_reread(ctx.hub_id, names)
