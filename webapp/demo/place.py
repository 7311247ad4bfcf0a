"""Where the demo keeps its things: one folder with its secrets, ports, databases and logs, for one demo at a time."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TextIO

from cryptography.fernet import Fernet

from webapp.config import ROOT, Settings

USUAL_PORTS = {"web": 5000, "cliniko": 5101, "hubspot": 5102}
APP_ID = 4242
_KEPT = "demo.json"
_LOCK = "lock"


class DemoFailed(Exception):
    """The demo cannot go on; the message says why in one or two plain sentences. `see_log` when the service's log tells
    more."""

    def __init__(self, message: str, *, see_log: bool = True) -> None:
        super().__init__(message)
        self.see_log = see_log


@dataclass
class Place:
    """`kept` outlives the process: secrets, ports and what the first run decided. `notes` are for the person."""

    folder: Path
    kept: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    known: bool = False
    _lock: TextIO | None = None

    @classmethod
    def open(cls, folder: Path, *, reset: bool) -> Place:
        """Take the folder, emptied with `reset`. Raises DemoFailed while another demo holds it."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / _LOCK).open("a+")
        except OSError:
            raise DemoFailed(f"The folder {folder} cannot be written. Set VAR_DIR to one that can.") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise DemoFailed(f"The demo is running already, in {folder}. Stop it with Ctrl-C first.") from None
        place = cls(folder.resolve(), _lock=lock)
        if reset:
            place._empty()
        place._load()
        return place

    @property
    def log(self) -> Path:
        """All lines of web, worker and scheduler of this run."""
        return self.folder / "service.log"

    def url(self, part: str) -> str:
        host = "localhost" if part == "web" else "127.0.0.1"
        return f"http://{host}:{self.kept['ports'][part]}"

    def choose_ports(self, web: int | None) -> None:
        """Those of last time or the usual ones, and others where these are taken; says so."""
        before: dict[str, int] = self.kept.get("ports", {})
        chosen: dict[str, int] = {}
        for part, usual in USUAL_PORTS.items():
            wanted = (web if part == "web" else None) or before.get(part) or usual
            port = wanted if wanted not in chosen.values() and is_free(wanted) else _free_port(set(chosen.values()))
            if port != wanted:
                self.notes.append(f"Port {wanted} is taken by another program, so {_NAMES[part]} is at port {port}.")
            chosen[part] = port
        self.kept["ports"] = chosen

    def save(self) -> None:
        """Readable by this user only: the file holds secrets."""
        path = self.folder / f"{_KEPT}.new"
        path.touch(mode=0o600)
        path.write_text(json.dumps(self.kept, indent=1), encoding="utf-8")
        path.replace(self.folder / _KEPT)

    def environ(self) -> dict[str, str]:
        """The environment of our processes. Every setting is given, so that no .env of this machine adds its own."""
        names = [setting.name.upper() for setting in fields(Settings)]
        blank = dict.fromkeys([*names, *(f"{name}_FILE" for name in names)], "")
        return {**os.environ, **blank, **self._settings()}

    def settings(self) -> Settings:
        """The same settings for this process."""
        return Settings.from_env({**self._settings(), "LOG_LEVEL": "ERROR"})

    def close(self) -> None:
        """Let another demo have the folder."""
        if self._lock is not None:
            self._lock.close()

    def _settings(self) -> dict[str, str]:
        secret: Mapping[str, str] = self.kept["secrets"]
        return {
            "SECRET_KEY": secret["secret_key"],
            "ENCRYPTION_KEYS": secret["encryption_key"],
            "PUBLIC_URL": self.url("web"),
            "WEB_PORT": str(self.kept["ports"]["web"]),
            "HUBSPOT_CLIENT_ID": secret["client_id"],
            "HUBSPOT_CLIENT_SECRET": secret["client_secret"],
            "HUBSPOT_APP_ID": str(APP_ID),
            "HUBSPOT_API_URL": self.url("hubspot"),
            "HUBSPOT_APP_URL": self.url("hubspot"),
            "CLINIKO_API_URL": f"{self.url('cliniko')}/v1",
            "CLINIKO_CONTACT_EMAIL": "demo@clinic.example",
            "OPERATOR_TOKEN": secret["operator_token"],
            "VAR_DIR": str(self.folder),
            "DATABASE_URL": f"sqlite:///{self.folder}/crmconnect.db",
            "LOG_LEVEL": "INFO",
            "ENVIRONMENT": "development",
            "WEB_CONCURRENCY": "1",
        }

    def _load(self) -> None:
        try:
            self.kept = json.loads((self.folder / _KEPT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.kept = {}
        self.known = bool(self.kept.get("begun"))
        if "secrets" not in self.kept:
            # Without the old secrets nothing that an interrupted first run left can be read.
            self._empty()
            self.kept = {"secrets": _new_secrets()}

    def _empty(self) -> None:
        for entry in self.folder.iterdir():
            if entry.name == _LOCK:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


_NAMES = {"web": "the dashboard", "hubspot": "the simulated HubSpot", "cliniko": "the simulated Cliniko"}


def default_folder() -> Path:
    """Beside the data of a real run, in a folder of its own."""
    return Path(os.environ.get("VAR_DIR") or ROOT / "var") / "demo"


def is_free(port: int) -> bool:
    """Could a server of ours listen there? Nobody may be answering, on any address of this machine."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0")):  # noqa: S104  # only probed
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except (OSError, OverflowError):
                return False
    return True


def _free_port(taken: set[int]) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port


def _new_secrets() -> dict[str, str]:
    return {
        "secret_key": secrets.token_urlsafe(48),
        "encryption_key": Fernet.generate_key().decode(),
        "client_id": secrets.token_hex(16),
        "client_secret": secrets.token_hex(16),
        "operator_token": secrets.token_urlsafe(32),
    }
