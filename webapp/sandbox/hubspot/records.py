"""Records of one object type in one portal, with the indexes that make unique values and e-mails quick to find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Source:
    """Who made a change: type INTEGRATION with an app id, or CRM_UI with `userId:<id>`."""

    type: str
    id: str


@dataclass
class Version:
    value: str
    at: datetime
    source: Source


@dataclass
class Record:
    id: str
    created_at: datetime
    updated_at: datetime
    properties: dict[str, str] = field(default_factory=dict)
    history: dict[str, list[Version]] = field(default_factory=dict)
    archived: bool = False
    archived_at: datetime | None = None
    # What the search index knows while it lags behind: `pending` holds later states with the moment each shows up.
    indexed: dict[str, str] | None = None
    pending: list[tuple[datetime, dict[str, str]]] = field(default_factory=list)

    def searchable(self, now: datetime) -> dict[str, str] | None:
        """The properties the search index sees at `now`; None while the record is not indexed yet."""
        while self.pending and self.pending[0][0] <= now:
            self.indexed = self.pending.pop(0)[1]
        return self.indexed if self.pending else self.properties

    def lag(self, before: dict[str, str] | None, visible_at: datetime) -> None:
        """Keep the state before a write as the one the search index still shows until `visible_at`."""
        if not self.pending:
            self.indexed = before
        self.pending.append((visible_at, dict(self.properties)))


def split_emails(value: str | None) -> list[str]:
    return [part.strip().lower() for part in (value or "").split(";") if part.strip()]


class Records:
    """Every record of one object type. `aliases` maps a merged-away id to the id that survived."""

    def __init__(self, object_type: str, first_id: int) -> None:
        self.object_type = object_type
        self.by_id: dict[str, Record] = {}
        self.unique: dict[str, dict[str, str]] = {}
        self.secondary_emails: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.next_id = first_id

    def __len__(self) -> int:
        return sum(1 for record in self.by_id.values() if not record.archived)

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self.by_id.values()))

    def allocate(self) -> str:
        allocated = self.next_id
        self.next_id += 50
        return str(allocated)

    def survivor(self, record_id: str) -> str:
        while record_id in self.aliases:
            record_id = self.aliases[record_id]
        return record_id

    def get(self, record_id: str, *, archived: bool = False) -> Record | None:
        """The record with this id, or the one it was merged into; None when deleted (unless `archived` is asked)."""
        record = self.by_id.get(self.survivor(str(record_id)))
        return record if record is not None and record.archived == archived else None

    def find(self, name: str, value: str, *, secondary: bool = True) -> Record | None:
        """The live record whose unique property `name` holds `value` (e-mails: also as a secondary one)."""
        key = value.strip().lower() if name == "email" else value
        found = self.unique.get(name, {}).get(key)
        if found is None and name == "email" and secondary:
            found = self.secondary_emails.get(key)
        return self.by_id.get(found) if found else None

    def index(self, record: Record) -> None:
        for name, values in self.unique.items():
            if value := record.properties.get(name):
                values[value] = record.id
        for email in split_emails(record.properties.get("hs_additional_emails")):
            self.secondary_emails[email] = record.id

    def unindex(self, record: Record) -> None:
        for name, values in self.unique.items():
            value = record.properties.get(name)
            if value and values.get(value) == record.id:
                del values[value]
        for email in split_emails(record.properties.get("hs_additional_emails")):
            if self.secondary_emails.get(email) == record.id:
                del self.secondary_emails[email]

    def watch_unique(self, name: str) -> None:
        """Start the index of a unique property."""
        values = self.unique.setdefault(name, {})
        for record in self.by_id.values():
            if not record.archived and (value := record.properties.get(name)):
                values[value] = record.id

    def to_dict(self) -> dict[str, Any]:
        return {
            "object_type": self.object_type,
            "next_id": self.next_id,
            "aliases": self.aliases,
            "unique": sorted(self.unique),
            "records": [_dump(record) for record in self.by_id.values()],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Records:
        records = cls(data["object_type"], data["next_id"])
        records.aliases = dict(data["aliases"])
        for name in data["unique"]:
            records.unique[name] = {}
        for raw in data["records"]:
            record = _load(raw)
            records.by_id[record.id] = record
            if not record.archived:
                records.index(record)
        return records


def _dump(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "created_at": record.created_at.isoformat(),
        "updated_at": record.updated_at.isoformat(),
        "archived_at": record.archived_at.isoformat() if record.archived_at else None,
        "properties": record.properties,
        "history": {
            name: [[v.value, v.at.isoformat(), v.source.type, v.source.id] for v in versions]
            for name, versions in record.history.items()
        },
    }


def _load(raw: dict[str, Any]) -> Record:
    archived_at = raw["archived_at"]
    return Record(
        id=raw["id"],
        created_at=datetime.fromisoformat(raw["created_at"]),
        updated_at=datetime.fromisoformat(raw["updated_at"]),
        properties=dict(raw["properties"]),
        history={
            name: [Version(value, datetime.fromisoformat(at), Source(kind, who)) for value, at, kind, who in versions]
            for name, versions in raw["history"].items()
        },
        archived=archived_at is not None,
        archived_at=datetime.fromisoformat(archived_at) if archived_at else None,
    )
