"""Turns decisions and changes into inputs for HubSpot, and settles beforehand who may take which address."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.mapping.emails import email_key
from jobs.sync.context import SyncContext
from jobs.sync.deciding import could_write, owns_email
from jobs.sync.items import Item, PersonKind, Write, changed, email_tag, read_fields
from jobs.sync.matching import Candidate
from webapp.clients.hubspot import objects
from webapp.store import ledger, people
from webapp.store.people import KnownPerson

SHARED = "cliniko_shared_email"


def plan_new(ctx: SyncContext, spec: PersonKind, item: Item, contact: Candidate | None = None) -> Write:
    """The write of a record that the rules link or create. Every mapped value goes out; blanks wipe nothing."""
    decision = item.decision
    assert decision is not None
    mark = email_tag(ctx, item.email)
    properties = {name: value for name, value in item.values.items() if value != ""}
    withheld = None if decision.write_email else mark
    present = contact is not None and email_key(item.email) in contact.emails
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
    if contact is not None and contact.key == write.key and not write.shared and _may_flag(ctx, item):
        # It was ours before, and may still say what was so then.
        properties[SHARED] = "false"
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
            properties["email"], write.releases = "", marks(link.email_hmac)
    elif mark != link.email_hmac:
        properties["email"], write.takes, write.releases = item.email, mark, marks(link.email_hmac)
    flag_shared(ctx, write)
    return write


def settle_addresses(ctx: SyncContext, spec: PersonKind, changes: list[Write], new: list[Write]) -> None:
    """Decide which linked records may take the address they want, before anything is sent.

    Among the contact's own addresses already: left there. Taken by another link, wanted by a record that comes first,
    or found on another contact: withheld. Given up by a record of this same batch: taken in a second write. Two
    HubSpot reads, and only when an address changed."""
    released = released_by(changes)
    for write in changes:
        if write.takes is not None and write.takes not in released and _waits(write) and not write.item.forced:
            # It is tried again when something is known to have changed about the address.
            withhold(ctx, write)
    takers = [w for w in changes if w.takes is not None]
    if not takers:
        return
    takers.sort(key=lambda w: (w.item.known.archived, int(w.item.cliniko_id)))
    _leave_own(ctx, [w for w in takers if not _waits(w)])
    wanted = [w.takes for w in takers if w.takes is not None]
    links = ledger.by_email(ctx.hub_id, wanted)
    claims = Claims(
        promised={w.takes for w in new if w.takes is not None},
        sharing=could_write(ctx, spec, people.sharing(ctx.connection_id, spec.kind, wanted)),
        linked={mark: [row.hubspot_id or "" for row in rows] for mark, rows in links.items()},
    )
    _withhold_taken(ctx, takers, changes, claims)
    addresses = {w.item.email for w in takers if w.takes is not None}
    if addresses:
        claims.found = _holders(ctx, addresses, "email")
        _withhold_taken(ctx, takers, changes, claims)
    released = released_by(changes)
    for write in takers:
        write.email_later = write.takes is not None and write.takes in released
        flag_shared(ctx, write)


def marks(mark: bytes | None) -> frozenset[bytes]:
    return frozenset() if mark is None else frozenset((mark,))


def released_by(writes: Iterable[Write]) -> frozenset[bytes]:
    """The addresses that these records give up."""
    return frozenset().union(*(w.releases for w in writes))


def _waits(write: Write) -> bool:
    """Was this very address withheld before?"""
    return write.item.link is not None and write.item.link.withheld_hmac == write.takes


@dataclass
class Claims:
    """Who stands in the way of those who want an address: new records of this batch, known people who come first,
    linked contacts by the ledger, and (contact, is it the first address?) as HubSpot shows them."""

    promised: set[bytes]
    sharing: Mapping[bytes, list[KnownPerson]]
    linked: Mapping[bytes, list[str]]
    found: Mapping[bytes, list[tuple[str, bool]]] = field(default_factory=dict)

    def holder(self, write: Write, mark: bytes, changes: Sequence[Write]) -> str | None:
        """The contact that has the address and keeps it."""
        giving_up = {w.hubspot_id for w in changes if mark in w.releases}
        for contact, first in self.found.get(mark, ()):
            # What a record gives up is the first address of its contact; a secondary one stays.
            if contact != write.hubspot_id and not (first and contact in giving_up):
                return contact
        others = [contact for contact in self.linked.get(mark, ()) if contact != write.hubspot_id]
        return next((contact for contact in others if contact not in giving_up), None)


def _may_flag(ctx: SyncContext, item: Item) -> bool:
    """Not where another record speaks for the contact, or the account has no such property."""
    return SHARED in ctx.writable and "email" in item.values


def _withhold_taken(ctx: SyncContext, takers: Sequence[Write], changes: Sequence[Write], claims: Claims) -> None:
    """Who is kept from an address may keep another one that somebody counted on: look again until nothing changes."""
    again = True
    while again:
        again, promised = False, set(claims.promised)
        for write in takers:
            mark = write.takes
            if mark is None:
                continue
            holder = claims.holder(write, mark, changes)
            if holder is None and mark not in promised and owns_email(write.item, claims.sharing.get(mark, ())):
                promised.add(mark)
                continue
            write.holder_id = holder
            withhold(ctx, write)
            again = True


def withhold(ctx: SyncContext, write: Write) -> None:
    """Keep the address back: another contact has it. A value that we wrote earlier is cleared."""
    write.withheld, write.takes, write.shared, write.email_later = email_tag(ctx, write.item.email), None, True, False
    if "email" in write.agreed:
        write.properties["email"], write.holds = "", None
    else:
        write.properties.pop("email", None)
        write.releases = frozenset()
    flag_shared(ctx, write)


def flag_shared(ctx: SyncContext, write: Write) -> None:
    """Keep the mark of a shared address in step with what happens to the address."""
    if not _may_flag(ctx, write.item):
        return
    value = "true" if write.shared else ("false" if SHARED in write.agreed else "")
    write.properties.pop(SHARED, None)
    write.properties.update(changed(ctx, {SHARED: value}, write.agreed))


def _leave_own(ctx: SyncContext, takers: Sequence[Write]) -> None:
    """An address that the contact has already, first or secondary, stays where it is; one that we wrote earlier goes.
    Any other takes the place of the contact's first one, whoever typed that."""
    if not takers:
        return
    found = _holders(ctx, {w.hubspot_id for w in takers if w.hubspot_id}, None)
    first = {contact: mark for mark, holders in found.items() for contact, is_first in holders if is_first}
    for write in takers:
        present = first.get(write.hubspot_id or "")
        write.releases |= marks(present)
        if not any(contact == write.hubspot_id for contact, _ in found.get(write.takes or b"", ())):
            continue
        if "email" in write.agreed and present != write.takes:
            write.properties["email"] = ""
        else:
            write.properties.pop("email", None)
            write.releases = frozenset()
        write.holds, write.takes = write.takes, None


def _holders(ctx: SyncContext, ids: Collection[str], id_property: str | None) -> dict[bytes, list[tuple[str, bool]]]:
    """{address: (HubSpot id, is it the first address?)} of these contacts."""
    result = objects.batch_read(ctx.hubspot, "contacts", sorted(ids), ["email", "hs_additional_emails"], id_property)
    ctx.count("hubspot_calls")
    found: dict[bytes, list[tuple[str, bool]]] = {}
    for contact in result.results:
        every = [contact.properties.get("email"), *(contact.properties.get("hs_additional_emails") or "").split(";")]
        for place, address in enumerate(every):
            mark = email_tag(ctx, email_key(address) or "")
            if mark is not None:
                found.setdefault(mark, []).append((contact.id, place == 0))
    return found
