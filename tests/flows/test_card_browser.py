"""The contact page of the simulated HubSpot in Chromium, with web, worker, scheduler and both services running: a
person presses Sync, Push and Unlink on the card, and both sides are as they should be."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from flask_migrate import upgrade
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.clinic import Clinic
from tests.support.waiting import until
from webapp import create_app
from webapp.config import ROOT, Settings
from webapp.extensions import db
from webapp.sandbox.hubspot.errors import HubSpotError
from webapp.sandbox.server import Sandbox
from webapp.store import accounts

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SHOTS = ROOT / "test-artefacts"
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# What a press takes at most on a busy machine: the queue, both services, and the page's own look.
DONE_WITHIN = 60_000
OLD_TOWN = "Old Town"

expect.set_options(timeout=DONE_WITHIN)

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class World:
    """Everything that runs, and what is in it."""

    sandbox: Sandbox
    clinic: Clinic
    web: str

    def contact_of(self, patient_id: str) -> str:
        key = f"{self.sandbox.account.id}:{patient_id}"
        return next(i for i, p in self.clinic.contacts().items() if p.get("cliniko_patient_key") == key)

    def page_of(self, contact_id: str) -> str:
        return f"{self.sandbox.hubspot_url}/portals/{self.clinic.hub_id}/contacts/{contact_id}"


@pytest.fixture(scope="module")
def world(tmp_path_factory, valkey_server) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("card")
    port = free_port()
    web = f"http://127.0.0.1:{port}"
    with Sandbox(patients=20, public_url=web, limits=False) as sandbox:
        environ = {
            "SECRET_KEY": "a-secret-key-of-enough-length",
            "ENCRYPTION_KEYS": "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio=",
            "PUBLIC_URL": web,
            "HUBSPOT_CLIENT_ID": "client-id",
            "HUBSPOT_CLIENT_SECRET": "client-secret",
            "HUBSPOT_APP_ID": "4242",
            "CLINIKO_CONTACT_EMAIL": "ops@example.com",
            "DATABASE_URL": f"sqlite:///{folder}/crmconnect.db",
            "REDIS_URL": valkey_server,
            "VAR_DIR": str(folder),
            "CLINIKO_API_URL": sandbox.cliniko_url,
            "HUBSPOT_API_URL": sandbox.hubspot_url,
            "HUBSPOT_APP_URL": sandbox.hubspot_url,
            "CLINIKO_PER_MINUTE": "1000",
            "HUBSPOT_PER_TEN_SECONDS": "1000",
            "HUBSPOT_SEARCH_PER_SECOND": "100",
            "LOG_LEVEL": "WARNING",
        }
        clinic = Clinic(sandbox.cliniko, sandbox.hubspot, sandbox.account, sandbox.portal, sandbox.api_key)
        first_sync(clinic, Settings.from_env(environ))
        log = (folder / "service.log").open("wb")
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "start", "--port", str(port), "--web-workers", "1"]
        service = subprocess.Popen(
            [*command, "--processes", "2"], cwd=ROOT, env={**os.environ, **environ}, stdout=log, stderr=log
        )
        try:
            until(lambda: service.poll() is not None or is_up(web), within=90)
            assert service.poll() is None, (folder / "service.log").read_text(encoding="utf-8")
            yield World(sandbox, clinic, web)
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(60)
            log.close()


def first_sync(clinic: Clinic, settings: Settings) -> None:
    """Install, connect and read everything once, before anybody looks."""
    app = create_app(settings)
    with app.app_context():
        upgrade()
        clinic.connect()
        _people_from_before(clinic)
        accounts.get_account(clinic.hub_id).installed_by = str(clinic.portal.user_id)
        db.session.commit()
        clinic.cycle()
        db.session.remove()
        db.engine.dispose()
    app.extensions.pop("redis").close()


def _people_from_before(clinic: Clinic) -> None:
    """HubSpot has some of the patients already, from before they moved."""
    for patient in clinic.account.tables["patients"].values():
        if patient.get("email") and not patient.get("archived_at") and patient["first_name"] and patient["last_name"]:
            names = {"firstname": patient["first_name"], "lastname": patient["last_name"]}
            with suppress(HubSpotError):
                clinic.portal.create("contacts", {**names, "email": patient["email"], "city": OLD_TOWN})


def is_up(web: str) -> bool:
    try:
        return httpx.get(f"{web}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=WIDE)
    page = context.new_page()
    page.set_default_timeout(DONE_WITHIN)
    yield page
    context.close()


def shoot(page: Page, name: str) -> None:
    """One picture as on a desk and one as on a phone; nothing may be cut off on the small one."""
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"card-{name}.png", full_page=False)
    page.set_viewport_size(NARROW)
    page.screenshot(path=SHOTS / f"card-{name}-narrow.png", full_page=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.set_viewport_size(WIDE)


def card(page: Page):
    return page.get_by_role("region", name="CRMConnect for Cliniko")


def linked_patient(world: World) -> str:
    """An active patient who was in HubSpot before, and whose contact has deals."""
    patients = {str(one["id"]): one for one in world.sandbox.account.tables["patients"].values()}
    contacts = world.clinic.contacts()
    for contact_id, deals in world.sandbox.portal.contact_deals.items():
        patient = patients.get(contacts.get(contact_id, {}).get("cliniko_patient_key", "").partition(":")[2])
        early = any(version.value == OLD_TOWN for version in history(world, contact_id, "city"))
        if deals and early and patient is not None and not patient.get("archived_at"):
            return str(patient["id"])
    raise AssertionError("no patient has deals")


def history(world: World, contact_id: str, name: str):
    return world.sandbox.portal.contacts.by_id[contact_id].history.get(name, [])


def test_sync_brings_what_changed_in_cliniko(world, page):
    patient = linked_patient(world)
    contact = world.contact_of(patient)
    page.goto(world.page_of(contact))
    expect(card(page)).to_contain_text("Linked to a Cliniko patient")
    expect(card(page)).to_contain_text("Last synced")
    shoot(page, "linked")
    world.sandbox.account.edit("patients", patient, city="Wollongong")
    card(page).get_by_role("button", name="Sync now").click()
    expect(card(page)).to_contain_text("In step with Cliniko.")
    assert world.clinic.contacts()[contact]["city"] == "Wollongong"
    assert page.get_by_label("City", exact=True).input_value() == "Wollongong"
    assert world.clinic.contacts()[contact]["cliniko_sync_status"] == "Synced"
    expect(card(page)).to_contain_text("just now")
    shoot(page, "synced")


def test_push_creates_the_patient(world, page):
    contact = world.sandbox.portal.create(
        "contacts",
        {"firstname": "Mara", "lastname": "Quill", "email": "mara@quill.example", "mobilephone": "0412 345 678"},
    ).id
    page.goto(world.page_of(contact))
    expect(card(page)).to_contain_text("No Cliniko patient is linked")
    expect(card(page)).to_contain_text("Push creates one from: Mara Quill, mara@quill.example, 0412 345 678.")
    shoot(page, "not-linked")
    card(page).get_by_role("button", name="Push to Cliniko").click()
    expect(card(page)).to_contain_text("Linked to a Cliniko patient")
    expect(card(page)).to_contain_text("Created as a patient in Cliniko and linked.")
    shoot(page, "pushed")
    made = [p for p in world.sandbox.account.tables["patients"].values() if p["email"] == "mara@quill.example"]
    assert [(p["first_name"], p["last_name"]) for p in made] == [("Mara", "Quill")]
    assert world.contact_of(str(made[0]["id"])) == contact


def test_a_push_that_cliniko_refuses_says_why(world, page):
    contact = world.sandbox.portal.create("contacts", {"firstname": "Odd", "lastname": "x" * 300}).id
    page.goto(world.page_of(contact))
    card(page).get_by_role("button", name="Push to Cliniko").click()
    expect(card(page)).to_contain_text("Nothing was sent to Cliniko")
    expect(card(page)).to_contain_text("Cliniko did not accept: Last name.")
    shoot(page, "refused")


def test_search_again_finds_nobody(world, page):
    contact = world.sandbox.portal.create("contacts", {"firstname": "Nobody", "lastname": "Known"}).id
    page.goto(world.page_of(contact))
    card(page).get_by_role("button", name="Search again").click()
    expect(card(page)).to_contain_text("Nobody in Cliniko is clearly this person")
    shoot(page, "nobody")


def test_unlink_asks_first_and_cleans_up(world, page):
    patient = linked_patient(world)
    contact = world.contact_of(patient)
    deals = list(world.sandbox.portal.contact_deals[contact])
    page.goto(world.page_of(contact))
    card(page).get_by_text("Unlink…").click()
    expect(card(page)).to_contain_text("Both records stay; nothing is deleted.")
    expect(
        card(page).get_by_label("deals of this patient" if len(deals) > 1 else "deal of this patient")
    ).to_be_checked()
    card(page).get_by_label("Give back what was here before Cliniko").check()
    shoot(page, "unlink-question")
    card(page).get_by_role("link", name="Keep the link").click()
    expect(card(page)).to_contain_text("Linked to a Cliniko patient")
    card(page).get_by_text("Unlink…").click()
    card(page).get_by_label("Give back what was here before Cliniko").check()
    card(page).get_by_role("button", name="Unlink ").click()
    expect(card(page)).to_contain_text("No Cliniko patient is linked")
    expect(card(page)).to_contain_text("Unlinked. It can be undone in CRMConnect.")
    shoot(page, "unlinked")
    left = world.clinic.contacts()[contact]
    assert not left.get("cliniko_patient_key") and left["cliniko_sync_status"] == "Unlinked"
    assert left["city"] == OLD_TOWN
    assert not world.sandbox.portal.contact_deals[contact]


def test_a_paused_account_and_a_service_that_is_away(world, page, tmp_path):
    contact = world.contact_of(linked_patient(world))
    app = world.sandbox.hubspot_app
    page.goto(world.page_of(contact))
    working = app.card_url
    app.card_url = f"http://127.0.0.1:{free_port()}"
    try:
        card(page).get_by_role("button", name="Sync now").click()
        expect(card(page)).to_contain_text("CRMConnect does not answer")
        expect(card(page)).to_contain_text("Trying again is safe: it is done once.")
        shoot(page, "away")
    finally:
        app.card_url = working
    card(page).get_by_role("button", name="Try again").click()
    expect(card(page)).to_contain_text("In step with Cliniko.")
