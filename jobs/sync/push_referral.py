"""Writes how a patient found the clinic: by type and subcategory where Cliniko has them, else as the free text."""

from collections.abc import Mapping

from jobs.mapping.digest import field_digest
from jobs.mapping.names import name_key
from jobs.mapping.push import LABELS, REFERRAL, split_referral
from jobs.sync import reference
from jobs.sync.context import SyncContext
from webapp.clients.cliniko import resources
from webapp.clients.cliniko.records import ReferralSourceType
from webapp.clients.errors import Forbidden, NotFound, Rejected
from webapp.store import people


def write_referral(ctx: SyncContext, patient_id: str, text: str) -> list[str]:
    """Returns sentences about what could not be written. Raises Retryable and the like."""
    types = reference.table(ctx, "referral_source_types", ReferralSourceType, resources.list_referral_source_types)
    kind, subcategory = _find(types, text)
    ctx.keeper.check()
    try:
        if kind is None:
            resources.update_patient(ctx.cliniko, patient_id, {"referral_source": text})
            # Without a type Cliniko chooses one by itself.
            source = resources.get_referral_source(ctx.cliniko, patient_id)
        else:
            body: dict[str, str] = {"referral_source_type_id": kind.id}
            if subcategory is not None:
                body["subcategory"] = subcategory
            source = resources.update_referral_source(ctx.cliniko, patient_id, body)
    except (Rejected, Forbidden, NotFound):
        return [f"{LABELS[REFERRAL]} was not accepted by Cliniko. Choose it there."]
    ctx.count("cliniko_writes")
    if source is not None and source.referral_source_type_id is not None:
        # Known at once, so that the next reading of all sources finds nothing new.
        type_id, part = source.referral_source_type_id, source.subcategory
        digest = field_digest(ctx.digest_key, "referral", f"{type_id}\x1f{part}")
        ctx.keeper.guard()
        people.save_referral_choice(ctx.hub_id, ctx.connection_id, patient_id, type_id, part, digest)
        ctx.commit()
    return []


def _find(types: Mapping[str, ReferralSourceType], text: str) -> tuple[ReferralSourceType | None, str | None]:
    """The type (and subcategory) that this text names, ignoring case and accents."""
    for name, part in (split_referral(text), (text, None)):
        for kind in types.values():
            if name_key(kind.name) != name_key(name) or name_key(name) is None:
                continue
            if part is None:
                return kind, None
            chosen = next((s for s in kind.subcategories if name_key(s) == name_key(part)), None)
            if chosen is not None:
                return kind, chosen
    return None, None
