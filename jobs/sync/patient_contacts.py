"""The HubSpot contacts of patients, for their deals. A patient without one is synced first, where the rules allow."""

from collections.abc import Collection
from dataclasses import dataclass

from jobs.sync import patients, people_steps
from jobs.sync.context import SyncContext
from webapp.clients.cliniko.filters import MAX_IDS
from webapp.store import ledger, people
from webapp.store.ledger import LinkRow

# Why a deal waits, by the state of its patient's link.
_CAUSES = {
    "held": "patient_held",
    "closed": "contact_deleted",
    "unlinked": "patient_unlinked",
    "excluded": "patient_left_out",
    "reserved": "patient_not_synced",
}


@dataclass(frozen=True)
class PatientContact:
    """`hubspot_id` is None while there is no contact; `cause` then says why. `patient_id` is the survivor of merges."""

    patient_id: str
    hubspot_id: str | None
    cause: str | None = None


def find_contacts(ctx: SyncContext, patient_ids: Collection[str]) -> dict[str, PatientContact]:
    """{patient: contact}. Patients that were never synced are read and synced now, ≤ 50 in one call."""
    survivors = people.survivors(ctx.connection_id, patient_ids)
    wanted = sorted(set(survivors.values()))
    links = _links(ctx, wanted)
    unseen = [patient for patient in wanted if _may_be_synced(links.get(patient))]
    for start in range(0, len(unseen), MAX_IDS):
        people_steps.read_by_id(ctx, patients.LISTS, unseen[start : start + MAX_IDS], needed=True)
    if unseen:
        # Reading them may have told of merges that were not known before.
        survivors = people.survivors(ctx.connection_id, patient_ids)
        links = _links(ctx, sorted(set(survivors.values())))
    return {patient: _contact(survivors[patient], links.get(survivors[patient])) for patient in survivors}


def _contact(patient_id: str, link: LinkRow | None) -> PatientContact:
    if link is None:
        return PatientContact(patient_id, None, "patient_not_found")
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
