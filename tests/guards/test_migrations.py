"""One line of numbered migrations that says what the models say, up and down, on both engines, with rows in place."""

import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade

from tests.guards.source import ROOT
from tests.support.engines import settings_for
from tests.support.rows import row
from webapp import create_app
from webapp.extensions import db, migrate
from webapp.store.base import Base

FOLDER = ROOT / "webapp" / "migrations"
FILES = sorted((FOLDER / "versions").glob("*.py"))
SCRIPTS = ScriptDirectory(str(FOLDER))
REVISIONS = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]


def test_there_is_one_head_and_no_branch():
    assert len(SCRIPTS.get_heads()) == 1
    assert [len(script.nextrev) for script in SCRIPTS.walk_revisions()] == [0] + [1] * (len(REVISIONS) - 1)


def test_files_are_numbered_in_order_and_named_after_what_they_do():
    numbers = [f"{number:04}" for number in range(1, len(FILES) + 1)]
    assert numbers == REVISIONS
    for revision, path in zip(REVISIONS, FILES, strict=True):
        assert re.fullmatch(rf"{revision}_[a-z0-9_]+\.py", path.name), path.name
        assert Path(SCRIPTS.get_revision(revision).path).name == path.name


def test_every_migration_goes_both_ways():
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"def (up|down)grade\(\) -> None:\n    pass", text), path.name
        # An old migration must run when the models have long changed.
        assert "webapp" not in text, path.name


def test_models_and_migrations_agree(app, engine):
    """What `db check` does; it raises with the differences."""
    command.check(migrate.get_config())


def test_a_difference_would_be_seen(app, engine):
    with db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE lease ADD COLUMN forgotten INTEGER")
    with pytest.raises(Exception, match="forgotten"):
        command.check(migrate.get_config())


@contextmanager
def running(engines, engine, valkey_url, tmp_path):
    with engines.empty(engine) as url:
        app = create_app(settings_for(url, valkey_url, tmp_path))
        with app.app_context():
            try:
                yield
            finally:
                db.session.remove()
                db.engine.dispose()


def tables() -> list[sa.Table]:
    """The tables as they stand in the database now, parents first."""
    metadata = sa.MetaData()
    metadata.reflect(db.engine)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def fill() -> None:
    """One row in each table that has none."""
    present = tables()
    with db.engine.begin() as connection:
        for table in present:
            if connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0:
                connection.execute(table.insert(), [row(table)])


def contents() -> dict[str, list[dict[str, Any]]]:
    present = tables()
    with db.engine.connect() as connection:
        return {table.name: [dict(row._mapping) for row in connection.execute(sa.select(table))] for table in present}


def same(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> None:
    """Nothing that was there and still has a place was lost or changed."""
    for name, rows in before.items():
        if name not in after:
            continue
        assert len(after[name]) == len(rows), name
        for old, new in zip(rows, after[name], strict=True):
            shared = old.keys() & new.keys()
            assert {key: old[key] for key in shared} == {key: new[key] for key in shared}, name


def test_every_step_up_and_down_keeps_the_rows(engines, engine, valkey_url, tmp_path):
    with running(engines, engine, valkey_url, tmp_path):
        for revision in REVISIONS:
            before = contents()
            upgrade(revision=revision)
            same(before, contents())
            fill()
        assert {table.name for table in tables()} == set(Base.metadata.tables)
        assert all(rows for rows in contents().values())
        for revision in [*reversed(REVISIONS[:-1]), "base"]:
            before = contents()
            downgrade(revision=revision)
            same(before, contents())
        assert tables() == []
        upgrade()
        command.check(migrate.get_config())
        assert not any(contents().values())


def test_an_upgrade_is_safe_to_repeat(engines, engine, valkey_url, tmp_path):
    with running(engines, engine, valkey_url, tmp_path):
        upgrade()
        fill()
        before = contents()
        upgrade()
        assert contents() == before


def test_a_rebuilt_parent_table_takes_no_child_with_it(engines, valkey_url, tmp_path):
    """SQLite changes a column by building the table anew; dropping the old one must not delete what refers to it."""
    with running(engines, "sqlite", valkey_url, tmp_path):
        upgrade()
        fill()
        before = contents()
        rebuild = tmp_path / "versions" / "9999_rebuild.py"
        rebuild.parent.mkdir()
        rebuild.write_text(
            f"from alembic import op\nrevision, down_revision = '9999', '{REVISIONS[-1]}'\n"
            "def upgrade():\n    with op.batch_alter_table('account', recreate='always') as batch:\n        pass\n"
            "def downgrade():\n    pass\n",
            encoding="utf-8",
        )
        config = migrate.get_config()
        config.set_main_option("version_locations", f"{FOLDER / 'versions'} {rebuild.parent}")
        config.set_main_option("path_separator", "space")
        command.upgrade(config, "9999")
        assert contents() == before
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
