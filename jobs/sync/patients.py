"""The patients stream: its lists, its mapping, and the steps of one cycle. Its siblings have the same names."""

from collections.abc import Callable, Sequence
from typing import Any

from jobs.mapping.digest import field_digest
from jobs.mapping.patient import map_patient
from jobs.mapping.records import MapContext, MappedRecord, ReferralText
from jobs.sync import cursor as rules
from jobs.sync import indexing, people
from jobs.sync.context import SyncContext
from jobs.sync.items import PersonKind
from jobs.sync.reading import PolledList, begin_from_now, read_next
from jobs.sync.reference import names
from webapp.clients.cliniko import filters, resources
from webapp.clients.cliniko.client import Page
from webapp.clients.errors import Forbidden
from webapp.clock import now
from webapp.extensions import db
from webapp.store import connections, cursors, issues, streams
from webapp.store import people as index

STREAM = "patients"
SPEC = PersonKind("patient", STREAM, "cliniko_patient_key", indexing.known_patient)

INDEX = PolledList("patients.index", resources.list_patients, None, ("archived_at",))
REFERRALS = PolledList("referral_sources.updated_at", resources.list_referral_sources, "updated_at")
UPDATED = PolledList("patients.updated_at", resources.list_patients, "updated_at", ("archived_at",))
ARCHIVED = PolledList("patients.archived_at", resources.list_patients, "archived_at", ("archived_at",))


def run_step(ctx: SyncContext, index_state: str) -> bool:
    """One execution: at most 100 records of the list whose turn it is. True when the cycle has nothing left to do."""
    if index_state != "ready":
        _index_step(ctx)
        return False
    places = cursors.all_of(ctx.connection_id)

    def done(polled: PolledList) -> bool:
        place = places.get(polled.name)
        return place is not None and place.done_cycle >= ctx.cycle_no

    if not done(REFERRALS) and ctx.access.get("referral_sources") != "forbidden":
        _referral_step(ctx)
    elif not done(UPDATED):
        _walk_step(ctx, UPDATED)
    elif not done(ARCHIVED):
        _archived_step(ctx)
    else:
        return _due_step(ctx)
    return False


def start_over(ctx: SyncContext) -> None:
    """Read everything once more, because a setting changed what is written; the caller commits."""
    cursors.restart(ctx.connection_id, UPDATED.name)


def _index_step(ctx: SyncContext) -> None:
    page = read_next(ctx, INDEX)
    known = [SPEC.known(patient, ctx.country_code) for patient in page.records]
    ctx.keeper.guard()
    indexing.index(ctx, SPEC.kind, page.records, known)
    page.commit()
    connections.set_index_state(ctx.connection_id, "ready" if page.finished else "building")
    ctx.count("indexed", len(known))
    db.session.commit()


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


def _walk_step(ctx: SyncContext, polled: PolledList) -> None:
    page = read_next(ctx, polled)
    people.process_page(
        ctx, SPEC, page.records, lambda records: _map_all(ctx, records), bad=page.bad, commit_cursor=page.commit
    )


def _archived_step(ctx: SyncContext) -> None:
    """Archiving may leave `updated_at` alone, so it is followed by its own column. The first walk saw everything."""
    place = cursors.load(ctx.connection_id, ctx.hub_id, ARCHIVED.name)
    if rules.lower_bound(rules.CursorState(place.window_start)) is None and place.last_id is None:
        ctx.keeper.guard()
        begin_from_now(ctx, ARCHIVED, cursors.load(ctx.connection_id, ctx.hub_id, UPDATED.name))
        db.session.commit()
        return
    _walk_step(ctx, ARCHIVED)


def _due_step(ctx: SyncContext) -> bool:
    """Issues whose time has come and work items, ≤ 50 ids in one call. True when none is left."""
    ids = people.due_ids(ctx, SPEC, now())
    if not ids:
        return True
    page = resources.list_patients(
        ctx.cliniko, q=[filters.id_in(ids), filters.reveal("archived_at")], page=1, sort="id"
    )
    ctx.count("cliniko_reads")
    missing = set(ids) - {patient.id for patient in page.records} - {bad_id for bad_id, _ in page.bad}

    def settle() -> None:
        issues.done_work(ctx.connection_id, SPEC.kind, ids)
        issues.postpone(ctx.connection_id, SPEC.kind, missing)

    people.process_page(
        ctx, SPEC, page.records, lambda records: _map_all(ctx, records), bad=page.bad, forced=True, commit_cursor=settle
    )
    return False


def _map_all(ctx: SyncContext, patients: Sequence[Any]) -> list[MappedRecord]:
    base = MapContext(
        cliniko_account_id=ctx.cliniko_account_id,
        subdomain=ctx.subdomain,
        shard=ctx.shard,
        country_code=ctx.country_code,
        use_preferred_first_name=ctx.settings.use_preferred_first_name,
    )
    sources = index.referrals(ctx.connection_id, [p.id for p in patients])
    types = _names(ctx, "referral_source_types", {s.type_id for s in sources.values() if s.type_id})
    concessions = _names(ctx, "concession_types", {p.concession_type_id for p in patients if p.concession_type_id})
    mapped: list[MappedRecord] = []
    for patient in patients:
        source = sources.get(patient.id)
        referral = ReferralText(types.get(source.type_id or ""), source.subcategory) if source else None
        context = base.for_record(referral, concessions.get(patient.concession_type_id or ""))
        mapped.append(map_patient(patient, context=context))
    return mapped


def _names(ctx: SyncContext, list_name: str, wanted: set[str]) -> dict[str, str]:
    if not wanted:
        return {}
    listers: dict[str, Callable[..., Page[Any]]] = {
        "referral_source_types": resources.list_referral_source_types,
        "concession_types": resources.list_concession_types,
    }
    return names(ctx, list_name, listers[list_name], wanted=wanted)


def on_reread(ctx: SyncContext) -> None:
    """A setting asked for a full re-read: plan it and tick it off; the caller commits."""
    start_over(ctx)
    streams.take_reread(ctx.hub_id, STREAM)
