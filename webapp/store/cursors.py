"""How far each polled list has been read. Every change here is committed by the caller, with what it covers."""

from sqlalchemy import delete, select

from webapp.extensions import db

from .models_sync import Cursor


def load(connection_id: int, hub_id: int, list_name: str) -> Cursor:
    """The list's cursor; a new one reads from the beginning."""
    cursor = db.session.get(Cursor, (connection_id, list_name), populate_existing=True)
    if cursor is None:
        cursor = Cursor(connection_id=connection_id, hub_id=hub_id, list_name=list_name, pass_no=1, done_cycle=0)
        db.session.add(cursor)
        db.session.flush()
    return cursor


def all_of(connection_id: int) -> dict[str, Cursor]:
    return {c.list_name: c for c in db.session.scalars(select(Cursor).where(Cursor.connection_id == connection_id))}


def restart(connection_id: int, list_name: str) -> None:
    """Read this list from the beginning in the next walk."""
    db.session.execute(delete(Cursor).where(Cursor.connection_id == connection_id, Cursor.list_name == list_name))


def restart_all(connection_id: int, prefix: str) -> None:
    """The same of all lists whose names begin so."""
    db.session.execute(
        delete(Cursor).where(
            Cursor.connection_id == connection_id, Cursor.list_name.startswith(prefix, autoescape=True)
        )
    )
