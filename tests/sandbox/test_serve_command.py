"""`sandbox serve` in processes of its own: started, asked, stopped, killed, started again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.engines import settings_for
from tests.support.waiting import until
from webapp.sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
AGENT = {"User-Agent": "Test (test@example.com)"}
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


class Served:
    """A running `flask sandbox serve`; `facts` is what it printed."""

    def __init__(self, process: subprocess.Popen[str], facts: dict[str, Any]) -> None:
        self.process, self.facts = process, facts

    def patients(self) -> httpx.Response:
        return httpx.get(f"{self.facts['cliniko_url']}/patients", auth=(self.facts["api_key"], ""), headers=AGENT)

    def rename(self, name: str) -> None:
        patient = self.patients().json()["patients"][0]["id"]
        address = f"{self.facts['cliniko_url']}/patients/{patient}"
        answer = httpx.patch(address, json={"first_name": name}, auth=(self.facts["api_key"], ""), headers=AGENT)
        assert answer.status_code == 200

    def first_name(self) -> str:
        return str(self.patients().json()["patients"][0]["first_name"])

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=20)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    settings = settings_for(f"sqlite:///{tmp_path}/app.db", None, tmp_path / "var")
    return {
        **os.environ,
        "SECRET_KEY": settings.secret_key,
        "ENCRYPTION_KEYS": ",".join(settings.encryption_keys),
        "PUBLIC_URL": settings.public_url,
        "HUBSPOT_CLIENT_ID": settings.hubspot_client_id,
        "HUBSPOT_CLIENT_SECRET": settings.hubspot_client_secret,
        "HUBSPOT_APP_ID": settings.hubspot_app_id,
        "CLINIKO_CONTACT_EMAIL": settings.cliniko_contact_email,
        "DATABASE_URL": settings.database_url,
        "VAR_DIR": settings.var_dir,
        "ENVIRONMENT": "test",
    }


@pytest.fixture
def launch(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "sandbox", "serve", *options],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def serve(launch: Callable[..., subprocess.Popen[str]]) -> Callable[..., Served]:
    def start(*options: str) -> Served:
        process = launch("--cliniko-port", "0", "--hubspot-port", "0", "--json", *options)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        return Served(process, json.loads(line))

    return start


def test_serve_stops_on_sigterm_and_keeps_its_state(serve: Callable[..., Served], environment: dict[str, str]) -> None:
    first = serve("--patients", "20")
    assert first.facts["patients"] == 20 and not first.facts["kept"]
    assert httpx.get(first.facts["hubspot_url"]).status_code == 200
    first.rename("Ann-of-the-first-run")
    assert first.stop(signal.SIGTERM) == 0
    with pytest.raises(httpx.ConnectError):
        first.patients()
    out, err = first.process.communicate()
    assert (out, err) == ("", ""), "quiet"
    assert (Path(environment["VAR_DIR"]) / "sandbox" / "cliniko.json").exists()

    second = serve("--patients", "99")
    assert second.facts["kept"] and second.facts["patients"] == 20
    assert second.facts["api_key"] == first.facts["api_key"]
    assert second.first_name() == "Ann-of-the-first-run"
    assert second.stop(signal.SIGINT) == 0

    third = serve("--patients", "9", "--reset")
    assert not third.facts["kept"] and third.facts["patients"] == 9
    assert third.facts["api_key"] != first.facts["api_key"]
    assert third.stop(signal.SIGTERM) == 0


def test_serve_loses_little_when_it_is_killed(serve: Callable[..., Served], tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    first = serve("--patients", "20", "--data", str(folder))
    first.rename("Survivor")
    until(lambda: "Survivor" in (folder / "cliniko.json").read_text())
    first.stop(signal.SIGKILL)
    second = serve("--data", str(folder))
    assert second.facts["kept"] and second.first_name() == "Survivor"


def test_serve_while_a_client_stays_connected_still_stops(serve: Callable[..., Served]) -> None:
    served = serve("--patients", "5")
    with httpx.Client(auth=(served.facts["api_key"], ""), headers=AGENT) as client:
        client.get(f"{served.facts['cliniko_url']}/user")
        began = time.monotonic()
        assert served.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 5


def test_serve_tells_a_person_where_everything_is(launch: Callable[..., subprocess.Popen[str]]) -> None:
    process = launch(
        "--cliniko-port", "0", "--hubspot-port", "0", "--patients", "3", "--no-limits", "--latency-ms", "1"
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    assert lines[0].startswith("Cliniko   http://127.0.0.1:") and "/v1   3 patients, new" in lines[0]
    assert lines[1].startswith("HubSpot   http://127.0.0.1:") and "account 20000001" in lines[1]
    assert lines[2].startswith("API key   MS")
    assert lines[3] == "Press Ctrl-C to stop.\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0


def test_serve_says_in_one_line_why_it_cannot_start(
    launch: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    for name in ("cliniko", "hubspot"):
        (tmp_path / "broken" / f"{name}.json").write_text("?")
    with socket.create_server(("127.0.0.1", 0)) as taken, Sandbox(patients=1, now=NOW, data=tmp_path / "used"):
        port = str(taken.getsockname()[1])
        started = [
            (launch("--cliniko-port", port, "--hubspot-port", "0"), f"port {port} cannot be used"),
            (launch("--cliniko-port", "0", "--hubspot-port", "0", "--data", f"{tmp_path}/used"), "Another sandbox"),
            (launch("--cliniko-port", "0", "--hubspot-port", "0", "--data", f"{tmp_path}/broken"), "--reset"),
            (launch("--cliniko-port", "0", "--hubspot-port", "0", "--data", "/dev/null/x"), "cannot be used"),
        ]
        for process, words in started:
            _, err = process.communicate(timeout=60)
            assert process.returncode == 1
            assert words in err and err.strip().count("\n") == 0, err
