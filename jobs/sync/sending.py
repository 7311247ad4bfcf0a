"""Sends writes to HubSpot in batches and accounts for every single input."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.sync.context import SyncContext
from jobs.sync.items import PersonKind, Write
from webapp.clients.errors import NotFound, Rejected
from webapp.clients.hubspot import objects
from webapp.clients.hubspot.objects import BatchError, BatchResult, WriteInput
from webapp.clock import now


@dataclass(frozen=True)
class Outcome:
    """One of the three: accepted as the contact `hubspot_id`, refused with `error`, or gone from HubSpot."""

    write: Write
    hubspot_id: str | None = None
    error: BatchError | None = None
    gone: bool = False


def send_updates(ctx: SyncContext, spec: PersonKind, writes: Sequence[Write]) -> list[Outcome]:
    """`batch/update` by HubSpot record id, ≤ 100 at a time. Raises Retryable and the like; those write nothing more."""
    outcomes: list[Outcome] = []
    for part in _parts(writes):
        inputs = [WriteInput(w.trace_id, w.hubspot_id or "", _stamped(ctx, w)) for w in part]
        outcomes.extend(_account(ctx, spec, part, _update(ctx, inputs), by_key=False))
    return outcomes


def send_creates(ctx: SyncContext, spec: PersonKind, writes: Sequence[Write]) -> list[Outcome]:
    """`batch/upsert` by our unique key, so that a repeat creates nothing."""
    outcomes: list[Outcome] = []
    for part in _parts(writes):
        inputs = [
            WriteInput(w.trace_id, ctx.unique_key(w.item.cliniko_id), dict(w.properties), spec.key_property)
            for w in part
        ]
        outcomes.extend(_account(ctx, spec, part, _upsert(ctx, spec, inputs), by_key=True))
    return outcomes


def _stamped(ctx: SyncContext, write: Write) -> dict[str, str]:
    """The properties with the time of this write, which alone never causes one."""
    if "cliniko_synced_at" not in ctx.writable:
        return dict(write.properties)
    return {**write.properties, "cliniko_synced_at": now().strftime("%Y-%m-%dT%H:%M:%SZ")}


def _update(ctx: SyncContext, inputs: Sequence[WriteInput]) -> BatchResult:
    ctx.keeper.check()
    ctx.count("hubspot_calls")
    ctx.count("hubspot_writes")
    try:
        return objects.batch_update(ctx.hubspot, "contacts", list(inputs))
    except Rejected as refused:
        return _halves(inputs, refused, lambda part: _update(ctx, part))


def _upsert(ctx: SyncContext, spec: PersonKind, inputs: Sequence[WriteInput]) -> BatchResult:
    ctx.keeper.check()
    ctx.count("hubspot_calls")
    ctx.count("hubspot_writes")
    try:
        return objects.batch_upsert(ctx.hubspot, "contacts", list(inputs), spec.key_property)
    except Rejected as refused:
        return _halves(inputs, refused, lambda part: _upsert(ctx, spec, part))


def _halves(
    inputs: Sequence[WriteInput], refused: Rejected, send: Callable[[Sequence[WriteInput]], BatchResult]
) -> BatchResult:
    """HubSpot refused the batch as a whole: find the input that it means, so that the others go through."""
    if len(inputs) == 1:
        codes = tuple(e.code for e in refused.errors if e.code)
        names = tuple(e.field for e in refused.errors if e.field)
        error = BatchError(
            message=refused.detail,
            category=refused.category or "",
            trace_ids=(inputs[0].trace_id,),
            ids=(inputs[0].id,),
            codes=codes,
            property_names=names,
            holder_id=refused.existing_id,
        )
        return BatchResult(results=[], errors=[error])
    middle = len(inputs) // 2
    first, second = send(inputs[:middle]), send(inputs[middle:])
    return BatchResult(results=[*first.results, *second.results], errors=[*first.errors, *second.errors])


def _account(
    ctx: SyncContext, spec: PersonKind, writes: Sequence[Write], result: BatchResult, *, by_key: bool
) -> list[Outcome]:
    """Match results and errors with inputs: by trace id, else by key or record id. What is in neither is looked up."""
    by_trace = {w.trace_id: w for w in writes}
    by_id = {(ctx.unique_key(w.item.cliniko_id) if by_key else w.hubspot_id): w for w in writes}
    done: dict[str, Outcome] = {}
    for record in result.results:
        key = record.properties.get(spec.key_property)
        write = by_trace.get(record.trace_id or "") or by_id.get(key if by_key else record.id)
        if write is not None:
            done[write.trace_id] = Outcome(write, hubspot_id=record.id)
    for error in result.errors:
        named = [by_trace.get(t) for t in error.trace_ids] or [by_id.get(i) for i in error.ids]
        for write in named:
            if write is not None and write.trace_id not in done:
                gone = not by_key and error.category == "OBJECT_NOT_FOUND"
                done[write.trace_id] = _look_up(ctx, write) if gone else Outcome(write, error=error)
    for write in writes:
        if write.trace_id not in done:
            done[write.trace_id] = _look_up(ctx, write)
    return list(done.values())


def _look_up(ctx: SyncContext, write: Write) -> Outcome:
    """An input that HubSpot did not answer: merged into another contact, deleted, or simply left out."""
    if write.hubspot_id is None:
        return Outcome(write, error=_unanswered(write))
    ctx.count("hubspot_calls")
    try:
        record = objects.read_one(ctx.hubspot, "contacts", write.hubspot_id, ["email"])
    except NotFound:
        return Outcome(write, gone=True)
    if record.archived:
        return Outcome(write, gone=True)
    return Outcome(write, hubspot_id=record.id, error=_unanswered(write))


def _unanswered(write: Write) -> BatchError:
    """Nothing was said about this input: it is sent again, to the contact it now belongs to."""
    return BatchError(
        message="HubSpot did not say what became of this record.",
        category="UNANSWERED",
        trace_ids=(write.trace_id,),
        ids=(),
        codes=(),
        property_names=(),
        holder_id=None,
    )


def _parts(writes: Sequence[Write]) -> list[Sequence[Write]]:
    return [writes[start : start + 100] for start in range(0, len(writes), 100)]
