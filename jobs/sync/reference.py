"""Reference lists (types, prices, practitioners, owners …): read whole, kept an hour in Redis, read again when an id is
unknown. They hold nothing about patients."""

import hashlib
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import msgspec

from jobs.mapping.owner import OwnerBook
from jobs.sync.context import SyncContext
from webapp.clients.cliniko.client import Page
from webapp.clients.errors import Forbidden
from webapp.clients.hubspot.owners import Owner, list_owners

KEEP_SECONDS = 3600
# An id that the list does not have is not asked for again within this time.
ASK_AGAIN_SECONDS = 60

T = TypeVar("T", bound=msgspec.Struct)
Lister = Callable[..., Page[Any]]


def table(
    ctx: SyncContext, list_name: str, kind: type[T], *listers: Lister, wanted: Collection[str] = (), q: Any = ()
) -> dict[str, T]:
    """{id: record} of a reference list; empty when the key may not read it. An unknown id in `wanted` reads the list
    again, at most once a minute. `q` are conditions, such as the reveal of archived records."""
    known: dict[str, T] | None = ctx.memo.get(list_name)
    if known is None:
        raw = ctx.redis.get(_key(ctx, list_name))
        known = {r.id: r for r in msgspec.json.decode(raw, type=list[kind])} if raw else None  # type: ignore[attr-defined,valid-type]  # every record has an id
    if known is not None and (set(wanted) <= known.keys() or not _may_ask(ctx, list_name)):
        ctx.memo[list_name] = known
        return known
    if ctx.access.get(list_name) == "forbidden":
        return known or {}
    fresh: dict[str, T] = {}
    try:
        for lister in listers:
            fresh |= _read(ctx, lister, q)
    except Forbidden:
        ctx.access[list_name] = "forbidden"
        return known or {}
    _keep(ctx, list_name, list(fresh.values()))
    ctx.memo[list_name] = fresh
    return fresh


def names(ctx: SyncContext, list_name: str, lister: Lister, kind: type[T], *, wanted: set[str]) -> dict[str, str]:
    """{id: name} of a reference list."""
    found = table(ctx, list_name, kind, lister, wanted=wanted) if wanted else {}
    return {key: getattr(record, "name", None) or "" for key, record in found.items()}


def owner_book(ctx: SyncContext) -> OwnerBook:
    """Who can own deals in the HubSpot account."""
    book: OwnerBook | None = ctx.memo.get("owners")
    if book is None:
        raw = ctx.redis.get(_key(ctx, "owners"))
        owners = msgspec.json.decode(raw, type=list[Owner]) if raw else None
        if owners is None:
            owners = list_owners(ctx.hubspot)
            ctx.count("hubspot_calls", 2)
            _keep(ctx, "owners", owners)
        book = ctx.memo["owners"] = OwnerBook.of(owners)
    return book


def forget(redis: Any, connection_id: int) -> None:
    """Read every list anew the next time it is needed."""
    for key in redis.scan_iter(match=f"crmconnect:reference:{connection_id}:*"):
        redis.delete(key)


def _read(ctx: SyncContext, lister: Lister, q: Any) -> dict[str, Any]:
    fresh: dict[str, Any] = {}
    number: int | None = 1
    while number is not None:
        page = lister(ctx.cliniko, page=number, q=q)
        ctx.count("cliniko_reads")
        fresh |= {record.id: record for record in page.records}
        number = page.next_page
    return fresh


def _keep(ctx: SyncContext, list_name: str, records: list[Any]) -> None:
    """Keep the list, and note when it is another one than before: what was written from it is then written again."""
    raw = msgspec.json.encode(records)
    ctx.redis.set(_key(ctx, list_name), raw, ex=KEEP_SECONDS)
    digest = hashlib.sha256(raw).digest()
    before = ctx.redis.getset(f"{_key(ctx, list_name)}:digest", digest)
    if before is not None and before != digest:
        ctx.changed_lists.add(list_name)


def _may_ask(ctx: SyncContext, list_name: str) -> bool:
    return bool(ctx.redis.set(f"{_key(ctx, list_name)}:asked", b"1", nx=True, ex=ASK_AGAIN_SECONDS))


def _key(ctx: SyncContext, list_name: str) -> str:
    return f"crmconnect:reference:{ctx.connection_id}:{list_name}"
