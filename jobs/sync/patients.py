"""The patients stream: its lists, its mapping, and the steps of one cycle. Its siblings have the same names."""

from collections.abc import Sequence
from typing import Any

from jobs.mapping.digest import field_digest
from jobs.mapping.patient import map_patient
from jobs.mapping.records import MapContext, MappedRecord, ReferralText
from jobs.sync import indexing, people_steps
from jobs.sync.context import SyncContext
from jobs.sync.items import PersonKind
from jobs.sync.people_steps import PeopleLists
from jobs.sync.reading import PolledList, read_next
from jobs.sync.reference import names
from jobs.sync.switches import find_switches
from webapp.clients.cliniko import resources
from webapp.clients.cliniko.records import ConcessionType, ReferralSourceType
from webapp.clients.errors import Forbidden
from webapp.extensions import db
from webapp.store import cursors, issues, streams
from webapp.store import people as index

STREAM = "patients"
SPEC = PersonKind("patient", STREAM, "cliniko_patient_key", indexing.known_patient)

INDEX = PolledList("patients.index", resources.list_patients, None, ("archived_at",))
REFERRALS = PolledList("referral_sources.updated_at", resources.list_referral_sources, "updated_at")
UPDATED = PolledList("patients.updated_at", resources.list_patients, "updated_at", ("archived_at",))
ARCHIVED = PolledList("patients.archived_at", resources.list_patients, "archived_at", ("archived_at",))


def run_step(ctx: SyncContext) -> bool:
    """One execution: at most 100 records of the list whose turn it is. True when the cycle has nothing left to do."""
    places = cursors.all_of(ctx.connection_id)
    known = people_steps.indexed(places, LISTS)
    readable = ctx.access.get("referral_sources") != "forbidden"
    if known and readable and not people_steps.done(ctx, places, REFERRALS):
        _referral_step(ctx)
        return False
    if not people_steps.run_step(ctx, LISTS, places):
        return False
    # Once per cycle: pushes and unlinks that no webhook reported.
    find_switches(ctx)
    return True


def on_reread(ctx: SyncContext) -> None:
    """A setting asked for a full re-read: plan it and tick it off; the caller commits."""
    people_steps.start_over(ctx, LISTS)
    streams.take_reread(ctx.hub_id, STREAM)


def _referral_step(ctx: SyncContext) -> None:
    """Remember who was referred how; linked patients whose referral changed are read again."""
    try:
        page = read_next(ctx, REFERRALS)
    except Forbidden:
        # The key's role may not read them: the stream goes on without.
        ctx.access["referral_sources"] = "forbidden"
        return
    rows: dict[str, dict[str, Any]] = {}
    for source in page.records:
        if source.patient_id is None:
            continue
        text = f"{source.referral_source_type_id}\x1f{source.subcategory}"
        rows[source.patient_id] = {
            "connection_id": ctx.connection_id,
            "patient_id": source.patient_id,
            "hub_id": ctx.hub_id,
            "source_id": source.id,
            "type_id": source.referral_source_type_id,
            "subcategory": source.subcategory,
            "digest": field_digest(ctx.digest_key, "referral", text),
        }
    stored = index.referrals(ctx.connection_id, list(rows))
    fresh = [r for p, r in rows.items() if p not in stored or bytes(stored[p].digest) != r["digest"]]
    ctx.keeper.guard()
    index.save_referrals(fresh)
    first_read = cursors.load(ctx.connection_id, ctx.hub_id, UPDATED.name).window_start is None
    if not first_read:
        ids = [row["patient_id"] for row in fresh]
        issues.add_work(ctx.hub_id, ctx.connection_id, SPEC.kind, ids, "referral")
    page.commit()
    db.session.commit()


def map_all(ctx: SyncContext, patients: Sequence[Any]) -> list[MappedRecord]:
    """The mapped values of these patients, with referral source and concession joined."""
    base = MapContext(
        cliniko_account_id=ctx.cliniko_account_id,
        subdomain=ctx.subdomain,
        shard=ctx.shard,
        country_code=ctx.country_code,
        use_preferred_first_name=ctx.settings.use_preferred_first_name,
    )
    sources = index.referrals(ctx.connection_id, [p.id for p in patients])
    types = names(
        ctx,
        "referral_source_types",
        resources.list_referral_source_types,
        ReferralSourceType,
        wanted={s.type_id for s in sources.values() if s.type_id},
    )
    concessions = names(
        ctx,
        "concession_types",
        resources.list_concession_types,
        ConcessionType,
        wanted={p.concession_type_id for p in patients if p.concession_type_id},
    )
    mapped: list[MappedRecord] = []
    for patient in patients:
        source = sources.get(patient.id)
        referral = ReferralText(types.get(source.type_id or ""), source.subcategory) if source else None
        context = base.for_record(referral, concessions.get(patient.concession_type_id or ""))
        mapped.append(map_patient(patient, context=context))
    return mapped


LISTS = PeopleLists(SPEC, INDEX, UPDATED, (ARCHIVED,), map_all)
