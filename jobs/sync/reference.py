"""Reference lists (types, prices, practitioners, owners …): read whole, kept in Redis, read again after an hour or when
an id is unknown. They hold nothing about patients."""

import math
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import msgspec

from jobs.mapping.owner import OwnerBook
from jobs.sync import list_changes
from jobs.sync.context import SyncContext
from webapp.clients.cliniko.client import Page
from webapp.clients.errors import Forbidden
from webapp.clients.hubspot.owners import Owner, list_owners
from webapp.clock import now

KEEP_SECONDS = 3600
# An id that the list does not have is not asked for again within this time.
ASK_AGAIN_SECONDS = 60
# Old records still point at what is no longer listed.
REMEMBERED = frozenset({"appointment_types", "practitioners", "users", "businesses"})

T = TypeVar("T", bound=msgspec.Struct)
Lister = Callable[..., Page[Any]]


def table(
    ctx: SyncContext, list_name: str, kind: type[T], *listers: Lister, wanted: Collection[str] = (), q: Any = ()
) -> dict[str, T]:
    """{id: record} of a reference list; empty when the key may not read it. An unknown id in `wanted` reads the list
    again, at most once a minute. `q` are conditions, such as the reveal of archived records."""
    known: dict[str, T] | None = ctx.memo.get(list_name)
    if known is None:
        known = _known(ctx, list_name, kind)
        if known is not None and not _is_fresh(ctx, list_name):
            return _read_again(ctx, list_name, listers, q, known)
    if known is None or not (set(wanted) <= known.keys() or not _may_ask(ctx, list_name)):
        return _read_again(ctx, list_name, listers, q, known)
    ctx.memo[list_name] = known
    return known


def names(ctx: SyncContext, list_name: str, lister: Lister, kind: type[T], *, wanted: set[str]) -> dict[str, str]:
    """{id: name} of a reference list."""
    found = table(ctx, list_name, kind, lister, wanted=wanted) if wanted else {}
    return {key: getattr(record, "name", None) or "" for key, record in found.items()}


def owner_book(ctx: SyncContext) -> OwnerBook:
    """Who can own deals in the HubSpot account."""
    book: OwnerBook | None = ctx.memo.get("owners")
    if book is None:
        known = _known(ctx, "owners", Owner)
        if known is None or not _is_fresh(ctx, "owners"):
            owners = list_owners(ctx.hubspot)
            ctx.count("hubspot_calls", 2)
            _keep(ctx, "owners", owners, known)
        else:
            owners = list(known.values())
        book = ctx.memo["owners"] = OwnerBook.of(owners)
    return book


def is_old(ctx: SyncContext, list_name: str) -> bool:
    """Was this list in use, and is it time to look at it again?"""
    return bool(ctx.redis.exists(_key(ctx, list_name))) and not _is_fresh(ctx, list_name)


def look_again(ctx: SyncContext, *list_names: str) -> None:
    """Read these lists anew the next time they are needed. What they say now stays, so that a change is noticed."""
    ctx.redis.delete(*(f"{_key(ctx, name)}:read" for name in list_names))


def forget(redis: Any, connection_id: int) -> None:
    """Read every list anew the next time it is needed."""
    for key in redis.scan_iter(match=f"crmconnect:reference:{connection_id}:*"):
        redis.delete(key)


def _read_again(
    ctx: SyncContext, list_name: str, listers: Collection[Lister], q: Any, known: dict[str, T] | None
) -> dict[str, T]:
    if ctx.access.get(list_name) == "forbidden":
        return known or {}
    fresh: dict[str, T] = dict(known or {}) if list_name in REMEMBERED else {}
    try:
        for lister in listers:
            fresh |= _read(ctx, lister, q)
    except Forbidden:
        ctx.access[list_name] = "forbidden"
        return known or {}
    _keep(ctx, list_name, list(fresh.values()), known)
    ctx.memo[list_name] = fresh
    return fresh


def _read(ctx: SyncContext, lister: Lister, q: Any) -> dict[str, Any]:
    fresh: dict[str, Any] = {}
    number: int | None = 1
    while number is not None:
        page = lister(ctx.cliniko, page=number, q=q)
        ctx.count("cliniko_reads")
        fresh |= {record.id: record for record in page.records}
        number = page.next_page
    return fresh


def _known(ctx: SyncContext, list_name: str, kind: type[T]) -> dict[str, T] | None:
    raw = ctx.redis.get(_key(ctx, list_name))
    return {r.id: r for r in msgspec.json.decode(raw, type=list[kind])} if raw else None  # type: ignore[attr-defined,valid-type]  # every record has an id


def _keep(ctx: SyncContext, list_name: str, records: list[Any], known: dict[str, Any] | None) -> None:
    """Keep the list. What was written from records that say something else now is written again; that is asked for
    before the list counts as known, so that a stop in between loses nothing."""
    if known is not None:
        before = {key: _content(list_name, record) for key, record in known.items()}
        after = {record.id: _content(list_name, record) for record in records}
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        if changed:
            list_changes.noticed(ctx, list_name, changed, known, {record.id: record for record in records})
    ctx.redis.set(_key(ctx, list_name), msgspec.json.encode(records))
    _stamp(ctx, list_name, "read")


def _content(list_name: str, record: Any) -> tuple[Any, ...]:
    return tuple(getattr(record, column) for column in list_changes.WRITTEN.get(list_name, ()))


def _is_fresh(ctx: SyncContext, list_name: str) -> bool:
    return _age(ctx, list_name, "read") < KEEP_SECONDS


def _may_ask(ctx: SyncContext, list_name: str) -> bool:
    if _age(ctx, list_name, "asked") < ASK_AGAIN_SECONDS:
        return False
    _stamp(ctx, list_name, "asked")
    return True


def _stamp(ctx: SyncContext, list_name: str, what: str) -> None:
    ctx.redis.set(f"{_key(ctx, list_name)}:{what}", now().timestamp())


def _age(ctx: SyncContext, list_name: str, what: str) -> float:
    """Seconds since this happened last. A clock that was set back makes it long ago."""
    at = ctx.redis.get(f"{_key(ctx, list_name)}:{what}")
    age = now().timestamp() - float(at) if at else math.inf
    return age if age >= 0 else math.inf


def _key(ctx: SyncContext, list_name: str) -> str:
    return f"crmconnect:reference:{ctx.connection_id}:{list_name}"
