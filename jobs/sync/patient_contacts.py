"""The HubSpot contacts of patients, for their deals. A patient without one is synced first, where the rules allow."""

from collections.abc import Collection
from dataclasses import dataclass

from jobs.sync import causes, patients, people_steps
from jobs.sync.context import NotYet, SyncContext
from webapp.clients.cliniko.filters import MAX_IDS
from webapp.store import cursors, leases, ledger, people
from webapp.store.ledger import LinkRow

# Why a deal waits, by the state of its patient's link.
_CAUSES = {
    "held": "patient_held",
    "closed": "contact_deleted",
    "unlinked": "patient_unlinked",
    "excluded": "patient_left_out",
    "reserved": "patient_not_synced",
}
INDEX_WAIT_SECONDS = 5


@dataclass(frozen=True)
class PatientContact:
    """`hubspot_id` is None while there is no contact; `cause` then says why. `patient_id` is the survivor of merges."""

    patient_id: str
    hubspot_id: str | None
    cause: str | None = None


def know_patients(ctx: SyncContext) -> bool:
    """Whether everybody is known, so that a deal's patient may be synced; else one more page of them is read.

    Raises NotYet while the patients stream is reading them."""
    if people_steps.indexed(cursors.all_of(ctx.connection_id), patients.LISTS):
        return True
    if leases.holder(ctx.hub_id, patients.STREAM)[0]:
        raise NotYet(causes.AFTER_PATIENTS, INDEX_WAIT_SECONDS)
    people_steps.index_step(ctx, patients.LISTS)
    return False


def find_contacts(ctx: SyncContext, patient_ids: Collection[str]) -> dict[str, PatientContact]:
    """{patient: contact}. Patients that were never synced are read and synced now, ≤ 50 in one call, and each of them
    once in an execution."""
    asked: set[str] = ctx.memo.setdefault("patients_asked", set())
    survivors = people.survivors(ctx.connection_id, patient_ids)
    wanted = sorted(set(survivors.values()))
    links = _links(ctx, wanted)
    unseen = [patient for patient in wanted if _may_be_synced(links.get(patient)) and patient not in asked]
    for start in range(0, len(unseen), MAX_IDS):
        people_steps.read_by_id(ctx, patients.LISTS, unseen[start : start + MAX_IDS], needed=True)
    asked.update(unseen)
    # Reading them may have told of merges that were not known before.
    return known_contacts(ctx, patient_ids)


def known_contacts(ctx: SyncContext, patient_ids: Collection[str]) -> dict[str, PatientContact]:
    """{patient: contact} as the ledger has it now, without reading anybody."""
    survivors = people.survivors(ctx.connection_id, patient_ids)
    links = _links(ctx, set(survivors.values()))
    without = [patient for patient in set(survivors.values()) if patient not in links]
    known = people.known(ctx.connection_id, patients.SPEC.kind, without)
    return {
        patient: _contact(survivor, links.get(survivor), known=survivor in known)
        for patient, survivor in survivors.items()
    }


def _contact(patient_id: str, link: LinkRow | None, *, known: bool) -> PatientContact:
    if link is None:
        # Read but without a link: HubSpot refused the contact, and an issue of the patient says why.
        return PatientContact(patient_id, None, "patient_refused" if known else "patient_not_found")
    if link.state == "linked":
        return PatientContact(patient_id, link.hubspot_id)
    return PatientContact(patient_id, None, _CAUSES.get(link.state, "patient_not_synced"))


def _may_be_synced(link: LinkRow | None) -> bool:
    """Nobody has decided against a contact: never seen, a write under way, or left out only because it was archived."""
    if link is None or link.state == "reserved":
        return True
    return link.state == "excluded" and link.rule == "removed"


def _links(ctx: SyncContext, patient_ids: Collection[str]) -> dict[str, LinkRow]:
    return ledger.by_cliniko(ctx.connection_id, patients.SPEC.kind, patient_ids)
