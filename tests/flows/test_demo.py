"""`python -m webapp.demo` as a person runs it: the story, the table, a change that arrives, Ctrl-C, and once more."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.jobs.processes.leftovers import processes_of
from webapp.config import ROOT
from webapp.demo.browser import Browser

PATIENTS = 150
TICK = re.compile(r" ✓ (.+?) +(\d+\.\d) s")
UP = 240.0


class Demo:
    """One run in a process of its own. `lines` fills while it talks."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "webapp.demo", *arguments],
            cwd=ROOT,
            env={**os.environ, "VAR_DIR": str(folder), "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=into.extend, args=(pipe,), daemon=True)
            for pipe, into in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def wait_for(self, words: str) -> None:
        until(lambda: words in self.text or self.process.poll() is not None, UP)
        assert words in self.text, self.text + "".join(self.errors)

    def wait(self) -> int:
        code = self.process.wait(UP)
        for reader in self._readers:
            reader.join(5)
        return code

    def close(self) -> None:
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def stop(self, signum: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(signum)
        return self.wait()

    def steps(self) -> list[str]:
        return [found[1] for found in map(TICK.fullmatch, self.text.splitlines()) if found]

    def number(self, label: str) -> int:
        found = re.search(rf"^ +{re.escape(label)} +([\d,]+)$", self.text, re.M)
        assert found, f"{label} is not in the table:\n{self.text}"
        return int(found[1].replace(",", ""))

    def url(self, label: str) -> str:
        found = re.search(rf"^ {re.escape(label)} +(http://\S+)", self.text, re.M)
        assert found, self.text
        return found[1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    started: list[Demo] = []

    def start(*arguments: str) -> Demo:
        started.append(Demo(tmp_path, *arguments))
        return started[-1]

    yield start
    for pid in processes_of(tmp_path):
        os.kill(pid, signal.SIGKILL)
    for demo in started:
        demo.close()


def until(true: Callable[[], object], within: float) -> None:
    end = time.monotonic() + within
    while not true() and time.monotonic() < end:
        time.sleep(0.1)


@pytest.mark.timeout(600)
def test_the_whole_story_and_once_more(start, tmp_path):
    demo = start("--patients", str(PATIENTS), "--port", str(free_port()))
    demo.wait_for("Press Ctrl-C to stop.")
    _told_in_plain_lines(demo)
    _table_adds_up(demo)
    _a_change_arrives(demo)
    assert demo.stop() == 0, demo.text
    assert demo.text.rstrip().splitlines()[-1].strip().startswith("Stopped.")
    assert processes_of(tmp_path) == {}
    with pytest.raises(httpx.TransportError):
        httpx.get(demo.url("Dashboard"))

    again = start("--json", "--exit-when-done")
    assert again.wait() == 0, again.text + "".join(again.errors)
    result = json.loads(again.text)
    assert result["ok"] and result["resumed"] and result["created"] == 0
    assert result["check"]["doubled"] == result["check"]["mixed"] == result["check"]["missing"] == []
    assert result["patients"] == demo.number("Patients in Cliniko")
    assert "Going on with the data of last time" in "".join(again.errors)
    assert processes_of(tmp_path) == {}


def _told_in_plain_lines(demo: Demo) -> None:
    assert "\x1b" not in demo.text and "\r" not in demo.text and not demo.errors
    steps = demo.steps()
    assert len(steps) == 9 and "✗" not in demo.text
    assert steps[0].startswith(f"Simulated Cliniko and HubSpot are up: {PATIENTS} patients")
    assert steps[2] == "CRMConnect is up: web, worker, scheduler"
    assert steps[-2].endswith("nobody missing, doubled or mixed up")
    assert re.fullmatch(r"All [\d,]+ deals compared: each once, with its own patient, to the cent", steps[-1])


def _table_adds_up(demo: Demo) -> None:
    everybody = demo.number("Patients in Cliniko")
    assert everybody >= PATIENTS and demo.number("Patients read") >= everybody
    names, nameless = (
        demo.number(f"Linked to a contact with the same email and {what}") for what in ("name", "no name")
    )
    assert names >= 4 and nameless >= 1
    linked = names + nameless + demo.number("Contacts created")
    assert linked + demo.number("Left out, archived in Cliniko") == everybody
    assert demo.number("Separate, shared email") >= 5
    assert demo.number("Issues") >= 1, "the clinic has addresses that HubSpot refuses"


def _a_change_arrives(demo: Demo) -> None:
    """Somebody corrects a name in Cliniko and presses Sync now."""
    dashboard = demo.url("Dashboard").removesuffix("/oauth/install")
    cliniko, hubspot = demo.url("Simulated Cliniko"), demo.url("Simulated HubSpot")
    browser = Browser()
    consent = browser.open(demo.url("Dashboard"))
    browser.press(consent, httpx.URL(consent.url).path, choice="connect")
    patient = _a_patient_with_contact(cliniko, hubspot)
    form = browser.open(f"{cliniko}/patients/{patient}")
    browser.press(form, httpx.URL(form.url).path, last_name="Changed-in-Cliniko")
    browser.press(browser.open(f"{dashboard}/dashboard"), "/dashboard/sync")
    shown = f"{hubspot}?q=Changed-in-Cliniko"
    until(lambda: "1 contacts" in httpx.get(shown).text, 90)
    assert "1 contacts" in httpx.get(shown).text
    browser.close()


def _a_patient_with_contact(cliniko: str, hubspot: str) -> str:
    page = httpx.get(hubspot).text
    account = cliniko.rsplit("/", 1)[1]
    return re.findall(rf"{account}:(\d+)", page)[0]


@pytest.mark.timeout(300)
def test_taken_ports_sigterm_and_json(start, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        demo = start("--patients", "5", "--port", str(port), "--json")
        until(lambda: demo.lines or demo.process.poll() is not None, UP)
        result = json.loads(demo.text)
        assert f"Port {port} is taken by another program" in "".join(demo.errors)
        assert not result["urls"]["dashboard"].startswith(f"http://localhost:{port}/")
        assert result["check"]["missing"] == [] and len(result["steps"]) == 9
        second = start("--exit-when-done")
        assert second.wait() == 1 and "running already" in second.text
        assert demo.stop(signal.SIGTERM) == 0
    assert processes_of(tmp_path) == {}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_end_in_the_middle_leaves_nothing(start, tmp_path, signum, code):
    demo = start("--patients", "5", "--port", str(free_port()))
    demo.wait_for("HubSpot has")
    until(lambda: len(processes_of(tmp_path)) > 4, 30)
    assert demo.stop(signum) == code
    until(lambda: processes_of(tmp_path) == {}, 40)
    assert processes_of(tmp_path) == {}


@pytest.mark.timeout(120)
def test_a_step_that_fails_is_named_with_what_explains_it(start, tmp_path):
    (tmp_path / "demo").mkdir()
    demo = start("--patients", "5", "--port", str(free_port()), "--json")
    until(lambda: (tmp_path / "demo" / "demo.json").exists(), 30)
    # The database's place is taken by a folder.
    (tmp_path / "demo" / "crmconnect.db").mkdir()
    assert demo.wait() == 1
    result = json.loads(demo.text)
    assert result["ok"] is False and result["failed_step"] == "CRMConnect: web, worker, scheduler"
    errors = "".join(demo.errors)
    assert " ✗ CRMConnect: web, worker, scheduler" in errors and "DATABASE_URL cannot be reached" in errors
    assert processes_of(tmp_path) == {}


@pytest.mark.timeout(60)
def test_data_that_cannot_be_read_asks_for_a_new_start(start, tmp_path):
    folder = tmp_path / "demo"
    (folder / "sandbox").mkdir(parents=True)
    (folder / "demo.json").write_text(json.dumps({"begun": True, "patients": 5, "secrets": _secrets()}))
    for name in ("cliniko", "hubspot"):
        (folder / "sandbox" / f"{name}.json").write_text("{")
    demo = start("--port", str(free_port()))
    assert demo.wait() == 1 and "✗ Simulated Cliniko and HubSpot" in demo.text and "--reset" in demo.text


def test_wrong_arguments(start):
    for arguments in (("--patients", "0"), ("--patients", "many"), ("--port", "70000")):
        demo = start(*arguments)
        assert demo.wait() == 2 and "use a whole number" in "".join(demo.errors)


def _secrets() -> dict[str, str]:
    key = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio="
    names = ("client_id", "client_secret", "operator_token", "secret_key")
    return {"encryption_key": key, **dict.fromkeys(names, "test-secret-of-enough-length")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
