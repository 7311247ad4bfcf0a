"""The steps of the demo, as a person would go through them, and what they found."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from webapp.clock import now
from webapp.demo import Simulated, before, check, reading
from webapp.demo import deals as deal_check
from webapp.demo.browser import Browser, Page
from webapp.demo.place import APP_ID, DemoFailed, Place
from webapp.demo.service import Service
from webapp.demo.state import State
from webapp.demo.story import Step, Story

# Seconds without anything moving after which a step has failed.
STALLED, PAUSED = 120.0, 300.0
PREPARED_WITHIN = 180.0
CONNECTED_WITHIN = 90.0


@dataclass
class Findings:
    """What the table and the JSON object say."""

    resumed: bool
    patients: int = 0
    read: int = 0
    created: int = 0
    linked_by_names: int = 0
    linked_by_email: int = 0
    updated: int = 0
    deals: int = 0
    issues: int = 0
    reviews: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    sync_seconds: float = 0.0
    verdict: check.Verdict = field(default_factory=check.Verdict)
    deal_verdict: deal_check.DealVerdict = field(default_factory=deal_check.DealVerdict)
    summaries: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        values = asdict(self)
        values["check"] = values.pop("verdict")
        values["deals_check"] = self.deal_verdict.as_dict()
        del values["deal_verdict"]
        return {**values, "sync_seconds": round(self.sync_seconds, 1)}


class Steps:
    """Everything that the demo starts and does; `stop` ends what was started."""

    def __init__(self, place: Place, story: Story, patients: int) -> None:
        self.place = place
        self.story = story
        self.browser = Browser()
        self.simulated = Simulated(
            place.folder / "sandbox",
            ports=place.kept["ports"],
            secrets=place.kept["secrets"],
            app_id=APP_ID,
            public_url=place.url("web"),
        )
        self.service: Service | None = None
        self.findings = Findings(resumed=place.known)
        self._size = patients
        self._calls: Mapping[str, int] = {}

    def run(self) -> Findings:
        """One step after the other. Raises DemoFailed or SimulatedFailed for the one that fails."""
        self._start_services()
        if "before" not in self.place.kept:
            self._fill_hubspot()
        self._start_product()
        state = State(self.place.settings(), self.simulated.hub_id)
        self._calls = self.simulated.calls()
        self._install(state)
        self._connect(state)
        self._prepare(state)
        self._sync(state)
        self._compare(state)
        self._compare_deals()
        return self.findings

    def stop(self) -> None:
        """End everything, the product before what it talks to."""
        self.browser.close()
        if self.service is not None:
            self.service.stop()
        self.simulated.stop()

    # The steps, in order

    def _start_services(self) -> None:
        with self.story.step("Simulated Cliniko and HubSpot") as step:
            self.simulated.start(self._size)
            if self.place.known:
                step.done = "Simulated Cliniko and HubSpot are up, as you left them"
            else:
                step.done = f"Simulated Cliniko and HubSpot are up: {self._size:,} patients and some example records"
            self.place.kept |= {"begun": True, "patients": self.place.kept.get("patients", self._size)}
            self.place.save()

    def _fill_hubspot(self) -> None:
        with self.story.step("Contacts that HubSpot has already") as step:
            chosen = before.choose(reading.patients(self.simulated.running.cliniko_url, self._key))
            ids = self.simulated.create_contacts(chosen.contacts)
            blank = dict.fromkeys(("firstname", "lastname", "email"), "")
            self.place.kept["before"] = {
                contact_id: blank | contact for contact_id, contact in zip(ids, chosen.contacts, strict=True)
            }
            self.place.save()
            step.done = f"HubSpot has {len(ids)} contacts of its own: patients, relatives, leads, strangers"

    def _start_product(self) -> None:
        with self.story.step("CRMConnect: web, worker, scheduler") as step:
            self.service = Service(self.place)
            self.service.wait_until_up()
            step.done = "CRMConnect is up: web, worker, scheduler"

    def _install(self, state: State) -> None:
        again = state.installed()
        with self.story.step("Sign in through HubSpot" if again else "Install into HubSpot") as step:
            consent = self.browser.open(f"{self.place.url('web')}/oauth/install")
            path = urlsplit(consent.url).path
            self.browser.press(consent, path, choice="connect", portal=str(self.simulated.hub_id))
            if not state.installed():
                raise DemoFailed("HubSpot agreed, but the account was not stored.")
            step.done = "Signed in through HubSpot" if again else "Installed into the simulated HubSpot account"

    def _connect(self, state: State) -> None:
        if state.connected():
            return
        with self.story.step("Connect Cliniko") as step:
            self._press("/onboarding", "/onboarding/cliniko", api_key=self._key)
            self._wait_on_page(lambda: state.connected(), CONNECTED_WITHIN, "Cliniko was not connected")
            step.done = f"Connected to the simulated Cliniko account {state.connected()}"

    def _prepare(self, state: State) -> None:
        if state.prepared() is not None:
            return
        with self.story.step("Prepare HubSpot") as step:
            self._press("/onboarding", "/onboarding/prepare")
            self._wait_on_page(lambda: state.prepared() is not None, PREPARED_WITHIN, "HubSpot was not prepared")
            report = state.prepared() or {}
            names = [*report.get("contact_properties", ()), *report.get("deal_properties", ())]
            pipelines = [item for item in report.get("pipelines", ()) if item.get("pipeline_id")]
            ours = sum("cliniko" in name for name in names)
            # Off by default; the demo shows what it does.
            state.show_amounts()
            step.done = f"HubSpot is prepared: {ours} properties, {len(pipelines)} pipelines"

    def _sync(self, state: State) -> None:
        first = not state.started()
        with self.story.step("First sync" if first else "Sync now") as step:
            since = now()
            if first:
                self._press("/onboarding", "/onboarding/start")
            else:
                self._press_sync()
            self._wait_for_streams(state, step, since)
            self.findings.sync_seconds = step.seconds
            counts = state.cycle("patients", since)
            self.findings.read, self.findings.updated = counts.get("read", 0), counts.get("updated", 0)
            self.findings.deals = self.simulated.deals()
            what, deals = "First sync" if first else "Synced again", self.findings.deals
            people = "1 patient" if self.findings.read == 1 else f"{self.findings.read:,} patients"
            step.done = f"{what}: {people} read" + (f", {deals:,} deals in HubSpot" if deals else "")

    def _compare(self, state: State) -> None:
        with self.story.step("Compare every patient with its contact") as step:
            after = self.simulated.calls()
            self.findings.calls = {name: after[name] - self._calls.get(name, 0) for name in after}
            url = self.simulated.running.cliniko_url
            patients = reading.patients(url, self._key)
            contacts = reading.contacts(self.simulated.running.hubspot_url, self.simulated.token())
            account_id = reading.cliniko_account_id(url, self._key)
            verdict = check.compare(account_id, patients, contacts, self.place.kept.get("before", {}))
            self.findings.patients, self.findings.verdict = len(patients), verdict
            self.findings.issues, self.findings.reviews = state.needs()
            # People may have changed things in HubSpot since the first run, and those edits stay.
            found = verdict.serious if self.place.kept.get("checked") else verdict.everything
            if found:
                text = f"{len(found)} of {len(patients)} are not as they should be. {' '.join(found[:5])}"
                raise DemoFailed(text, see_log=False)
            self._what_is_new(verdict)
            step.done = f"All {verdict.compared:,} compared: nobody missing, doubled or mixed up"
            others = len(verdict.everything)
            if others:
                step.done = f"All {verdict.compared:,} compared: nobody mixed up; {others} differ, as edited in HubSpot"

    def _compare_deals(self) -> None:
        with self.story.step("Compare every appointment and invoice with its deal") as step:
            running = self.simulated.running
            found = deal_check.read_deals(running.hubspot_url, self.simulated.token())
            invoices = deal_check.read_invoices(running.cliniko_url, self._key)
            people = reading.contacts(running.hubspot_url, self.simulated.token())
            keys = {c["id"]: c["cliniko_patient_key"].partition(":")[2] for c in people if c["cliniko_patient_key"]}
            behind = deal_check.patients_behind(running.cliniko_url, self._key, invoices)
            verdict = deal_check.compare(found, invoices, behind, keys)
            self.findings.deal_verdict = verdict
            self.findings.summaries = sum(1 for c in people if c["cliniko_appointments_booked"])
            # People may have changed deals in HubSpot since the first run, and those edits stay.
            if verdict.wrong and not self.place.kept.get("deals_checked"):
                text = f"{len(verdict.wrong)} of {len(found)} are not as they should be. {' '.join(verdict.wrong[:5])}"
                raise DemoFailed(text, see_log=False)
            self.place.kept["deals_checked"] = True
            self.place.save()
            step.done = f"All {len(found):,} deals compared: each once, with its own patient, to the cent"

    def _what_is_new(self, verdict: check.Verdict) -> None:
        """What this run added to what the last one left."""
        kept = self.place.kept.get("found", {"by_names": 0, "by_email": 0, "compared": 0})
        fresh = {name: max(0, getattr(verdict, name) - kept[name]) for name in kept}
        self.findings.linked_by_names, self.findings.linked_by_email = fresh["by_names"], fresh["by_email"]
        self.findings.created = max(0, fresh["compared"] - fresh["by_names"] - fresh["by_email"])
        self.place.kept |= {"found": {name: getattr(verdict, name) for name in kept}, "checked": True}
        self.place.save()

    # Helpers

    @property
    def _key(self) -> str:
        return self.simulated.running.api_key

    def _press(self, path: str, action: str, **filled: str) -> Page:
        page = self.browser.press(self.browser.open(f"{self.place.url('web')}{path}"), action, **filled)
        if page.problems:
            raise DemoFailed(" ".join(page.problems))
        return page

    def _press_sync(self) -> None:
        page = self.browser.open(f"{self.place.url('web')}/dashboard")
        paused = any(form.action.endswith("/dashboard/resume") for form in page.forms)
        self.browser.press(page, "/dashboard/resume" if paused else "/dashboard/sync")

    def _wait_on_page(self, true: Any, patience: float, problem: str) -> None:
        """Wait for what a worker does; what the page says about it counts at once."""

        def look() -> bool:
            if true():
                return True
            page = self.browser.open(f"{self.place.url('web')}/onboarding")
            if page.problems and not true():
                raise DemoFailed(" ".join(page.problems))
            return False

        assert self.service is not None
        self.service.wait_for(look, patience, problem)

    def _wait_for_streams(self, state: State, step: Step, since: datetime) -> None:
        assert self.service is not None
        moved, since_then = "", time.monotonic()
        while True:
            progress = state.progress(since)
            if progress.settled:
                return
            if progress.stopped:
                raise DemoFailed(f"A stream stopped ({progress.stopped}).")
            if progress.moved != moved:
                moved, since_then = progress.moved, time.monotonic()
            # A service that asked for a pause gets it, but not for ever.
            patience = PAUSED if progress.wait_until is not None else STALLED
            if time.monotonic() - since_then > patience:
                raise DemoFailed(f"Nothing has moved for {patience:.0f} seconds.")
            text = ", ".join(f"{number:,} {name}" for name, number in progress.numbers.items() if number)
            step.say(f"Syncing: {text or 'starting'} …")
            self.service.check()
            time.sleep(0.3)
