"""Push: one HubSpot contact to Cliniko, because somebody asked for it. Cliniko is read before it is written."""

from collections.abc import Mapping
from typing import Any

from jobs.mapping import identity, push
from jobs.mapping.digest import field_digest
from jobs.mapping.push import Choice
from jobs.sync import people, push_words, settling
from jobs.sync.context import SyncContext
from jobs.sync.items import pack_fields, read_fields
from jobs.sync.push_creating import find_or_create
from jobs.sync.push_referral import write_referral
from jobs.sync.push_side import Side
from jobs.sync.push_words import Said
from webapp.clients.errors import Forbidden, NotFound, Rejected
from webapp.store import activity, issues, ledger
from webapp.store.activity import Line
from webapp.store.ledger import LinkRow

Contact = Mapping[str, str | None]


def push_contact(ctx: SyncContext, side: Side, hubspot_id: str, contact: Contact, actor: str) -> Said:
    """Update the linked record, or find or create one. Raises Retryable, NeedsReconnect, LeaseLost."""
    if not ctx.settings.push_enabled:
        return push_words.switched_off()
    try:
        with ctx.keeper.identity_lock():
            said, record = _under_lock(ctx, side, hubspot_id, contact, actor)
    except Rejected as error:
        if error.service != "cliniko":
            raise
        activity.note(ctx.hub_id, actor, [_line("refused", side, None, hubspot_id, (), "refused")])
        ctx.commit()
        return push_words.refused(error)
    except Forbidden as error:
        if error.service != "cliniko":
            raise
        return push_words.not_allowed()
    if record is not None:
        # What Cliniko holds now is brought to HubSpot by the same engine as ever: our own echo writes nothing.
        people.process_page(
            ctx, side.lists.spec, [record], lambda records: side.lists.map_all(ctx, records), forced=True
        )
    return said


def _under_lock(ctx: SyncContext, side: Side, hubspot_id: str, contact: Contact, actor: str) -> tuple[Said, Any | None]:
    link = ledger.by_hubspot(ctx.hub_id, side.kind, [hubspot_id]).get(hubspot_id)
    if link is not None and link.state == "linked":
        return _update(ctx, side, link, contact, actor)
    found = find_or_create(ctx, side, hubspot_id, contact)
    if isinstance(found, Said):
        return found, None
    record, created, choice = found
    if not created:
        # It was in Cliniko already: link first, then treat it like any linked record.
        row = _link(ctx, side, record.id, hubspot_id, {}, "push")
        said, changed = _update(ctx, side, row, contact, actor, record)
        if said.result not in ("updated", "unchanged"):
            return said, changed
        return push_words.linked(side.kind, (), (), (said.message,)), changed or record
    sent = tuple(choice.take)
    values = side.map_one(ctx, record)
    problems = list(choice.problems.values())
    if push.REFERRAL in choice.take:
        problems += write_referral(ctx, record.id, choice.take[push.REFERRAL])
    _link(ctx, side, record.id, hubspot_id, _digests(ctx, values, sent), "push")
    activity.note(ctx.hub_id, actor, [_line("created", side, record.id, hubspot_id, sent)])
    ctx.commit()
    ctx.count("pushed")
    return push_words.created(side.kind, problems), record


def _update(
    ctx: SyncContext, side: Side, link: LinkRow, contact: Contact, actor: str, known: Any | None = None
) -> tuple[Said, Any | None]:
    try:
        record = known or side.get(ctx.cliniko, link.cliniko_id)
    except NotFound:
        return push_words.archived(), None
    ctx.count("cliniko_reads")
    current = side.map_one(ctx, record)
    if side.kind == "patient" and _another_person(record, contact):
        _review(ctx, side, link, "another_person")
        return push_words.another_person(), None
    agreed = read_fields(link.fields)

    def was_agreed(name: str, value: str) -> bool:
        known_digest = agreed.get(name)
        return (known_digest is None and not value) or known_digest == field_digest(ctx.digest_key, name, value)

    countries = side.countries(ctx, record)
    choice = push.choose(contact, current, was_agreed, side.properties, *countries)
    problems = list(choice.problems.values())
    record = _send(ctx, side, link, record, choice, countries, problems)
    sent = tuple(choice.take)
    values = side.map_one(ctx, record)
    kept = {**agreed, **_digests(ctx, values, sent)}
    _link(ctx, side, link.cliniko_id, str(link.hubspot_id), kept, link.rule or "key", link)
    if sent:
        activity.note(ctx.hub_id, actor, [_line("updated", side, link.cliniko_id, link.hubspot_id, sent)])
        ctx.count("pushed")
    ctx.commit()
    return push_words.updated(sent, choice.conflicts, problems), record


def _send(
    ctx: SyncContext,
    side: Side,
    link: LinkRow,
    record: Any,
    choice: Choice,
    countries: tuple[str | None, ...],
    problems: list[str],
) -> Any:
    """Write what was chosen; returns the record as it is afterwards."""
    fields = side.fields(
        choice.take,
        side.phones(record),
        *countries,
        use_preferred_first_name=ctx.settings.use_preferred_first_name,
    )
    if fields:
        ctx.keeper.check()
        record = side.update(ctx.cliniko, link.cliniko_id, fields)
        ctx.count("cliniko_writes")
        _check_phones(side, record, fields, problems)
    if push.REFERRAL in choice.take:
        problems += write_referral(ctx, link.cliniko_id, choice.take[push.REFERRAL])
    return record


def _check_phones(side: Side, record: Any, fields: Mapping[str, Any], problems: list[str]) -> None:
    """Cliniko does not say whether a sent array replaces the old one: no number of others may be gone."""
    sent = fields.get("patient_phone_numbers") or fields.get("phone_numbers")
    if not sent:
        return
    there = {(p.number or "").strip() for p in side.phones(record)}
    if any(row["number"].strip() not in there for row in sent):
        problems.append("Cliniko did not keep all phone numbers. Check them in Cliniko.")


def _another_person(record: Any, contact: Contact) -> bool:
    """First and last name both differ, or the birth date: forms merge families by email."""
    if identity.names_both_differ(record, contact.get("firstname"), contact.get("lastname")):
        return True
    theirs = {
        day
        for name in (push.BIRTH, push.BIRTH_ELSEWHERE)
        if (day := identity.birth_date(contact.get(name))) is not None
    }
    return record.date_of_birth is not None and bool(theirs) and record.date_of_birth not in theirs


def _review(ctx: SyncContext, side: Side, link: LinkRow, cause: str) -> None:
    ctx.keeper.guard()
    issues.open_reviews(
        [
            {
                "hub_id": ctx.hub_id,
                "connection_id": link.connection_id,
                "kind": side.kind,
                "cliniko_id": link.cliniko_id,
                "hubspot_id": link.hubspot_id,
                "cause": cause,
            }
        ]
    )
    ctx.commit()


def _link(
    ctx: SyncContext,
    side: Side,
    cliniko_id: str,
    hubspot_id: str,
    fields: Mapping[str, bytes],
    rule: str,
    before: LinkRow | None = None,
) -> LinkRow:
    """Store the link and what both sides agree on now. The digest is left open: the next look settles the rest."""
    ctx.keeper.guard()
    row = {
        "hub_id": ctx.hub_id,
        "connection_id": ctx.connection_id,
        "kind": side.kind,
        "cliniko_id": cliniko_id,
        "hubspot_id": hubspot_id,
        "state": "linked",
        "rule": rule,
        "digest": None,
        "fields": pack_fields(fields),
        "unlinked_at": None,
    }
    ledger.put([row])
    if before is None:
        settling.tell_deals(ctx, {cliniko_id: hubspot_id} if side.kind == "patient" else {})
    ctx.commit()
    return ledger.by_cliniko(ctx.connection_id, side.kind, [cliniko_id])[cliniko_id]


def _digests(ctx: SyncContext, values: Mapping[str, str], names: tuple[str, ...]) -> dict[str, bytes]:
    """Cliniko's new values, in HubSpot's form, of the properties that were sent."""
    both = (*names, push.BIRTH, push.BIRTH_ELSEWHERE) if {push.BIRTH, push.BIRTH_ELSEWHERE} & set(names) else names
    return {n: field_digest(ctx.digest_key, n, values[n]) for n in both if values.get(n)}


def _line(
    action: str, side: Side, cliniko_id: str | None, hubspot_id: str | None, fields: tuple[str, ...], result: str = "ok"
) -> Line:
    return Line(action, side.kind, cliniko_id, hubspot_id, fields, target="cliniko", result=result)
