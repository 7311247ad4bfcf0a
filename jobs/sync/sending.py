"""Sends writes to HubSpot in batches and accounts for every single input. Contacts and deals alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from jobs.sync.context import SyncContext
from webapp.clients.errors import NotFound, Rejected
from webapp.clients.hubspot import objects
from webapp.clients.hubspot.objects import BatchError, BatchResult, WriteInput
from webapp.clock import now


@dataclass(frozen=True)
class Target:
    """What is written to: the kind of HubSpot record, its unique key, and the property that keeps the time of a write
    (which alone never causes one)."""

    object_type: str
    key_property: str
    stamp: str | None = None


class Sendable(Protocol):
    """One input. `key` is the value of the unique property, `trace_id` is unique in its batch."""

    hubspot_id: str | None
    properties: dict[str, str]

    @property
    def trace_id(self) -> str: ...
    @property
    def key(self) -> str: ...


W = TypeVar("W", bound=Sendable)


@dataclass(frozen=True)
class Outcome(Generic[W]):
    """One of the three: accepted as the record `hubspot_id`, refused with `error`, or gone from HubSpot. `key` is our
    unique key on the record that was found in the place of one that was merged away."""

    write: W
    hubspot_id: str | None = None
    error: BatchError | None = None
    gone: bool = False
    key: str | None = None


def send_updates(ctx: SyncContext, target: Target, writes: Sequence[W]) -> list[Outcome[W]]:
    """`batch/update` by HubSpot record id, ≤ 100 at a time. Raises Retryable and the like; those write nothing more."""
    outcomes: list[Outcome[W]] = []
    for part in _parts(writes):
        inputs = [WriteInput(w.trace_id, w.hubspot_id or "", _stamped(target, w)) for w in part]
        result = _send(ctx, inputs, lambda some: objects.batch_update(ctx.hubspot, target.object_type, some))
        outcomes.extend(_account(ctx, target, part, result, by_key=False))
    return outcomes


def send_creates(ctx: SyncContext, target: Target, writes: Sequence[W]) -> list[Outcome[W]]:
    """`batch/upsert` by our unique key, so that a repeat creates nothing."""
    key = target.key_property
    outcomes: list[Outcome[W]] = []
    for part in _parts(writes):
        inputs = [WriteInput(w.trace_id, w.key, _stamped(target, w), key) for w in part]
        result = _send(ctx, inputs, lambda some: objects.batch_upsert(ctx.hubspot, target.object_type, some, key))
        outcomes.extend(_account(ctx, target, part, result, by_key=True))
    return outcomes


def _stamped(target: Target, write: Sendable) -> dict[str, str]:
    if target.stamp is None:
        return dict(write.properties)
    return {**write.properties, target.stamp: now().strftime("%Y-%m-%dT%H:%M:%SZ")}


def _send(ctx: SyncContext, inputs: list[WriteInput], send: Callable[[list[WriteInput]], BatchResult]) -> BatchResult:
    ctx.keeper.check()
    ctx.count("hubspot_calls")
    ctx.count("hubspot_writes")
    try:
        return send(inputs)
    except Rejected as refused:
        return _halves(ctx, inputs, refused, send)


def _halves(
    ctx: SyncContext, inputs: list[WriteInput], refused: Rejected, send: Callable[[list[WriteInput]], BatchResult]
) -> BatchResult:
    """HubSpot refused the batch as a whole: find the input that it means, so that the others go through."""
    if len(inputs) == 1:
        error = BatchError(
            message=refused.detail,
            category=refused.category or "",
            trace_ids=(inputs[0].trace_id,),
            ids=(inputs[0].id,),
            codes=tuple(e.code for e in refused.errors if e.code),
            property_names=tuple(e.field for e in refused.errors if e.field),
            holder_id=refused.existing_id,
        )
        return BatchResult(results=[], errors=[error])
    middle = len(inputs) // 2
    first, second = _send(ctx, inputs[:middle], send), _send(ctx, inputs[middle:], send)
    return BatchResult(results=[*first.results, *second.results], errors=[*first.errors, *second.errors])


def _account(
    ctx: SyncContext, target: Target, writes: Sequence[W], result: BatchResult, *, by_key: bool
) -> list[Outcome[W]]:
    """Match results and errors with inputs: by trace id, else by key or record id. What is in neither is looked up."""
    by_trace = {w.trace_id: w for w in writes}
    by_id: dict[str | None, W] = {(w.key if by_key else w.hubspot_id): w for w in writes}
    done: dict[str, Outcome[W]] = {}
    for record in result.results:
        key = record.properties.get(target.key_property)
        write = by_trace.get(record.trace_id or "") or by_id.get(key if by_key else record.id)
        # An answer by another record than the one that was named is looked into like none at all.
        if write is not None and (by_key or record.id == write.hubspot_id):
            done[write.trace_id] = Outcome(write, hubspot_id=record.id)
    for error in result.errors:
        named = [by_trace.get(t) for t in error.trace_ids] or [by_id.get(i) for i in error.ids]
        for write in named:
            missing = not by_key and error.category == "OBJECT_NOT_FOUND"
            if write is not None and write.trace_id not in done and not missing:
                done[write.trace_id] = Outcome(write, error=error)
    return [*done.values(), *_look_up(ctx, target, [w for w in writes if w.trace_id not in done])]


def _look_up(ctx: SyncContext, target: Target, writes: Sequence[W]) -> list[Outcome[W]]:
    """Inputs that HubSpot did not answer: merged into another record, deleted, or simply left out.

    Deleted ones, of which there may be many at once, are found together; the others one by one, because only a single
    read tells which record took the place of a merged one."""
    unknown = [Outcome(w, error=_unanswered(w)) for w in writes if w.hubspot_id is None]
    named = [w for w in writes if w.hubspot_id is not None]
    deleted: set[str] = set()
    if len(named) > 1:
        ids = [w.hubspot_id for w in named if w.hubspot_id is not None]
        deleted = {r.id for r in objects.batch_read(ctx.hubspot, target.object_type, ids, [], archived=True).results}
        ctx.count("hubspot_calls")
    found = [Outcome(w, gone=True) if w.hubspot_id in deleted else _find(ctx, target, w) for w in named]
    return [*unknown, *found]


def _find(ctx: SyncContext, target: Target, write: W) -> Outcome[W]:
    ctx.count("hubspot_calls")
    try:
        record = objects.read_one(ctx.hubspot, target.object_type, write.hubspot_id or "", [target.key_property])
    except NotFound:
        return Outcome(write, gone=True)
    if record.archived:
        return Outcome(write, gone=True)
    key = record.properties.get(target.key_property)
    return Outcome(write, hubspot_id=record.id, error=_unanswered(write), key=key)


def _unanswered(write: Sendable) -> BatchError:
    """Nothing was said about this input: it is sent again, to the record it now belongs to."""
    return BatchError(
        message="HubSpot did not say what became of this record.",
        category="UNANSWERED",
        trace_ids=(write.trace_id,),
        ids=(),
        codes=(),
        property_names=(),
        holder_id=None,
    )


def _parts(writes: Sequence[Any]) -> list[Sequence[Any]]:
    return [writes[start : start + 100] for start in range(0, len(writes), 100)]
