"""Reference lists (types with a name each): read whole, kept an hour in Redis, read again when an id is unknown."""

from collections.abc import Callable

import msgspec

from jobs.sync.context import SyncContext
from webapp.clients.cliniko.client import Page
from webapp.clients.errors import Forbidden

KEEP_SECONDS = 3600


def names(ctx: SyncContext, list_name: str, lister: Callable[..., Page], *, wanted: set[str]) -> dict[str, str]:  # type: ignore[type-arg]
    """{id: name} of a reference list. An unknown id reads the list again, at most once a minute."""
    key = f"crmconnect:reference:{ctx.connection_id}:{list_name}"
    raw = ctx.redis.get(key)
    known: dict[str, str] = msgspec.json.decode(raw, type=dict[str, str]) if raw else {}
    if raw is not None and wanted <= known.keys():
        return known
    if raw is not None and not ctx.redis.set(f"{key}:asked", b"1", nx=True, ex=60):
        return known
    if ctx.access.get(list_name) == "forbidden":
        return known
    fresh: dict[str, str] = {}
    number: int | None = 1
    while number is not None:
        try:
            page = lister(ctx.cliniko, page=number)
        except Forbidden:
            ctx.access[list_name] = "forbidden"
            return known
        ctx.count("cliniko_reads")
        fresh |= {record.id: record.name or "" for record in page.records}
        number = page.next_page
    ctx.redis.set(key, msgspec.json.encode(fresh), ex=KEEP_SECONDS)
    return fresh
