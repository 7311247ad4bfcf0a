"""Breaks the link between a patient and a HubSpot contact, and remembers that these two never belong together.

The order matters: the never-match is stored first, so that whatever happens afterwards, no reading links them again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from jobs.mapping.summary import summary_property_names
from jobs.sync import answering, push_words, tags
from jobs.sync.context import SyncContext
from jobs.sync.deal_settling import DEAL_KINDS
from jobs.sync.items import read_fields
from jobs.sync.switches import UNLINK
from jobs.sync.verifying import ours
from webapp.clients.errors import NotFound
from webapp.clients.hubspot import associations, objects
from webapp.clients.hubspot.associations import Pair
from webapp.clock import now
from webapp.store import activity, issues, ledger, people, summaries, unlinks
from webapp.store.activity import Line
from webapp.store.ledger import LinkRow

# Cleared with the link. What else came from the patient is given back only on request.
MARKS = (
    "cliniko_patient_key",
    "cliniko_patient_id",
    "cliniko_patient_url",
    "cliniko_patient_status",
    "cliniko_synced_at",
    *summary_property_names(),
)
# A read with the history of properties may name this many of them.
_HISTORY_AT_ONCE = 40
# HubSpot keeps only so many versions of a value: where there may have been more, the first of them is not known.
_VERSIONS_KEPT = 20
# Cliniko's times are whole seconds.
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class FieldPreview:
    """One field as it is, and as it was before our first write. Shown to a person, never stored."""

    name: str
    now: str = field(repr=False)
    then: str = field(repr=False)


@dataclass(frozen=True)
class UnlinkPreview:
    """What an unlink with clean-up would do."""

    fields: list[FieldPreview]
    deals: int


def find_link(ctx: SyncContext, hubspot_id: str) -> LinkRow | None:
    """The patient that is linked to this contact."""
    link = ledger.by_hubspot(ctx.hub_id, "patient", [hubspot_id]).get(hubspot_id)
    return link if link is not None and link.state == "linked" else None


def is_broken_off(ctx: SyncContext, hubspot_id: str) -> bool:
    """Did an unlink of this contact begin, and not come to its end? The pair is remembered, and linked all the same."""
    link = find_link(ctx, hubspot_id)
    if link is None:
        return False
    mine = tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, "patient", link.cliniko_id)
    return (mine, tags.hubspot_contact(ctx.digest_key, hubspot_id)) in people.never_matched(ctx.hub_id, [mine])


def preview(ctx: SyncContext, hubspot_id: str) -> UnlinkPreview | None:
    """What the clean-up would give back and move; None when there is no link."""
    link = find_link(ctx, hubspot_id)
    if link is None:
        return None
    deals = sum(len(ids) for ids in ledger.deals_of(ctx.connection_id, [link.cliniko_id]).values())
    return UnlinkPreview(_given_back(ctx, hubspot_id, link), deals)


def unlink(ctx: SyncContext, hubspot_id: str, *, actor: str, clean_up: bool = False, keep_deals: bool = False) -> str:
    """Unlink whoever is linked to this contact; returns a word: unlinked | not_linked. Safe to repeat at any point.

    `clean_up`: fields that came from the patient get back the value from before our first write. Deals leave the
    contact at once, and come to the patient's own contact when it has one; with `keep_deals` they stay here until
    then. The caller holds no lock."""
    with ctx.keeper.identity_lock():
        link = find_link(ctx, hubspot_id)
        if link is None:
            answering.tell(ctx, hubspot_id, _switch_off(ctx), actor)
            return "not_linked"
        ctx.keeper.guard()
        unlinks.remember(
            ctx.hub_id,
            tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, "patient", link.cliniko_id),
            tags.hubspot_contact(ctx.digest_key, hubspot_id),
        )
        ctx.commit()
        back = {f.name: f.then for f in _given_back(ctx, hubspot_id, link)} if clean_up else {}
        cleared = {name: "" for name in MARKS if name in ctx.writable}
        told = answering.words(ctx, push_words.unlinked("unlinked"))
        needed = {**cleared, **_switch_off(ctx)}
        refused = answering.write_contact(ctx, hubspot_id, {**back, **told, **needed}, needed=tuple(needed))
        if not keep_deals:
            take_deals_off(ctx, link, hubspot_id)
        ctx.keeper.guard()
        ledger.put([unlinked_row(ctx, link)])
        summaries.forget_contact(ctx.connection_id, link.cliniko_id)
        if link.email_hmac is not None:
            waiting = [w.cliniko_id for w in ledger.waiting_for_email(ctx.hub_id, [link.email_hmac])]
            issues.add_work(ctx.hub_id, ctx.connection_id, "patient", waiting, "email_free_again")
        fields = tuple(name for name in (*back, *cleared) if name not in refused)
        activity.note(ctx.hub_id, actor, [Line("unlinked", "patient", link.cliniko_id, hubspot_id, fields)])
        ctx.commit()
    return "unlinked"


def undo(ctx: SyncContext, cliniko_id: str, hubspot_id: str, *, actor: str) -> str:
    """Take an unlink back: restored | has_another | contact_taken | contact_gone."""
    with ctx.keeper.identity_lock():
        link = ledger.by_cliniko(ctx.connection_id, "patient", [cliniko_id]).get(cliniko_id)
        if link is None or link.state != "unlinked":
            return "has_another"
        ctx.count("hubspot_calls")
        try:
            contact = objects.read_one(ctx.hubspot, "contacts", hubspot_id, ["cliniko_patient_key"])
        except NotFound:
            return "contact_gone"
        if ledger.by_hubspot(ctx.hub_id, "patient", [contact.id]):
            return "contact_taken"
        ctx.keeper.guard()
        mine = tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, "patient", cliniko_id)
        # HubSpot may have merged the contact meanwhile.
        for former in {hubspot_id, contact.id}:
            unlinks.forget(ctx.hub_id, mine, tags.hubspot_contact(ctx.digest_key, former))
        ledger.put([_relinked(ctx, link, contact.id)])
        summaries.linked_now(ctx.connection_id, [cliniko_id])
        issues.add_work(ctx.hub_id, ctx.connection_id, "patient", [cliniko_id], "undo")
        for kind, ids in ledger.deals_of(ctx.connection_id, [cliniko_id], ("linked", "waiting")).items():
            issues.add_work(ctx.hub_id, ctx.connection_id, kind, ids, "undo")
        activity.note(ctx.hub_id, actor, [Line("linked", "patient", cliniko_id, contact.id, target="ledger")])
        ctx.commit()
    return "restored"


def _switch_off(ctx: SyncContext) -> dict[str, str]:
    return {UNLINK: "false"} if UNLINK in ctx.writable else {}


def take_deals_off(ctx: SyncContext, link: LinkRow, hubspot_id: str) -> None:
    """They wait, without a contact, for the patient's own."""
    of_kind = ledger.deals_of(ctx.connection_id, [link.cliniko_id])
    for kind, ids in of_kind.items():
        rows = ledger.by_cliniko(ctx.connection_id, kind, ids)
        mine = {i: r for i, r in rows.items() if r.contact_id == hubspot_id and r.hubspot_id and kind in DEAL_KINDS}
        if not mine:
            continue
        ctx.keeper.check()
        associations.dissociate(ctx.hubspot, [Pair(r.hubspot_id or "", hubspot_id) for r in mine.values()])
        ctx.count("hubspot_calls")
        ctx.keeper.guard()
        ledger.put([_without_contact(ctx, kind, cliniko_id) for cliniko_id in mine])
        activity.note(ctx.hub_id, ctx.stream, [Line("dissociated", kind, i, r.hubspot_id) for i, r in mine.items()])
        ctx.commit()


def _given_back(ctx: SyncContext, hubspot_id: str, link: LinkRow) -> list[FieldPreview]:
    """Fields whose present value we wrote, with the value from before our first write."""
    names = [name for name in sorted(read_fields(link.fields)) if not name.startswith("cliniko_")]
    names += [name for name in sorted(read_fields(link.fields)) if name.startswith("cliniko_") and name not in MARKS]
    found: list[FieldPreview] = []
    for start in range(0, len(names), _HISTORY_AT_ONCE):
        part = names[start : start + _HISTORY_AT_ONCE]
        record = objects.read_one(ctx.hubspot, "contacts", hubspot_id, part, properties_with_history=part)
        ctx.count("hubspot_calls")
        for name in part:
            present = record.properties.get(name) or ""
            before = _before_us(record.history.get(name, []))
            if before is not None and before != present:
                found.append(FieldPreview(name, present, before))
    return found


def _before_us(history: Sequence[Mapping[str, Any]]) -> str | None:
    """The value before our first write, newest entry first; None when the present value is not ours, or when that is
    longer ago than HubSpot remembers."""
    if not history or not ours(history[0]):
        return None
    first = max(place for place, entry in enumerate(history) if ours(entry))
    older = history[first + 1 :]
    if older:
        return str(older[0].get("value") or "")
    return "" if len(history) < _VERSIONS_KEPT else None


def unlinked_row(ctx: SyncContext, link: LinkRow) -> dict[str, Any]:
    """The link from now on. Whatever Cliniko shows with a later time than this makes a contact of its own: later than
    the version that we know, and not earlier than this very second."""
    moment = now().replace(microsecond=0) - _SECOND
    return {
        "hub_id": ctx.hub_id,
        "connection_id": link.connection_id,
        "kind": link.kind,
        "cliniko_id": link.cliniko_id,
        "hubspot_id": None,
        "state": "unlinked",
        "rule": "unlinked",
        "digest": None,
        "fields": None,
        "email_hmac": None,
        "withheld_hmac": None,
        "shared_email": False,
        "unlinked_at": max(moment, link.cliniko_updated_at or moment),
    }


def _relinked(ctx: SyncContext, link: LinkRow, hubspot_id: str) -> dict[str, Any]:
    return {
        **unlinked_row(ctx, link),
        "hubspot_id": hubspot_id,
        "state": "linked",
        "rule": "undo",
        "unlinked_at": None,
    }


def _without_contact(ctx: SyncContext, kind: str, cliniko_id: str) -> dict[str, Any]:
    return {
        "hub_id": ctx.hub_id,
        "connection_id": ctx.connection_id,
        "kind": kind,
        "cliniko_id": cliniko_id,
        "state": "linked",
        "contact_id": None,
    }
