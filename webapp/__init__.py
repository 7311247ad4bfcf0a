"""The web application and what it shares with the workers."""

import os

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.config import ROOT, ConfigError, Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Settings, logs, extensions, pages, commands, in that order. Raises ConfigError for a wrong setting."""
    if settings is None:
        settings = load_settings()
    from webapp import errors, extensions, logs
    from webapp.cli import register_commands
    from webapp.security import headers
    from webapp.security.crypto import Cipher
    from webapp.views import register_blueprints

    logs.configure(settings.log_level, pretty=settings.environment == "development" and os.isatty(2))
    app = Flask(__name__)
    app.config.update(
        CRMCONNECT=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings.database_url),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=settings.secure,
        # HubSpot shows the install pages in a frame of its own, which only a None cookie survives.
        SESSION_COOKIE_SAMESITE="None" if settings.secure else "Lax",
        SESSION_COOKIE_NAME="crmconnect",
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
    )
    # One proxy in front (the usual deployment) tells scheme and address of the visitor.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]  # Flask's documented way
    app.url_map.strict_slashes = False
    app.extensions["cipher"] = Cipher(settings.encryption_keys)
    _prepare_folder(settings)
    extensions.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    register_blueprints(app)
    register_commands(app)
    return app


def load_settings() -> Settings:
    """From the environment; values of a `.env` file fill what the environment leaves open."""
    from dotenv import dotenv_values

    values = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value is not None}
    return Settings.from_env({**values, **os.environ})


def _engine_options(url: str) -> dict[str, object]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 30}}
    # Without a limit a database host that says nothing would hold every web process for minutes.
    return {"pool_pre_ping": True, "pool_size": 5, "max_overflow": 5, "connect_args": {"connect_timeout": 5}}


def _prepare_folder(settings: Settings) -> None:
    if not settings.database_url.startswith("sqlite:///"):
        return
    from pathlib import Path

    path = settings.database_url.removeprefix("sqlite:///")
    if path in ("", ":memory:"):
        raise ConfigError("DATABASE_URL must name a file: an in-memory database is not shared between processes.")
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise ConfigError("DATABASE_URL names a folder that cannot be made: choose one that can be written.") from None
