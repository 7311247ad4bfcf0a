"""Turns decisions and changes into inputs for HubSpot, and settles beforehand who may take which address."""

from collections.abc import Iterable

from jobs.mapping.emails import email_key
from jobs.sync.context import SyncContext
from jobs.sync.deciding import could_write, owns_email
from jobs.sync.items import Item, PersonKind, Write, changed, email_tag, read_fields
from webapp.clients.hubspot import objects
from webapp.store import ledger, people


def plan_new(ctx: SyncContext, spec: PersonKind, item: Item, contact_emails: frozenset[str] = frozenset()) -> Write:
    """The write of a record that the rules link or create. Every mapped value goes out; blanks wipe nothing."""
    decision = item.decision
    assert decision is not None
    mark = email_tag(ctx, item.email)
    properties = {name: value for name, value in item.values.items() if value != ""}
    withheld = None if decision.write_email else mark
    present = email_key(item.email) in contact_emails
    if withheld is not None or present:
        # An address that the contact already has, first or secondary, is left where it is.
        properties.pop("email", None)
    write = Write(
        item=item,
        create=decision.action == "create",
        hubspot_id=decision.hubspot_id,
        rule=decision.rule,
        agreed={},
        properties=properties,
        takes=None if withheld or present else mark,
        withheld=withheld,
        holds=mark if present and withheld is None else None,
        shared=decision.shared_email,
        key=ctx.unique_key(item.cliniko_id),
    )
    flag_shared(ctx, write)
    return write


def plan_change(ctx: SyncContext, item: Item) -> Write:
    """The write of a linked record: only what changed in Cliniko since we last wrote it."""
    link = item.link
    assert link is not None
    agreed = read_fields(link.fields)
    properties = changed(ctx, {n: v for n, v in item.values.items() if n != "email"}, agreed)
    write = Write(
        item=item,
        create=False,
        hubspot_id=link.hubspot_id,
        rule=link.rule or "key",
        agreed=agreed,
        properties=properties,
        holds=link.email_hmac,
        key=ctx.unique_key(item.cliniko_id),
    )
    if "email" not in item.values:
        # Another record speaks for this contact, so it also holds its address.
        write.holds = None
        return write
    mark = email_tag(ctx, item.email)
    if mark is None:
        # An address that was in HubSpot before us stays there; only what we wrote is cleared.
        write.holds = None
        if "email" in agreed:
            properties["email"], write.releases = "", link.email_hmac
    elif mark != link.email_hmac:
        properties["email"], write.takes, write.releases = item.email, mark, link.email_hmac
    flag_shared(ctx, write)
    return write


def settle_addresses(ctx: SyncContext, spec: PersonKind, changes: list[Write], new: list[Write]) -> None:
    """Decide which linked records may take the address they want, before anything is sent.

    Taken by another link, wanted by a record that comes first, or found on another contact: withheld. Given up by a
    record of this same batch: taken in a second write. One HubSpot read, and only when an address changed."""
    takers = [w for w in changes if w.takes is not None]
    if not takers:
        return
    marks = [w.takes for w in takers if w.takes is not None]
    holders = ledger.by_email(ctx.hub_id, marks)
    sharing = could_write(ctx, spec, people.sharing(ctx.connection_id, spec.kind, marks))
    released = {w.releases for w in changes if w.releases is not None}
    promised = {w.takes for w in new if w.takes is not None}
    for write in sorted(takers, key=lambda w: (w.item.known.archived, int(w.item.cliniko_id))):
        mark = write.takes
        assert mark is not None
        others = [h for h in holders.get(mark, []) if h.hubspot_id != write.hubspot_id]
        if mark in promised or (others and mark not in released) or not owns_email(write.item, sharing.get(mark, ())):
            write.holder_id = others[0].hubspot_id if others else None
            withhold(ctx, write)
            continue
        promised.add(mark)
        write.email_later = mark in released
    _check_contacts(ctx, spec, [w for w in takers if w.takes is not None], changes)
    for write in takers:
        flag_shared(ctx, write)


def withhold(ctx: SyncContext, write: Write) -> None:
    """Keep the address back: another contact has it. A value that we wrote earlier is cleared."""
    write.withheld, write.takes, write.shared, write.email_later = email_tag(ctx, write.item.email), None, True, False
    if "email" in write.agreed:
        write.properties["email"], write.holds = "", None
    else:
        write.properties.pop("email", None)
        write.releases = None
    flag_shared(ctx, write)


def flag_shared(ctx: SyncContext, write: Write) -> None:
    """Keep `cliniko_shared_email` in step with what happens to the address."""
    name = "cliniko_shared_email"
    if name not in ctx.writable or "email" not in write.item.values:
        return
    value = "true" if write.shared else ("false" if name in write.agreed else "")
    write.properties.pop(name, None)
    write.properties.update(changed(ctx, {name: value}, write.agreed))


def _check_contacts(ctx: SyncContext, spec: PersonKind, takers: list[Write], changes: list[Write]) -> None:
    if not takers:
        return
    giving_up = {w.hubspot_id for w in changes if w.releases is not None}
    for contact, address in _holders(ctx, [w.item.email for w in takers]):
        for write in takers:
            if write.takes is None or email_key(write.item.email) != address:
                continue
            if contact == write.hubspot_id:
                # Already among its own addresses: leave them as they are.
                write.properties.pop("email", None)
                write.holds, write.takes, write.releases = write.takes, None, None
            elif contact not in giving_up:
                write.holder_id = contact
                withhold(ctx, write)


def _holders(ctx: SyncContext, addresses: Iterable[str]) -> list[tuple[str, str]]:
    """(HubSpot id, address) of the contacts that have one of these addresses, first or secondary."""
    names = ["email", "hs_additional_emails"]
    result = objects.batch_read(ctx.hubspot, "contacts", sorted(set(addresses)), names, "email")
    ctx.count("hubspot_calls")
    found: list[tuple[str, str]] = []
    for contact in result.results:
        every = [contact.properties.get("email"), *(contact.properties.get("hs_additional_emails") or "").split(";")]
        found.extend((contact.id, key) for key in map(email_key, every) if key)
    return found
