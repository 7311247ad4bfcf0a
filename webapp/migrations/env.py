"""Runs migrations on the application's own engine. Stored types are written as plain ones, so that an old migration
needs nothing of ours."""

from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from webapp.store.base import EncryptedText, UtcDateTime

extension = current_app.extensions["migrate"]
metadata = extension.db.metadata


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Our column types as the types that they store."""
    if kind == "type" and isinstance(item, EncryptedText):
        return "sa.LargeBinary()"
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def leave_out_empty(migration_context: Any, revision: Any, directives: list[Any]) -> None:
    """No file when nothing changed."""
    options = context.config.cmd_opts
    if getattr(options, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def run_offline() -> None:
    """Print the SQL instead of running it (`flask db upgrade --sql`)."""
    url = extension.db.engine.url.render_as_string(hide_password=False)
    context.configure(url=url, target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    arguments = {"process_revision_directives": leave_out_empty, **extension.configure_args}
    with extension.db.engine.connect() as connection:
        check_references(connection, False)
        try:
            context.configure(connection=connection, target_metadata=metadata, render_item=render_item, **arguments)
            with context.begin_transaction():
                context.run_migrations()
            # SQLite's DDL is not in a transaction of Alembic's: what it did last is still open here.
            connection.commit()
        finally:
            check_references(connection, True)


def check_references(connection: Connection, on: bool) -> None:
    """SQLite changes a column by building the table anew. While it checks references, dropping the old table deletes
    every row that refers to it. This can be set outside of a transaction only, hence on the driver's own connection."""
    if connection.dialect.name == "sqlite":
        connection.rollback()
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


if context.is_offline_mode():
    run_offline()
else:
    run_online()
