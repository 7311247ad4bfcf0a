"""Small helpers over SQLAlchemy Core that work the same on SQLite and PostgreSQL."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase

from webapp.extensions import db

T = TypeVar("T")

# SQLite allows 32,766 bound values and PostgreSQL 65,535; ids come in chunks well below both.
CHUNK = 500


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Pieces of at most `size` items, in order."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def table_of(model: type[DeclarativeBase]) -> Table:
    """The Core table behind a model."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def upsert(
    model: type[DeclarativeBase],
    rows: Sequence[dict[str, Any]],
    keys: Sequence[str],
    update: Iterable[str] | None = None,
) -> None:
    """Insert rows, or update the named columns where a row with these keys exists. All rows have the same columns.

    `update` names the columns to overwrite (default: all but the keys); an empty list leaves an existing row alone.
    """
    if not rows:
        return
    table = table_of(model)
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    columns = list(rows[0]) if update is None else list(update)
    changes = {name: statement.excluded[name] for name in columns if name not in keys}
    if changes:
        statement = statement.on_conflict_do_update(index_elements=list(keys), set_=changes)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(keys))
    db.session.execute(statement, rows)


def insert_new(model: type[DeclarativeBase], row: dict[str, Any]) -> None:
    """Insert one row, unless any unique value of it is there already."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    db.session.execute(insert(table_of(model)).on_conflict_do_nothing(), [row])


def insert_from(model: type[DeclarativeBase], source: Any, keys: Sequence[str]) -> None:
    """INSERT … SELECT; rows whose keys are there already stay as they are. The selected columns carry their names."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    # SQLite reads ON CONFLICT after a SELECT without WHERE as a join condition; every source here has a WHERE.
    columns = [column.name for column in source.selected_columns]
    statement = insert(table_of(model)).from_select(columns, source)
    db.session.execute(statement.on_conflict_do_nothing(index_elements=list(keys)))
