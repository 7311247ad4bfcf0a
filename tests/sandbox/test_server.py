"""Both services over real sockets and in real processes: kept connections, kept state, clean ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.engines import settings_for
from webapp.clients.hubspot import oauth
from webapp.sandbox.http_server import HttpServer
from webapp.sandbox.keeping import BadState, FolderInUse
from webapp.sandbox.server import SCOPES, PortTaken, Sandbox
from webapp.sandbox.support import Fault

ROOT = Path(__file__).resolve().parents[2]
AGENT = {"User-Agent": "Test (test@example.com)"}
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def until(true: Callable[[], object], within: float = 30) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, f"not true within {within} s"
        time.sleep(0.02)


def cliniko(s: Sandbox) -> httpx.Client:
    return httpx.Client(base_url=s.cliniko_url, auth=(s.api_key, ""), headers=AGENT)


def rename(s: Sandbox, name: str) -> str:
    """Change the first patient over HTTP; returns the id."""
    patient = str(next(iter(s.account.tables["patients"])))
    with cliniko(s) as api:
        answer = api.patch(f"/patients/{patient}", json={"first_name": name})
        assert answer.status_code == 200, answer.text
    return patient


# The HTTP server


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    path = environ["PATH_INFO"]
    if path == "/broken":
        raise RuntimeError("a bug")
    if path == "/slow":
        time.sleep(0.5)
    if path == "/empty":
        start_response("204 No Content", [])
        return []
    start_response("200 OK", [("Date", "Tue, 24 Nov 2026 10:00:00 GMT")] if path == "/dated" else [])
    asked = {name: environ[name] for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING")}
    return [json.dumps({**asked, "body": environ["wsgi.input"].read().decode()}).encode()]


@pytest.fixture
def server() -> Iterator[HttpServer]:
    made = HttpServer(echo)
    made.start()
    yield made
    made.stop()


class Wire:
    """A bare connection."""

    def __init__(self, server: HttpServer) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def ask(self, text: str) -> tuple[str, dict[str, str], bytes]:
        self.socket.sendall(text.replace("\n", "\r\n").encode())
        return self.read()

    def read(self) -> tuple[str, dict[str, str], bytes]:
        status = self.file.readline().decode().strip()
        headers = {}
        while line := self.file.readline().decode().strip():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return status, headers, self.file.read(int(headers.get("content-length", 0)))

    def ended(self) -> bool:
        return self.file.read(1) == b""


def test_a_connection_serves_one_request_after_the_other(server: HttpServer) -> None:
    with Wire(server) as wire:
        for path in ("/a", "/b%20c?q[]=id:>1&q%5B%5D=x"):
            status, headers, body = wire.ask(f"GET {path} HTTP/1.1\nHost: x\n\n")
            assert status == "HTTP/1.1 200 OK"
            assert headers["connection"] == "keep-alive"
            assert "date" in headers
        assert json.loads(body) == {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/b c",
            "QUERY_STRING": "q[]=id:>1&q%5B%5D=x",
            "body": "",
        }
        status, headers, body = wire.ask("POST /c HTTP/1.1\nContent-Length: 5\n\nhello")
        assert json.loads(body)["body"] == "hello"
        assert wire.ask("GET /empty HTTP/1.1\n\n")[1].get("content-length") is None
        assert wire.ask("HEAD /h HTTP/1.1\nConnection: close\n\n")[1]["connection"] == "close"
        assert wire.ended()


def test_a_client_of_the_product_reuses_its_connection(server: HttpServer) -> None:
    with httpx.Client() as client:
        ports = set()
        for _ in range(5):
            answer = client.get(server.url)
            ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
        assert len(ports) == 1


def test_other_shapes_of_requests(server: HttpServer) -> None:
    with Wire(server) as wire:
        chunks = "POST /c HTTP/1.1\nTransfer-Encoding: chunked\n\n5\nhello\n6;x=y\n world\n0\nTrailer: 1\n\n"
        assert json.loads(wire.ask(chunks)[2])["body"] == "hello world"
        whole = "GET http://other.example/path?x=1 HTTP/1.1\n\n"
        assert json.loads(wire.ask(whole)[2])["PATH_INFO"] == "/path"
        wire.socket.sendall(b"POST /c HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert wire.read()[0] == "HTTP/1.1 100 Continue"
        assert json.loads(wire.ask("ok")[2])["body"] == "ok"
        assert wire.ask("GET /dated HTTP/1.1\n\n")[1]["date"] == "Tue, 24 Nov 2026 10:00:00 GMT"
    with Wire(server) as wire:
        assert wire.ask("GET /old HTTP/1.0\n\n")[1]["connection"] == "close"
        assert wire.ended()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("nonsense\n\n", 400),
        ("GET / HTTP/2.0\n\n", 505),
        ("GET / HTTP/1.1\nno colon\n\n", 400),
        ("POST / HTTP/1.1\nContent-Length: many\n\n", 400),
        ("POST / HTTP/1.1\nContent-Length: 99999999999\n\n", 413),
        ("POST / HTTP/1.1\nTransfer-Encoding: chunked\n\nzz\n", 400),
        (f"GET /{'x' * 70_000} HTTP/1.1\n\n", 414),
        ("GET / HTTP/1.1\n" + "A: b\n" * 300 + "\n", 431),
    ],
)
def test_what_is_no_request_is_refused_and_ends_the_connection(server: HttpServer, text: str, status: int) -> None:
    with Wire(server) as wire:
        assert wire.ask(text)[0].split()[1] == str(status)
        with contextlib.suppress(ConnectionResetError):  # what was not read makes the end a reset
            assert wire.ended()


def test_a_bug_in_the_application_is_a_500_and_is_shown(server: HttpServer, capfd: pytest.CaptureFixture[str]) -> None:
    with Wire(server) as wire:
        assert wire.ask("GET /broken HTTP/1.1\n\n")[0] == "HTTP/1.1 500 Internal Server Error"
        assert wire.ask("GET / HTTP/1.1\n\n")[0] == "HTTP/1.1 200 OK"
    assert "RuntimeError: a bug" in capfd.readouterr().err


def test_stopping_ends_idle_connections_at_once_and_lets_answers_finish() -> None:
    made = HttpServer(echo)
    made.start()
    with Wire(made) as idle, Wire(made) as busy:
        idle.ask("GET / HTTP/1.1\n\n")
        busy.socket.sendall(b"GET /slow HTTP/1.1\r\n\r\n")
        time.sleep(0.1)
        began = time.monotonic()
        made.stop()
        assert time.monotonic() - began < 3
        assert idle.ended()
        status, _, body = busy.read()
        assert status == "HTTP/1.1 200 OK"
        assert json.loads(body)["PATH_INFO"] == "/slow"
    made.stop()  # a second time is harmless


def test_many_clients_at_once(server: HttpServer) -> None:
    seen: list[int] = []

    def ask() -> None:
        with httpx.Client() as client:
            seen.extend(client.get(server.url).status_code for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [200] * 320


# The sandbox in this process


def test_both_services_answer_and_are_gone_afterwards() -> None:
    before = set(threading.enumerate())
    with Sandbox(patients=60, now=NOW) as s:
        with cliniko(s) as api:
            user = api.get("/user").json()
            assert user["role"] == "administrator"
            assert api.get("/patients", params={"q[]": "archived_at:*"}).json()["total_entries"] == 60
            assert api.get("/settings/public").json()["account"]["id"] == s.account.id
        token = s.hubspot.access_token(s.portal)
        details = httpx.get(
            f"{s.hubspot_url}/account-info/2026-09/details", headers={"Authorization": f"Bearer {token}"}
        )
        assert details.json()["portalId"] == s.portal.hub_id
        owners = {owner["email"]: owner["archived"] for owner in s.portal.owners.values()}
        named = [owners[email] for email in s.summary.practitioner_emails if email in owners]
        assert len(named) == len(s.summary.practitioner_emails) - 1, "one practitioner is no owner"
        assert sorted(named) == [False] * (len(named) - 1) + [True]
        addresses = s.cliniko_url, s.hubspot_url
    for address in addresses:
        with pytest.raises(httpx.ConnectError):
            httpx.get(address)
    until(lambda: set(threading.enumerate()) <= before)
    s.stop()


def test_the_app_can_be_installed_and_hears_of_changes() -> None:
    heard: list[Any] = []

    def listen(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        heard.extend(json.loads(environ["wsgi.input"].read()))
        start_response("204 No Content", [])
        return []

    listener = HttpServer(listen)
    listener.start()
    try:
        with Sandbox(patients=5, now=NOW, public_url=listener.url) as s:
            back = f"{listener.url}/oauth/callback"
            query = {"client_id": "client-id", "redirect_uri": back, "scope": " ".join(oauth.SCOPES), "state": "st"}
            form = {"choice": "connect", "portal": str(s.portal.hub_id)}
            sent = httpx.post(f"{s.hubspot_url}/oauth/authorize", params=query, data=form)
            code = httpx.URL(sent.headers["location"]).params["code"]
            grant = {
                "grant_type": "authorization_code",
                "client_id": "client-id",
                "client_secret": "client-secret",
                "redirect_uri": back,
                "code": code,
            }
            assert httpx.post(f"{s.hubspot_url}/oauth/2026-09/token", data=grant).json()["hub_id"] == s.portal.hub_id
            s.portal.create("contacts", {"email": "new@example.com"})
            assert s.portal.flush_webhooks()
            until(lambda: heard)
            assert heard[0]["portalId"] == s.portal.hub_id
    finally:
        listener.stop()


def test_the_scopes_are_those_the_product_asks_for() -> None:
    assert set(SCOPES) == set(oauth.SCOPES)


def test_latency_limits_and_faults() -> None:
    with Sandbox(patients=5, now=NOW, latency_ms=80) as s, cliniko(s) as api:
        began = time.monotonic()
        api.get("/user")
        assert time.monotonic() - began >= 0.08
        s.cliniko.limits.per_minute = 3
        assert [api.get("/user").status_code for _ in range(4)][-1] == 429
    with Sandbox(patients=5, now=NOW, limits=False) as s, cliniko(s) as api:
        s.cliniko.limits.per_minute = 3
        assert {api.get("/user").status_code for _ in range(6)} == {200}
        s.cliniko.faults.add(Fault("GET /v1/user", kind="reset"))
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            api.get("/user")
        assert api.get("/user").status_code == 200


def test_one_clock_moves_both_services() -> None:
    with Sandbox(patients=5, now=NOW) as s, cliniko(s) as api:
        s.clock.set(datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
        assert api.get("/user").headers["date"] == "Wed, 02 Jan 2030 03:04:05 GMT"
        assert s.portal.now().year == 2030


def test_hubspot_can_know_some_people_from_before() -> None:
    with Sandbox(patients=200, now=NOW, hubspot_contacts=40) as s:
        contacts = [record.properties for record in s.portal.contacts]
    assert len(contacts) == 40
    patients = {
        str(row["email"]).strip().lower(): (row["first_name"], row["last_name"])
        for row in s.account.tables["patients"].values()
    }
    known = [contact for contact in contacts if contact["email"] in patients]
    assert 30 <= len(known) < 40
    same = [c for c in known if patients[c["email"]] == (c.get("firstname"), c.get("lastname"))]
    assert len(same) >= 20
    assert any(not contact.get("firstname") for contact in known)
    assert any(contact.get("firstname") == "Sasha" for contact in known)


def test_examples_come_with_the_clinic_on_request() -> None:
    with Sandbox(patients=100, now=NOW, examples=True) as s, cliniko(s) as api:
        assert api.get("/patients/1").json()["last_name"] == "Patientman"
        assert len(s.account.tables["patients"]) == 107


# State


def test_state_outlives_the_sandbox(tmp_path: Path) -> None:
    with Sandbox(patients=30, now=NOW, data=tmp_path) as first:
        assert not first.kept
        patient, key = rename(first, "Changed"), first.api_key
        contact = first.portal.create("contacts", {"email": "kept@example.com"}).id
    with Sandbox(patients=500, data=tmp_path, public_url="https://moved.example") as second:
        assert second.kept
        assert second.summary is None
        assert second.api_key == key
        assert len(second.account.tables["patients"]) == 30
        assert second.account.get("patients", patient)["first_name"] == "Changed"
        assert second.portal.contacts.get(contact).properties["email"] == "kept@example.com"
        assert second.hubspot_app.webhook_url == "https://moved.example/webhooks/hubspot", "the app may have moved"
    with Sandbox(patients=7, now=NOW, data=tmp_path, reset=True) as third:
        assert not third.kept
        assert len(third.account.tables["patients"]) == 7
        assert third.api_key != key


def test_state_is_written_while_it_runs_when_something_changed(tmp_path: Path) -> None:
    file = tmp_path / "cliniko.json"
    with Sandbox(patients=10, now=NOW, data=tmp_path, save_every=0.1) as s:
        first = file.stat().st_mtime_ns
        with cliniko(s) as api:
            api.get("/patients")
        time.sleep(0.4)
        assert file.stat().st_mtime_ns == first, "reading changes nothing"
        rename(s, "Written-early")
        until(lambda: "Written-early" in file.read_text())
        assert not list(tmp_path.glob("*.new"))
        assert {path.name for path in tmp_path.iterdir()} == {"cliniko.json", "hubspot.json", "lock"}


def test_a_folder_that_cannot_be_written_is_said_once_and_serving_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    s = Sandbox(patients=10, now=NOW, data=tmp_path, save_every=0.05).start()
    (tmp_path / "cliniko.new").mkdir()  # stands in for a full disk
    rename(s, "Unsaved")
    time.sleep(0.5)
    assert capfd.readouterr().err.count("cannot write") == 1
    (tmp_path / "cliniko.new").rmdir()
    until(lambda: "Unsaved" in (tmp_path / "cliniko.json").read_text())
    s.stop()


def test_one_folder_one_sandbox_and_one_port_one_sandbox(tmp_path: Path) -> None:
    with Sandbox(patients=1, now=NOW, data=tmp_path) as s:
        with pytest.raises(FolderInUse):
            Sandbox(patients=1, now=NOW, data=tmp_path).start()
        port = int(s.hubspot_url.rpartition(":")[2])
        free = Sandbox(patients=1, now=NOW, hubspot_port=port)
        with pytest.raises(PortTaken, match=str(port)):
            free.start()
        with pytest.raises(httpx.ConnectError):
            httpx.get(free.cliniko_url)


def test_state_that_cannot_be_read_is_refused_and_left_alone(tmp_path: Path) -> None:
    Sandbox(patients=1, now=NOW, data=tmp_path).start().stop()
    (tmp_path / "cliniko.json").write_text("{ not json")
    with pytest.raises(BadState, match=r"cliniko\.json"):
        Sandbox(data=tmp_path).start()
    assert (tmp_path / "cliniko.json").read_text() == "{ not json"
    with Sandbox(patients=1, now=NOW, data=tmp_path, reset=True) as s:
        assert not s.kept


# The command, in processes of its own


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
