"""Reads a contact for what was asked about it, and says on it how that ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.sync.context import SyncContext
from jobs.sync.push_words import Said
from jobs.sync.refusals import classify
from jobs.sync.sending import Target, send_updates
from jobs.sync.switches import SWITCHES, switched_on_at
from jobs.sync.verifying import ours
from webapp.clients.errors import NotFound, Rejected
from webapp.clients.hubspot import objects
from webapp.clients.hubspot.objects import Record
from webapp.store import activity, pushes
from webapp.store.activity import Line

# A refused write is sent again without what was refused; after this many tries it is given up.
MAX_TRIES = 4
_TARGET = Target("contacts", "cliniko_patient_key")


@dataclass
class ContactWrite:
    """One contact to write, by id."""

    hubspot_id: str | None
    properties: dict[str, str]

    @property
    def trace_id(self) -> str:
        return "contact"

    @property
    def key(self) -> str:
        return ""


def write_contact(
    ctx: SyncContext, hubspot_id: str, properties: Mapping[str, str], needed: Sequence[str] = ()
) -> frozenset[str]:
    """Write one contact; a merged one is followed, a deleted one needs nothing. What HubSpot refuses is left out, and
    in the end all that is not `needed`, so that the rest goes through. Returns the properties that were refused.

    Raises Rejected when HubSpot takes nothing at all."""
    write = ContactWrite(hubspot_id, dict(properties))
    refused: set[str] = set()
    for _ in range(MAX_TRIES):
        if not write.properties:
            break
        (outcome,) = send_updates(ctx, _TARGET, [write])
        if outcome.error is None or outcome.gone:
            break
        if outcome.error.category == "UNANSWERED":
            write.hubspot_id = outcome.hubspot_id
            continue
        refusal = classify(outcome.error, frozenset(write.properties), "")
        named = refusal.fields if refusal.action in ("drop", "clash") else ()
        dropped = {n for n in write.properties if n in named} or (write.properties.keys() - set(needed))
        if not dropped or dropped == write.properties.keys():
            raise Rejected("hubspot", category=outcome.error.category, detail=outcome.error.message)
        refused |= dropped
        write.properties = {n: value for n, value in write.properties.items() if n not in dropped}
    return frozenset(refused)


def read_contact(ctx: SyncContext, hubspot_id: str, names: Sequence[str], switch: str) -> Record | None:
    """The contact with the history of its switch, also under the id of one that was merged into it; None when it is
    gone."""
    ctx.count("hubspot_calls")
    try:
        record = objects.read_one(
            ctx.hubspot, "contacts", hubspot_id, [*names, switch], properties_with_history=[switch]
        )
    except NotFound:
        return None
    return None if record.archived else record


def is_wanted(ctx: SyncContext, contact: Record, switch: str, asked_for: str) -> bool:
    """Is the switch on? Or did our setting it back hide that it was set once more after the last run had looked?"""
    if contact.properties.get(switch) == "true":
        return True
    history = contact.history.get(switch, [])
    on = switched_on_at(history)
    if on is None or not history or not ours(history[0]):
        return False
    seen = pushes.seen_switch(ctx.hub_id, SWITCHES[switch], [contact.id, asked_for])
    return seen is not None and on > seen


def answer(ctx: SyncContext, contact: Record, switch: str, said: Said, actor: str) -> None:
    """Set the switch back and say what happened, also after a failure. A switch that was set again meanwhile stays, and
    is carried out again."""
    again = set_again(ctx, contact, switch)
    properties = words(ctx, said)
    if again is None and switch in ctx.writable:
        properties[switch] = "false"
    tell(ctx, contact.id, properties, actor, needed=(switch,))
    if again is not None:
        ctx.keeper.guard()
        pushes.ask(ctx.hub_id, SWITCHES[switch], contact.id, again)
        ctx.commit()


def words(ctx: SyncContext, said: Said) -> dict[str, str]:
    """Status and message, where the account has the properties and there is something to say."""
    if said.status is None:
        return {}
    both = {"cliniko_sync_status": said.status.value, "cliniko_sync_message": said.message}
    return {name: value for name, value in both.items() if name in ctx.writable}


def tell(
    ctx: SyncContext, hubspot_id: str, properties: Mapping[str, str], actor: str, needed: Sequence[str] = ()
) -> None:
    """Write these on the contact, and one line about it."""
    if not properties:
        return
    refused = write_contact(ctx, hubspot_id, properties, needed)
    ctx.keeper.guard()
    fields = tuple(name for name in properties if name not in refused)
    activity.note(ctx.hub_id, actor, [Line("answered", "hubspot_contact", None, hubspot_id, fields)])
    ctx.commit()


def set_again(ctx: SyncContext, before: Record, switch: str) -> datetime | None:
    """When the switch was set once more while we worked; None otherwise."""
    after = read_contact(ctx, before.id, (), switch)
    if after is None or after.properties.get(switch) != "true":
        return None
    first, last = switched_on_at(before.history.get(switch, [])), switched_on_at(after.history.get(switch, []))
    return last if last is not None and (first is None or last > first) else None
