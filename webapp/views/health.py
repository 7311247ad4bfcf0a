"""Is the process up, can it work, and numbers for monitoring."""

import hmac

import redis
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from webapp import metrics
from webapp.config import ConfigError, current_settings
from webapp.extensions import db, get_redis, migrate

blueprint = Blueprint("health", __name__)

# Seconds that one part has to answer.
PATIENCE = 3


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="up")


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Database, Redis and schema are there; 503 names the part that is not."""
    database = _database()
    parts = {"database": database, "redis": _redis(), "schema": _schema() if database == "ok" else "unknown"}
    ready = all(state == "ok" for state in parts.values())
    return jsonify(status="ready" if ready else "not ready", **parts), 200 if ready else 503


@blueprint.get("/metrics")
def prometheus() -> ResponseReturnValue:
    """Prometheus text, for the operator only: closed without OPERATOR_TOKEN."""
    token = current_settings().operator_token
    if not token:
        abort(404)
    offered = request.headers.get("Authorization", "")
    if not hmac.compare_digest(offered.encode(), f"Bearer {token}".encode()):
        abort(401)
    return Response(metrics.render(), content_type=metrics.CONTENT_TYPE)


def _database() -> str:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        db.session.rollback()
        return "unreachable"
    return "ok"


def _redis() -> str:
    try:
        pool = get_redis().connection_pool
        # A job may wait for half a minute; whoever asks whether we are ready does not.
        options = {**pool.connection_kwargs, "socket_timeout": PATIENCE, "retry": Retry(NoBackoff(), 0)}
        probe = redis.Redis.from_pool(redis.ConnectionPool(pool.connection_class, **options))
        with probe:
            probe.ping()
    except (redis.RedisError, OSError, ValueError, ConfigError):
        return "unreachable"
    return "ok"


def _schema() -> str:
    try:
        present = set(MigrationContext.configure(db.session.connection()).get_current_heads())
    except SQLAlchemyError:
        db.session.rollback()
        return "unreachable"
    scripts = ScriptDirectory(str(migrate.directory))
    if present == set(scripts.get_heads()):
        return "ok"
    known = {script.revision for script in scripts.walk_revisions()}
    return "run: flask --app wsgi db upgrade" if present <= known else "newer than this version of the service"
