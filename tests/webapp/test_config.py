"""Settings: each wrong value ends in one line that names the variable and the fix, and repeats no secret."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import webapp
from webapp import create_app, load_settings
from webapp.config import ROOT, ConfigError, Settings

FERNET = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio="
GOOD = {
    "SECRET_KEY": "test-secret-key-of-enough-length",
    "ENCRYPTION_KEYS": FERNET,
    "PUBLIC_URL": "http://localhost:5000",
    "HUBSPOT_CLIENT_ID": "client-id",
    "HUBSPOT_CLIENT_SECRET": "client-secret",
    "HUBSPOT_APP_ID": "4242",
    "CLINIKO_CONTACT_EMAIL": "ops@example.com",
}
WRONG = [
    ("SECRET_KEY", "", "secrets.token_urlsafe"),
    ("SECRET_KEY", "short", "at least 16"),
    ("ENCRYPTION_KEYS", "", "Fernet.generate_key"),
    ("ENCRYPTION_KEYS", "not-a-fernet-key", "number 1"),
    ("ENCRYPTION_KEYS", f"{FERNET}, {FERNET[:-4]}", "number 2"),
    ("PUBLIC_URL", "", "https://app.example.com"),
    ("PUBLIC_URL", "app.example.com", "https://app.example.com"),
    ("PUBLIC_URL", "http://app.example.com", "https://"),
    ("PUBLIC_URL", "https://app.example.com/crm", "scheme and host only"),
    ("PUBLIC_URL", "https://user:pw@app.example.com", "scheme and host only"),
    ("PUBLIC_URL", "https://[app.example.com", "not an address"),
    ("PUBLIC_URL", "https://app.example.com:port", "not an address"),
    ("HUBSPOT_CLIENT_ID", "", "Auth page"),
    ("HUBSPOT_CLIENT_SECRET", "", "Auth page"),
    ("HUBSPOT_APP_ID", "mine", "not a number"),
    ("HUBSPOT_API_URL", "api.hubapi.com", "not a web address"),
    ("HUBSPOT_API_URL", "http://api.hubapi.com", "https://"),
    ("HUBSPOT_API_URL", "https://10.0.0.7", "private network"),
    ("HUBSPOT_APP_URL", "ftp://app.hubspot.com", "not a web address"),
    ("HUBSPOT_API_VERSION", "v3", "2026-09"),
    ("CLINIKO_API_URL", "http://api.{shard}.cliniko.com/v1", "https://"),
    ("CLINIKO_CONTACT_EMAIL", "nobody", "where it can be reached"),
    ("CLINIKO_PER_MINUTE", "many", "whole number"),
    ("DATABASE_URL", "mysql://localhost/x", "postgresql://"),
    ("DATABASE_URL", "postgresql://user:p/w@localhost:pg/x", "%XX"),
    ("REDIS_URL", "http://localhost:6379", "redis://"),
    ("REDIS_URL", "redis://localhost:default", "redis://:password@host:6379/0"),
    ("WEB_PORT", "0", "1 to 65535"),
    ("WEB_PORT", "²", "1 to 65535"),
    ("WORKER_PROCESSES", "1", "2 to 64"),
    ("LOG_LEVEL", "LOUD", "DEBUG"),
    ("ENVIRONMENT", "prod", "production"),
]


def settings_from(**changes: str) -> Settings:
    return Settings.from_env({**GOOD, **changes})


def test_defaults_are_enough() -> None:
    settings = settings_from()
    assert (settings.web_port, settings.worker_processes, settings.redis_url) == (5000, 3, None)
    assert settings.database_url == f"sqlite:///{ROOT}/var/crmconnect.db"
    assert settings.cliniko_api_url == "https://api.{shard}.cliniko.com/v1"


@pytest.mark.parametrize(("name", "value", "fix"), WRONG)
def test_a_wrong_value_is_named_with_its_fix(name: str, value: str, fix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_from(**{name: value})
    message = str(caught.value)
    assert message.startswith(name) and fix in message and "\n" not in message


@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL"])
def test_a_wrong_secret_is_not_repeated(name: str) -> None:
    value = {"SECRET_KEY": "hunter2", "DATABASE_URL": "mysql://u:hunter2@h/x", "REDIS_URL": "redis://:hunter2@h:x"}
    with pytest.raises(ConfigError) as caught:
        settings_from(**{name: value.get(name, "hunter2")})
    assert "hunter2" not in str(caught.value)


def test_settings_do_not_show_their_secrets() -> None:
    assert "test-secret" not in repr(settings_from()) and FERNET not in repr(settings_from())


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from-a-mounted-file-of-enough-length\n")
    assert settings_from(SECRET_KEY="", SECRET_KEY_FILE=str(file)).secret_key == "from-a-mounted-file-of-enough-length"
    for bad in (tmp_path / "missing", tmp_path):
        with pytest.raises(ConfigError, match=r"^SECRET_KEY_FILE cannot be read"):
            settings_from(SECRET_KEY="", SECRET_KEY_FILE=str(bad))
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"^SECRET_KEY_FILE cannot be read"):
        settings_from(SECRET_KEY="", SECRET_KEY_FILE=str(file))


def test_postgres_addresses_get_our_driver() -> None:
    for scheme in ("postgres", "postgresql"):
        url = settings_from(DATABASE_URL=f"{scheme}://u:p%2Fw@db:5432/crm").database_url
        assert url == "postgresql+psycopg://u:p%2Fw@db:5432/crm"


def test_the_env_file_fills_what_the_environment_leaves_open(tmp_path, monkeypatch) -> None:
    lines = [f"{name}={value}" for name, value in {**GOOD, "WEB_PORT": "5151", "LOG_LEVEL": "ERROR"}.items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    monkeypatch.setattr(webapp, "ROOT", tmp_path)
    for name in GOOD:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("WEB_PORT", raising=False)
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    settings = load_settings()
    assert settings.hubspot_app_id == "4242" and settings.web_port == 5151
    assert settings.log_level == "WARNING", "the environment wins"


def test_an_in_memory_database_is_refused() -> None:
    for url in ("sqlite:///", "sqlite:///:memory:"):
        with pytest.raises(ConfigError, match=r"^DATABASE_URL must name a file"):
            create_app(settings_from(DATABASE_URL=url))


def test_a_database_folder_that_cannot_be_made_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^DATABASE_URL names a folder"):
        create_app(settings_from(DATABASE_URL=f"sqlite:///{tmp_path}/file/below/x.db"))


def flask(tmp_path: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """`flask --app wsgi …` in a process of its own, away from the settings of this machine."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HUBSPOT_", "CLINIKO_"))}
    env |= {**GOOD, "REDIS_URL": "", "DATABASE_URL": "", "WEB_PORT": "5000", "VAR_DIR": str(tmp_path), **changes}
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode not in (0, None), result.stdout
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and not result.stdout, f"{result.stdout}\n{result.stderr}"
    return lines[0]


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("SECRET_KEY", "", "make one with"),
        ("ENCRYPTION_KEYS", "abc", "make one with"),
        ("PUBLIC_URL", "nowhere", "give scheme and host"),
        ("DATABASE_URL", "postgresql://h:port/x", "%XX"),
    ],
)
@pytest.mark.parametrize("command", [("start",), ("accounts", "list")])
def test_a_command_ends_in_one_line(tmp_path, command, name, value, fix) -> None:
    line = one_line(flask(tmp_path, *command, **{name: value}))
    assert line.startswith(name) and fix in line


@pytest.mark.parametrize("command", ["start", "worker", "scheduler"])
def test_an_unreachable_redis_is_named(tmp_path, command) -> None:
    with closed_port() as port:
        line = one_line(flask(tmp_path, command, REDIS_URL=f"redis://:hunter2@127.0.0.1:{port}/0"))
    assert line.startswith("REDIS_URL cannot be reached") and "hunter2" not in line


@pytest.mark.parametrize("command", ["start", "worker"])
def test_an_unreachable_database_is_named(tmp_path, command) -> None:
    with closed_port() as port:
        line = one_line(flask(tmp_path, command, DATABASE_URL=f"postgresql://u:hunter2@127.0.0.1:{port}/x"))
    assert line.startswith("DATABASE_URL cannot be reached") and "hunter2" not in line


def test_a_database_file_that_is_none_is_named(tmp_path) -> None:
    (tmp_path / "folder.db").mkdir()
    line = one_line(flask(tmp_path, "start", DATABASE_URL=f"sqlite:///{tmp_path}/folder.db"))
    assert line.startswith("DATABASE_URL cannot be reached")


def test_a_taken_port_is_named(tmp_path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert one_line(flask(tmp_path, "start", WEB_PORT=port)).startswith(f"WEB_PORT {port} is taken")
        assert one_line(flask(tmp_path, "start", "--port", port)).startswith(f"WEB_PORT {port} is taken")


def test_a_host_that_is_not_ours_is_named(tmp_path) -> None:
    for host in ("203.0.113.7", "no-such-host.invalid"):
        assert one_line(flask(tmp_path, "start", "--host", host)).startswith(f"--host {host} is not an address")


def test_a_folder_that_cannot_be_written_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    database = f"sqlite:///{tmp_path}/x.db"
    line = one_line(flask(tmp_path, "start", VAR_DIR=str(tmp_path / "file"), DATABASE_URL=database))
    assert line.startswith("VAR_DIR cannot be written")


class closed_port:
    """A port of this machine where nobody listens, kept from others meanwhile."""

    def __enter__(self) -> int:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        return int(self._socket.getsockname()[1])

    def __exit__(self, *problem: object) -> None:
        self._socket.close()
