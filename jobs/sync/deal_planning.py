"""Turns visits and invoices into inputs for HubSpot, and says where in which pipeline a deal belongs."""

from collections.abc import Sequence

from jobs.sync.context import SyncContext
from jobs.sync.deal_items import PLACE, DealItem, DealWrite, Place
from jobs.sync.items import changed, read_fields
from webapp.clients.hubspot import objects


def plan_new(item: DealItem) -> DealWrite:
    """A deal to create: every value, pipeline and stage."""
    place = item.place
    assert place is not None
    properties = {name: value for name, value in item.values.items() if value != ""}
    return DealWrite(
        item=item,
        create=True,
        hubspot_id=None,
        agreed={},
        properties={**properties, "pipeline": place.pipeline, "dealstage": place.stage},
        place=place,
    )


def plan_change(ctx: SyncContext, item: DealItem) -> DealWrite:
    """A deal to update: only what changed in Cliniko since we last wrote it. The place is settled afterwards."""
    link, place = item.link, item.place
    assert link is not None and place is not None
    agreed = read_fields(link.fields)
    return DealWrite(
        item=item,
        create=False,
        hubspot_id=link.hubspot_id,
        agreed=agreed,
        properties=changed(ctx, item.values, agreed),
        place=place,
    )


def settle_places(ctx: SyncContext, writes: Sequence[DealWrite]) -> None:
    """Send pipeline and stage only where the stage changed, after one look at where those deals are now: one that a
    person moved to another pipeline stays there, and only its properties are kept up to date."""
    moved = [w for w in writes if _last_place(w.item) != w.place]
    if not moved:
        return
    ids = [w.hubspot_id for w in moved if w.hubspot_id]
    found: dict[str, str | None] = {}
    for start in range(0, len(ids), 100):
        result = objects.batch_read(ctx.hubspot, "deals", ids[start : start + 100], ["pipeline", "dealstage"])
        ctx.count("hubspot_calls")
        found |= {record.id: record.properties.get("pipeline") for record in result.results}
    for write in moved:
        last = _last_place(write.item)
        here = found.get(write.hubspot_id or "")
        if here is not None and last is not None and here not in (last.pipeline, write.place.pipeline):
            write.place = Place(last.pipeline, write.place.stage)
            continue
        write.properties |= {"pipeline": write.place.pipeline, "dealstage": write.place.stage}


def stay_in_place(write: DealWrite) -> None:
    """HubSpot has no such pipeline or stage: everything else is written, and the place is sent with the next try."""
    for name in PLACE:
        write.properties.pop(name, None)
    write.place = _last_place(write.item) or write.place


def _last_place(item: DealItem) -> Place | None:
    link = item.link
    if link is None or link.pipeline is None or link.stage is None:
        return None
    return Place(link.pipeline, link.stage)
