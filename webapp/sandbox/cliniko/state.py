"""Accounts as plain JSON data, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

_PLAIN = (
    "id",
    "name",
    "subdomain",
    "shard",
    "country",
    "country_code",
    "currency_symbol",
    "time_zone_identifier",
    "settings",
    "keys",
    "sequence",
)


def dump(accounts: Iterable[ClinikoAccount]) -> bytes:
    return msgspec.json.encode(
        [
            {
                "fields": {name: getattr(account, name) for name in _PLAIN},
                "forbidden": sorted(account.forbidden),
                "switches": asdict(account.switches),
                "tables": {name: list(table.values()) for name, table in account.tables.items()},
            }
            for account in accounts
        ]
    )


def read(data: bytes) -> Iterator[tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]]:
    """(fields of the account, its rows by table) for each account."""
    for raw in msgspec.json.decode(data):
        fields = {**raw["fields"], "forbidden": set(raw["forbidden"]), "switches": raw["switches"]}
        yield fields, raw["tables"]
