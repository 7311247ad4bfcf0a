"""People who were erased for good: recognised by HMACs of their key, or of email, names and birth date together."""

import json
from collections.abc import Collection, Sequence
from datetime import date
from typing import Protocol, TypeVar

import structlog

from jobs.mapping import identity
from jobs.sync import tags
from jobs.sync.context import SyncContext
from jobs.sync.indexing import Known
from webapp.clients.errors import Forbidden, NeedsReconnect, NotFound, Rejected
from webapp.clients.hubspot import objects
from webapp.store import activity, erasing, ledger, people
from webapp.store.activity import Line

log = structlog.get_logger()


class OfPatient(Protocol):
    """A visit or an invoice."""

    @property
    def patient_id(self) -> str | None: ...


R = TypeVar("R", bound=OfPatient)

# The kinds of record that a HubSpot contact can be linked to.
PEOPLE = ("patient", "contact")


def erased_ids(ctx: SyncContext, kind: str, known: Sequence[Known]) -> set[str]:
    """Those of these records that belong to an erased person."""
    if not _any(ctx):
        return set()
    memories: dict[bytes, str] = {}
    for person in known:
        memories[tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, kind, person.cliniko_id)] = person.cliniko_id
        if person.email:
            whole = tags.whole_person(ctx.digest_key, person.email, person.first, person.last, person.birth)
            memories[whole] = person.cliniko_id
    return {memories[memory] for memory in people.erased(ctx.hub_id, list(memories))}


def erased_patients(ctx: SyncContext, patient_ids: Collection[str]) -> set[str]:
    """Those of these patients who were erased."""
    memories = {
        tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, "patient", patient): patient for patient in patient_ids
    }
    return {memories[memory] for memory in people.erased(ctx.hub_id, list(memories))}


def without_erased(ctx: SyncContext, records: Sequence[R]) -> list[R]:
    """Visits or invoices, without those of erased patients."""
    if not _any(ctx):
        return list(records)
    gone = erased_patients(ctx, {record.patient_id for record in records if record.patient_id})
    return [record for record in records if record.patient_id not in gone]


def _any(ctx: SyncContext) -> bool:
    """Has anybody of this account been erased? Asked once per execution."""
    if "erased" not in ctx.memo:
        ctx.memo["erased"] = people.any_erased(ctx.hub_id)
    return bool(ctx.memo["erased"])


def erase_contact(ctx: SyncContext, hubspot_id: str) -> bool:
    """HubSpot deleted a contact for privacy: erase the people behind it here, archive their deals, remember only HMACs.

    A patient who was merged in Cliniko is the same person under another number. Raises Retryable while the deals cannot
    be archived; then nothing is erased yet and a repeat goes on. False when the contact was none of ours."""
    found = False
    for kind in PEOPLE:
        link = ledger.by_hubspot(ctx.hub_id, kind, [hubspot_id]).get(hubspot_id)
        if link is None:
            continue
        found = True
        same = [link.cliniko_id]
        if kind == "patient":
            same += people.merged_from(link.connection_id, link.cliniko_id)
            _archive_deals(ctx, link.connection_id, same)
        ctx.keeper.guard()
        for cliniko_id in same:
            erasing.remember(ctx.hub_id, _memories(ctx, kind, link.connection_id, cliniko_id))
        for cliniko_id in same:
            erasing.erase_person(ctx.hub_id, link.connection_id, kind, cliniko_id, hubspot_id)
        activity.note(ctx.hub_id, ctx.stream, [Line("erased", kind, target="ledger")])
        ctx.commit()
        # Those known by now must not be believed absent by what this execution remembers.
        ctx.memo.pop("erased", None)
    ctx.keeper.guard()
    erasing.forget_contact(ctx.hub_id, hubspot_id)
    ctx.commit()
    return found


def _memories(ctx: SyncContext, kind: str, connection_id: int, cliniko_id: str) -> list[bytes]:
    memories = [tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, kind, cliniko_id)]
    raw = people.display_rows(ctx.hub_id, connection_id, kind, [cliniko_id]).get(cliniko_id)
    shown = json.loads(raw) if raw else {}
    email = identity.email_key(shown.get("email"))
    if email:
        born = shown.get("birth_date")
        names = (identity.name_key(shown.get("first")), identity.name_key(shown.get("last")))
        memories.append(tags.whole_person(ctx.digest_key, email, *names, date.fromisoformat(born) if born else None))
    return memories


def _archive_deals(ctx: SyncContext, connection_id: int, patient_ids: Sequence[str]) -> None:
    """Move their deals to HubSpot's recycle bin, as far as HubSpot lets us; our own database is emptied in any case."""
    deals = [deal for patient_id in patient_ids for deal in erasing.deals_of(connection_id, patient_id)]
    ids = [hubspot_id for _, _, hubspot_id in deals if hubspot_id]
    for start in range(0, len(ids), 100):
        ctx.keeper.check()
        try:
            objects.batch_archive(ctx.hubspot, "deals", ids[start : start + 100])
        except (Rejected, Forbidden, NotFound, NeedsReconnect) as error:
            log.warning("deals_not_archived", hub_id=ctx.hub_id, deals=len(ids), error=str(error))
            return
        ctx.count("hubspot_calls")
