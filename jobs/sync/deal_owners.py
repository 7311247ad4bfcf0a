"""Adds the owner to each deal by the account's setting. Who could own deals is read hourly, never per deal."""

from collections.abc import Sequence

from jobs.mapping.owner import CONTACT, NONE, OwnerBook, choose_owner
from jobs.sync.context import SyncContext
from jobs.sync.deal_items import DealItem
from jobs.sync.reference import owner_book
from webapp.clients.hubspot import objects

# The stream's own setting.
_SETTINGS = {"appointments": "appointment_deal_owner", "invoices": "invoice_deal_owner"}


def add_owners(ctx: SyncContext, items: Sequence[DealItem]) -> None:
    """Set `hubspot_owner_id` where the setting gives one; a deactivated owner never."""
    setting: str = getattr(ctx.settings, _SETTINGS[ctx.stream])
    if setting == NONE or not items:
        return
    owners = owner_book(ctx)
    of_contacts = _contact_owners(ctx, items) if setting == CONTACT else {}
    for item in items:
        item.values |= _choice(ctx, setting, owners, item, of_contacts)


def _choice(
    ctx: SyncContext, setting: str, owners: OwnerBook, item: DealItem, of_contacts: dict[str, str]
) -> dict[str, str]:
    choice = choose_owner(
        setting,
        owners,
        practitioner_id=item.practitioner_id,
        practitioner_email=item.practitioner_email,
        practitioner_owners=ctx.settings.practitioner_owners,
        contact_owner_id=of_contacts.get(item.contact_id or ""),
    )
    return choice.values()


def _contact_owners(ctx: SyncContext, items: Sequence[DealItem]) -> dict[str, str]:
    """{contact: owner id, "" for none}."""
    ids = sorted({item.contact_id for item in items if item.contact_id})
    found: dict[str, str] = {}
    for start in range(0, len(ids), 100):
        result = objects.batch_read(ctx.hubspot, "contacts", ids[start : start + 100], ["hubspot_owner_id"])
        ctx.count("hubspot_calls")
        found |= {record.id: record.properties.get("hubspot_owner_id") or "" for record in result.results}
    return found
