"""Is the process up, can it work, and numbers for monitoring."""

import hmac

import redis
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from webapp import metrics
from webapp.config import current_settings
from webapp.extensions import db, get_redis, migrate

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="up")


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Database, Redis and schema are there; 503 names the part that is not."""
    parts = {"database": _database(), "redis": _redis(), "schema": _schema()}
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
        get_redis().ping()
    except (redis.RedisError, OSError):
        return "unreachable"
    return "ok"


def _schema() -> str:
    try:
        present = set(MigrationContext.configure(db.session.connection()).get_current_heads())
    except SQLAlchemyError:
        db.session.rollback()
        return "unreachable"
    wanted = set(ScriptDirectory(str(migrate.directory)).get_heads())
    return "ok" if present == wanted else "run: flask --app wsgi db upgrade"
