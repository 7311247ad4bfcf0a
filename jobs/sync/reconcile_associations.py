"""Each linked deal is with its patient's contact. Contacts that others put on a deal stay there."""

from collections.abc import Sequence
from contextlib import nullcontext

from jobs.sync import reconcile_lists
from jobs.sync.context import SyncContext
from jobs.sync.patient_contacts import known_contacts
from jobs.sync.reconcile_report import ASSOCIATION, Report
from webapp.clients.hubspot import associations
from webapp.store import comparing, ledger
from webapp.store.comparing import LinkedDeal

# One call reads the contacts of up to a thousand deals.
AT_ONCE = 500


def step(ctx: SyncContext, report: Report, name: str, kind: str) -> None:
    """The next linked deals of one kind, in one call."""
    numbers = report.numbers(name)
    rows = comparing.linked_deals(ctx.connection_id, kind, numbers.raw.get("after"), AT_ONCE)
    if not rows:
        ctx.keeper.guard()
        reconcile_lists.end_step(ctx, report, name, None)
        return
    contacts = associations.contacts_of(ctx.hubspot, [row.hubspot_id for row in rows])
    ctx.count("hubspot_calls")
    lost = [row for row in rows if row.contact_id and row.contact_id not in contacts.get(row.hubspot_id, ())]
    wrong = {row.cliniko_id for row in lost} | _not_with_patient(ctx, rows)
    numbers.differ(ASSOCIATION, len(wrong))
    mends = bool(lost) and report.repairs
    with ctx.keeper.identity_lock() if mends else nullcontext():
        ctx.keeper.guard()
        if mends:
            _forget(ctx, kind, lost)
        reconcile_lists.add_work(ctx, report, {kind: sorted(wrong)})
        reconcile_lists.end_step(ctx, report, name, rows[-1].cliniko_id if len(rows) == AT_ONCE else None)


def _not_with_patient(ctx: SyncContext, rows: Sequence[LinkedDeal]) -> set[str]:
    """Deals that by our own account are with nobody, or with another contact than their patient's. A patient who was
    left out gets a contact when a deal needs one."""
    known = known_contacts(ctx, {row.patient_id for row in rows if row.patient_id})
    found: set[str] = set()
    for row in rows:
        contact = known.get(row.patient_id or "")
        if contact is None:
            continue
        missing = row.contact_id is None and contact.cause == "patient_left_out"
        if missing or (contact.hubspot_id is not None and row.contact_id != contact.hubspot_id):
            found.add(row.cliniko_id)
    return found


def _forget(ctx: SyncContext, kind: str, lost: Sequence[LinkedDeal]) -> None:
    """They are with nobody; the caller holds the identity lock and commits."""
    fresh = ledger.by_cliniko(ctx.connection_id, kind, [row.cliniko_id for row in lost])
    ledger.put(
        [
            {
                "hub_id": ctx.hub_id,
                "connection_id": ctx.connection_id,
                "kind": kind,
                "cliniko_id": row.cliniko_id,
                "state": "linked",
                "contact_id": None,
            }
            for row in lost
            if (now := fresh.get(row.cliniko_id)) is not None
            and (now.state, now.hubspot_id, now.contact_id) == ("linked", row.hubspot_id, row.contact_id)
        ]
    )
