"""Extensions, made once and bound to the application by `init_app`."""

import sqlite3
from typing import Any

import redis
from flask import Flask, current_app
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import event
from sqlalchemy.engine import Engine

from webapp.store.base import Base

db = SQLAlchemy(model_class=Base)
migrate = Migrate()
csrf = CSRFProtect()


def init_app(app: Flask) -> None:
    """Bind database, migrations, CSRF protection and Redis, in this order."""
    db.init_app(app)
    with app.app_context():
        _tune(db.engine)
    migrate.init_app(
        app, db, directory=str(_migrations()), render_as_batch=True, compare_type=True, compare_server_default=False
    )
    csrf.init_app(app)


def get_redis() -> Any:
    """The application's Redis connection (bytes). The embedded server is found, or started, at the first use."""
    connection = current_app.extensions.get("redis")
    if connection is None:
        from webapp.queue_server import find_or_start

        settings = current_app.config["CRMCONNECT"]
        url = settings.redis_url or find_or_start(settings.var_dir)
        connection = redis.Redis.from_url(url, socket_timeout=30, socket_connect_timeout=5, health_check_interval=30)
        current_app.extensions["redis"] = connection
    return connection


def _migrations() -> Any:
    from webapp.config import ROOT

    return ROOT / "webapp" / "migrations"


def _tune(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, record: object) -> None:
        # SQLAlchemy begins transactions itself (below); the driver must not.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "busy_timeout=30000", "foreign_keys=ON", "synchronous=NORMAL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # Taking the write lock first makes a second process wait; upgrading a read lock later would fail instead.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
