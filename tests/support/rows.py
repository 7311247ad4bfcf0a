"""A row that fits any of our tables, for tests that go over all of them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from webapp.store.base import EncryptedText, UtcDateTime

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def plain(column: sa.Column) -> str:
    """The text that `row` puts into an encrypted column."""
    return f"Zoë Planted of {column.table.name} {column.name}"


def row(table: sa.Table, **values: Any) -> dict[str, Any]:
    """A value for every column; numbers are 1, so that every foreign key finds its row. `values` replace some."""
    return {column.name: values.get(column.name, _sample(column)) for column in table.columns}


def _sample(column: sa.Column) -> Any:
    kind = column.type
    if isinstance(kind, EncryptedText):
        return plain(column)
    if isinstance(kind, UtcDateTime):
        return MOMENT
    if isinstance(kind, sa.JSON):
        return {}
    return {
        int: 1,
        str: "x",
        bytes: b"x" * 16,
        bool: False,
        datetime: MOMENT,
        date: MOMENT.date(),
        Decimal: Decimal("12.50"),
        float: 1.5,
    }[kind.python_type]
