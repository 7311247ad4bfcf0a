"""Carries out what a person decided in a review. Safe to repeat at any point.

A pair of a Cliniko record and a HubSpot contact is linked or kept apart; a push that had to ask goes on with what was
answered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.sync import answering, causes, people_steps, push_words, settling, tags, unlinking
from jobs.sync.context import SyncContext
from jobs.sync.push_creating import REVIEW as CANDIDATES
from jobs.sync.push_side import SIDES, Side
from jobs.sync.push_words import Said
from jobs.sync.pushing import ANOTHER_PERSON, Verdict, push_contact
from webapp.clients.errors import NotFound
from webapp.clients.hubspot import objects
from webapp.store import activity, issues, ledger, unlinks
from webapp.store.activity import Line
from webapp.store.ledger import LinkRow

# What a record's own contact no longer carries when the record goes to another one.
_MARKS = {
    "patient": unlinking.MARKS,
    "contact": ("cliniko_contact_key", "cliniko_contact_id", "cliniko_contact_url"),
}


@dataclass(frozen=True)
class Decided:
    """A review with its decision as plain values, which a commit cannot expire."""

    id: int
    side: Side
    cliniko_id: str
    hubspot_id: str
    cause: str
    decision: str
    actor: str


def carry_out(ctx: SyncContext, review_id: int, actor: str) -> Said:
    """Do what was decided. Raises what the clients raise."""
    review = issues.get_review(ctx.hub_id, review_id)
    if review is None or review.connection_id != ctx.connection_id:
        return push_words.decided("gone", "The review is not there any more.")
    decided = Decided(
        review.id, SIDES[review.kind], review.cliniko_id, review.hubspot_id, review.cause, review.state, actor
    )
    ctx.commit()
    does = _PUSHES.get((decided.cause, decided.decision)) or _PAIRS.get(decided.decision)
    if does is None:
        # Decided otherwise meanwhile, or for later.
        return push_words.decided("later", "Nothing was changed.")
    return does(ctx, decided)


def _link(ctx: SyncContext, decided: Decided) -> Said:
    """These two belong together: the record takes this contact, and leaves the one it has."""
    spec = decided.side.lists.spec
    with ctx.keeper.identity_lock():
        try:
            contact = objects.read_one(ctx.hubspot, "contacts", decided.hubspot_id, [spec.key_property])
        except NotFound:
            return push_words.decided("contact_gone", "The contact is not in HubSpot any more. Nothing was changed.")
        link = ledger.by_cliniko(ctx.connection_id, spec.kind, [decided.cliniko_id]).get(decided.cliniko_id)
        holder = ledger.by_hubspot(ctx.hub_id, spec.kind, [contact.id]).get(contact.id)
        mine = link is not None and link.state == "linked" and link.hubspot_id == contact.id
        if holder is not None and not mine and holder.state in ledger.HOLDING:
            if decided.cause != causes.MERGED_IN_HUBSPOT:
                text = "The contact is linked to another record by now. Nothing was changed. Unlink that one first."
                return push_words.decided("taken", text)
            _leave(ctx, decided, holder)
        if not mine:
            _move(ctx, decided, link, contact.id, holder)
    people_steps.read_by_id(ctx, decided.side.lists, [decided.cliniko_id])
    if holder is not None and not mine:
        people_steps.read_by_id(ctx, decided.side.lists, [holder.cliniko_id])
    return push_words.decided("linked", "Linked.")


def _leave(ctx: SyncContext, decided: Decided, holder: LinkRow) -> None:
    """HubSpot merged two contacts, and the other record is the one to keep this: the present one gets its own."""
    unlinking.take_deals_off(ctx, holder, str(holder.hubspot_id))
    ctx.keeper.guard()
    ledger.put([{**_key(ctx, decided, holder.cliniko_id), **_FRESH, "state": "held", "rule": "review"}])
    issues.add_work(ctx.hub_id, ctx.connection_id, holder.kind, [holder.cliniko_id], "review")
    line = Line("unlinked", holder.kind, holder.cliniko_id, holder.hubspot_id, target="ledger")
    activity.note(ctx.hub_id, decided.actor, [line])
    ctx.commit()


def _move(ctx: SyncContext, decided: Decided, link: LinkRow | None, target: str, holder: LinkRow | None) -> None:
    kind = decided.side.kind
    if link is not None and link.state == "linked" and link.hubspot_id:
        _farewell(ctx, decided, link)
    ctx.keeper.guard()
    unlinks.forget(
        ctx.hub_id,
        tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, kind, decided.cliniko_id),
        tags.hubspot_contact(ctx.digest_key, target),
    )
    if holder is not None and holder.state not in ledger.HOLDING and holder.cliniko_id != decided.cliniko_id:
        # A closed link still names the contact.
        ledger.put([{**_key(ctx, decided, holder.cliniko_id), "state": holder.state, "hubspot_id": None}])
    ledger.put(
        [
            {
                **_key(ctx, decided, decided.cliniko_id),
                **_FRESH,
                "state": "linked",
                "hubspot_id": target,
                "rule": "review",
                "unlinked_at": None,
            }
        ]
    )
    if link is not None and link.email_hmac is not None:
        waiting = [w.cliniko_id for w in ledger.waiting_for_email(ctx.hub_id, [link.email_hmac])]
        issues.add_work(ctx.hub_id, ctx.connection_id, kind, waiting, "email_free_again")
    settling.tell_deals(ctx, {decided.cliniko_id: target} if kind == "patient" else {})
    issues.close_reviews(ctx.connection_id, kind, [decided.cliniko_id], ("shared_email", "email_withheld"))
    line = Line("linked", kind, decided.cliniko_id, target, target="ledger")
    activity.note(ctx.hub_id, decided.actor, [line])
    ctx.commit()


def _farewell(ctx: SyncContext, decided: Decided, link: LinkRow) -> None:
    """Take our marks off the contact that the record had until now; its data stays, so that staff can merge the two."""
    said = push_words.moved()
    properties = {name: "" for name in _MARKS[decided.side.kind] if name in ctx.writable}
    if link.email_hmac is not None and "email" not in properties:
        # We wrote it there; the record's new contact may take it.
        properties["email"] = ""
    written = answering.write_contact(ctx, str(link.hubspot_id), {**properties, **answering.words(ctx, said)})
    ctx.keeper.guard()
    fields = tuple(name for name in properties if name not in written)
    line = Line("unlinked", decided.side.kind, decided.cliniko_id, link.hubspot_id, fields)
    activity.note(ctx.hub_id, decided.actor, [line])
    ctx.commit()


def _separate(ctx: SyncContext, decided: Decided) -> Said:
    """They do not belong together: whoever waits for this gets a contact of its own."""
    people_steps.read_by_id(ctx, decided.side.lists, [decided.cliniko_id])
    return push_words.decided("separate", "Kept separate.")


def _ignore(ctx: SyncContext, decided: Decided) -> Said:
    _close(ctx, decided)
    return push_words.decided("ignored", "Nothing was changed.")


def _same_person(ctx: SyncContext, decided: Decided) -> Said:
    return _push(ctx, decided, Verdict(same=True))


def _somebody_else(ctx: SyncContext, decided: Decided) -> Said:
    """The contact is another person than the record it is linked to: the two part, and the contact gets a record of its
    own. The one that it was linked to gets its own contact when it changes in Cliniko, as after any unlink."""
    if decided.side.kind == "patient":
        unlinking.unlink(ctx, decided.hubspot_id, actor=decided.actor)
    else:
        _part(ctx, decided)
    return _push(ctx, decided, Verdict())


def _part(ctx: SyncContext, decided: Decided) -> None:
    with ctx.keeper.identity_lock():
        link = ledger.by_cliniko(ctx.connection_id, "contact", [decided.cliniko_id]).get(decided.cliniko_id)
        if link is None or link.state != "linked":
            return
        ctx.keeper.guard()
        unlinks.remember(
            ctx.hub_id,
            tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, "contact", decided.cliniko_id),
            tags.hubspot_contact(ctx.digest_key, decided.hubspot_id),
        )
        ctx.commit()
        _farewell(ctx, decided, link)
        ctx.keeper.guard()
        ledger.put([unlinking.unlinked_row(ctx, link)])
        ctx.commit()


def _create(ctx: SyncContext, decided: Decided) -> Said:
    return _push(ctx, decided, Verdict(anew=True))


def _this_one(ctx: SyncContext, decided: Decided) -> Said:
    return _push(ctx, decided, Verdict(chosen=decided.cliniko_id))


def _push(ctx: SyncContext, decided: Decided, verdict: Verdict) -> Said:
    side = decided.side
    contact = answering.read_contact(ctx, decided.hubspot_id, side.properties, side.switch)
    if contact is None:
        said = push_words.contact_gone()
    else:
        said = push_contact(ctx, side, contact.id, contact.properties, decided.actor, verdict)
        answering.answer(ctx, contact, side.switch, said, decided.actor)
    _close(ctx, decided)
    return said


def _close(ctx: SyncContext, decided: Decided) -> None:
    """Decided for this time; should the reason come up again, it is asked again. What was asked along with it is
    answered too."""
    ctx.keeper.guard()
    issues.closed(ctx.hub_id, decided.id)
    if decided.cause in (CANDIDATES, ANOTHER_PERSON):
        issues.close_reviews_of_contact(ctx.hub_id, decided.side.kind, decided.hubspot_id, decided.cause)
    ctx.commit()


def _key(ctx: SyncContext, decided: Decided, cliniko_id: str) -> dict[str, Any]:
    return {
        "hub_id": ctx.hub_id,
        "connection_id": ctx.connection_id,
        "kind": decided.side.kind,
        "cliniko_id": cliniko_id,
    }


# A link that knows nothing yet of what both sides agree on.
_FRESH: Mapping[str, Any] = {
    "hubspot_id": None,
    "digest": None,
    "fields": None,
    "email_hmac": None,
    "withheld_hmac": None,
    "shared_email": False,
}
_Does = Callable[[SyncContext, Decided], Said]
_PAIRS: Mapping[str, _Does] = {"linked": _link, "separate": _separate, "ignored": _ignore}
_PUSHES: Mapping[tuple[str, str], _Does] = {
    (ANOTHER_PERSON, "update"): _same_person,
    (ANOTHER_PERSON, "create"): _somebody_else,
    (CANDIDATES, "create"): _create,
    (CANDIDATES, "linked"): _this_one,
}
