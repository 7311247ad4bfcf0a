"""Settings of one deployment, from the environment. A wrong value fails at once, in one line that names the fix."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet
from flask import current_app
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from webapp.clients.urls import check_api_url, is_loopback

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
FERNET_FIX = 'make one with: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


class ConfigError(Exception):
    """A setting is missing or wrong; the message is one line with its name and the fix, and holds no secret."""


@dataclass(frozen=True, repr=False)
class Settings:
    """All settings of the deployment. `redis_url` None starts the embedded server; `var_dir` holds local files."""

    secret_key: str
    encryption_keys: tuple[str, ...]
    public_url: str
    hubspot_client_id: str
    hubspot_client_secret: str
    hubspot_app_id: str
    cliniko_contact_email: str
    database_url: str
    redis_url: str | None = None
    hubspot_api_url: str = "https://api.hubapi.com"
    hubspot_app_url: str = "https://app.hubspot.com"
    hubspot_api_version: str = "2026-09"
    cliniko_api_url: str = "https://api.{shard}.cliniko.com/v1"
    cliniko_per_minute: int = 150
    hubspot_per_ten_seconds: int = 100
    hubspot_search_per_second: int = 4
    operator_token: str | None = None
    mail_server: str | None = None
    mail_port: int = 587
    mail_username: str | None = None
    mail_password: str | None = None
    mail_from: str | None = None
    log_level: str = "INFO"
    web_port: int = 5000
    worker_processes: int = 3
    environment: str = "production"
    var_dir: str = "var"

    def __repr__(self) -> str:
        """Names only: a traceback or a log line must not show a secret."""
        return f"<Settings for {self.public_url}>"

    @property
    def secure(self) -> bool:
        """Is the public address https, so that cookies may be limited to it?"""
        return self.public_url.startswith("https://")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read and check every setting. Raises ConfigError for the first that is missing or wrong."""
        read = _Reader(os.environ if environ is None else environ)
        var_dir = read.text("VAR_DIR", str(ROOT / "var"))
        return cls(
            var_dir=var_dir,
            secret_key=read.checked("SECRET_KEY", _secret_key),
            encryption_keys=read.checked("ENCRYPTION_KEYS", _encryption_keys),
            public_url=read.checked("PUBLIC_URL", _public_url),
            hubspot_client_id=read.required("HUBSPOT_CLIENT_ID", "copy it from the app's Auth page in HubSpot"),
            hubspot_client_secret=read.required("HUBSPOT_CLIENT_SECRET", "copy it from the app's Auth page in HubSpot"),
            hubspot_app_id=read.checked("HUBSPOT_APP_ID", _app_id),
            cliniko_contact_email=read.checked("CLINIKO_CONTACT_EMAIL", _contact_email),
            database_url=read.checked(
                "DATABASE_URL", _database_url, f"sqlite:///{Path(var_dir).resolve()}/crmconnect.db"
            ),
            redis_url=read.checked("REDIS_URL", _redis_url, "") or None,
            hubspot_api_url=read.api_url("HUBSPOT_API_URL", "https://api.hubapi.com"),
            hubspot_app_url=read.api_url("HUBSPOT_APP_URL", "https://app.hubspot.com"),
            hubspot_api_version=read.checked("HUBSPOT_API_VERSION", _version, "2026-09"),
            cliniko_api_url=read.api_url("CLINIKO_API_URL", "https://api.{shard}.cliniko.com/v1"),
            cliniko_per_minute=read.whole("CLINIKO_PER_MINUTE", 150, 1, 1000),
            hubspot_per_ten_seconds=read.whole("HUBSPOT_PER_TEN_SECONDS", 100, 1, 1000),
            hubspot_search_per_second=read.whole("HUBSPOT_SEARCH_PER_SECOND", 4, 1, 100),
            operator_token=read.text("OPERATOR_TOKEN") or None,
            mail_server=read.text("MAIL_SERVER") or None,
            mail_port=read.whole("MAIL_PORT", 587, 1, 65535),
            mail_username=read.text("MAIL_USERNAME") or None,
            mail_password=read.text("MAIL_PASSWORD") or None,
            mail_from=read.text("MAIL_FROM") or None,
            log_level=read.checked("LOG_LEVEL", _log_level, "INFO"),
            web_port=read.whole("WEB_PORT", 5000, 1, 65535),
            worker_processes=read.whole("WORKER_PROCESSES", 3, 2, 64),
            environment=read.checked("ENVIRONMENT", _environment, "production"),
        )


def current_settings() -> Settings:
    """The settings of the running application."""
    settings: Settings = current_app.config["CRMCONNECT"]
    return settings


class _Reader:
    """Reads names from an environment; `NAME_FILE` points to a mounted file that holds the value."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str = "") -> str:
        value = self._environ.get(name, "").strip()
        path = self._environ.get(f"{name}_FILE", "").strip()
        if not value and path:
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise ConfigError(f"{name}_FILE cannot be read: give the path of a file that holds {name}.") from None
        return value or default

    def required(self, name: str, fix: str) -> str:
        value = self.text(name)
        if not value:
            raise ConfigError(f"{name} is missing: {fix}.")
        return value

    def checked(self, name: str, check: Callable[[str], T], default: str = "") -> T:
        try:
            return check(self.text(name, default))
        except ValueError as problem:
            raise ConfigError(f"{name} {problem}.") from None

    def api_url(self, name: str, default: str) -> str:
        try:
            return check_api_url(name, self.text(name, default))
        except ValueError as problem:
            raise ConfigError(f"{problem}.") from None

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        text = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ConfigError(f"{name} must be a whole number from {low} to {high}.")
        return int(text)


def _secret_key(value: str) -> str:
    if not value:
        raise ValueError('is missing: make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"')
    if len(value) < 16:
        raise ValueError("is too short to protect sessions: use at least 16 random characters")
    return value


def _encryption_keys(value: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in value.split(",") if key.strip())
    if not keys:
        raise ValueError(f"is missing: {FERNET_FIX}")
    for number, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError:
            raise ValueError(f"holds a malformed Fernet key (number {number}): {FERNET_FIX}") from None
    return keys


def _public_url(value: str) -> str:
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            "is missing or not an address: give scheme and host as HubSpot sees them, https://app.example.com"
        )
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("must hold scheme and host only, such as https://app.example.com")
    if parts.scheme != "https" and not is_loopback(parts.hostname):
        raise ValueError("must start with https://, except on this machine")
    return value.rstrip("/")


def _split(value: str) -> SplitResult | None:
    """The parts of an address, or None when it is none: blanks, a port that is no number, a broken bracket."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return None if re.search(r"[\s\\]", value) else parts


def _app_id(value: str) -> str:
    if not re.fullmatch(r"\d{1,19}", value):
        raise ValueError("is missing or not a number: copy the app's id from HubSpot")
    return value


def _contact_email(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,63}", value):
        raise ValueError("is missing or no email address: Cliniko asks every app for one where it can be reached")
    return value


def _database_url(value: str) -> str:
    value = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value)
    if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("must start with sqlite:/// or postgresql://")
    try:
        make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError(
            "is not a database address: write postgresql://user:password@host:5432/name, "
            "with special characters of the password as %XX"
        ) from None
    return value


def _redis_url(value: str) -> str:
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must start with redis://, rediss:// or unix://, or be empty for the embedded server")
    if value and _split(value) is None:
        raise ValueError("is not an address: write redis://:password@host:6379/0")
    return value


def _version(value: str) -> str:
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", value):
        raise ValueError("must be a dated API version such as 2026-09")
    return value


def _log_level(value: str) -> str:
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return value.upper()


def _environment(value: str) -> str:
    if value not in ("production", "development", "test"):
        raise ValueError("must be production, development or test")
    return value
