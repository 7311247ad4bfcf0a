"""The contact page of the simulated HubSpot: properties, deals, and the card as the app's service answers for it."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.guards.source import ROOT
from tests.support.clinic import serving as served
from tests.support.http_stub import HttpStub, Reply
from tests.support.http_stub import serving as stubbed
from webapp.clients.hubspot.oauth import SCOPES
from webapp.sandbox.hubspot import HubSpotSandbox, associations, card_words

WORDS = ROOT / "hubspot_app" / "src" / "app" / "cards"
EXAMPLES = [
    json.loads(body)
    for body in re.findall(
        r"```json card\n(.*?)```", (ROOT / "docs" / "card-api.md").read_text(encoding="utf-8"), re.DOTALL
    )
]
HUB = 123
NOW = "2026-11-24T02:45:00Z"
MAY = {"sync": {"allowed": True}, "push": {"allowed": True}, "unlink": {"allowed": True}}


def answer(state: str, **more: Any) -> dict[str, Any]:
    blocks = dict.fromkeys(("patient", "clinikoContact", "sync", "work", "wait", "shared", "review", "code", "message"))
    return {**blocks, "remedy": None, "timeZone": None, "state": state, "now": NOW, "actions": MAY, **more}


def work(**more: Any) -> dict[str, Any]:
    made = {"key": "k-1", "action": "push", "status": "running", "startedAt": NOW, "finishedAt": None}
    return {**made, "message": None, "remedy": None, **more}


PATIENT = {
    "id": "836447193021061",
    "url": "https://harbour.au1.cliniko.com/patients/836447193021061",
    "status": "active",
    "rule": "email_and_names",
    "syncedAt": "2026-11-24T02:42:00Z",
    "nextVisitAt": "2026-11-25T22:30:00Z",
    "lastVisitAt": None,
    "visitsKnown": True,
    "unlink": {"fields": ["Email"], "deals": 2},
}


@pytest.fixture
def service() -> Iterator[HttpStub]:
    with stubbed() as stub:
        yield stub


@pytest.fixture
def sandbox(service: HttpStub) -> Iterator[HubSpotSandbox]:
    made = HubSpotSandbox(limits_on=False)
    made.register_app("id", "secret", 77, ["http://localhost/cb"], SCOPES, card_url=service.url)
    made.add_portal(HUB).install()
    yield made
    made.close()


@pytest.fixture
def url(sandbox: HubSpotSandbox) -> Iterator[str]:
    with served(sandbox.app) as address:
        yield address


class Shown:
    """The page of one contact, while the service answers as told."""

    def __init__(self, sandbox: HubSpotSandbox, service: HttpStub, url: str) -> None:
        self.portal, self.service = sandbox.portals[HUB], service
        self.contact = self.portal.create(
            "contacts", {"firstname": "Ana", "lastname": "Ruiz", "email": "ana@x.example"}
        )
        self.path = f"/portals/{HUB}/contacts/{self.contact.id}"
        self.web = httpx.Client(base_url=url)

    def look(self, *answers: Any, query: str = "") -> str:
        self.service.answer(*(one if isinstance(one, Reply) else Reply(json=one) for one in answers))
        page = self.web.get(f"{self.path}{query}")
        assert page.status_code == 200
        return page.text

    def text(self, *answers: Any, query: str = "") -> str:
        body = self.look(*answers, query=query).partition("<section")[2].partition("</section>")[0]
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", f"<section{body}")).split())


@pytest.fixture
def page(sandbox, service, url) -> Iterator[Shown]:
    shown = Shown(sandbox, service, url)
    yield shown
    shown.web.close()


def buttons(html: str) -> dict[str, bool]:
    """{label: can it be pressed} of the card's forms."""
    card = html.partition("<section")[2].partition("</section>")[0]
    found = re.findall(r"<button([^>]*)>([^<]+)</button>", card)
    return {unescape(label): "disabled" not in attributes for attributes, label in found}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["state"])
def test_every_example_of_the_contract_is_shown(page, example):
    text = page.text({**answer(example["state"]), **example})
    assert text.startswith("CRMConnect for Cliniko") and "None" not in text.replace("None booked", "").replace(
        "None yet", ""
    )


def test_linked(page):
    html = page.look(answer("linked", patient=PATIENT, sync={"status": "Synced", "message": None, "at": NOW}))
    assert buttons(html) == {"Sync now": True, "Push to Cliniko": True, "Unlink Ana Ruiz": True}
    text = page.text(answer("linked", patient=PATIENT))
    for part in (
        "Linked to a Cliniko patient",
        "836447…061 Open in Cliniko",
        "Last synced 3 minutes ago, 1:42 pm",
        "Next visit Thu 26 Nov, 9:30 am",
        "Last visit None yet",
        "Matched by email and name.",
        "Unlink Ana Ruiz?",
        "1 field: Email",
        "Move the 2 deals of this patient",
    ):
        assert part in text, part


@pytest.mark.parametrize("action", ["sync", "push", "unlink"])
def test_a_button_that_may_not_be_pressed_says_why(page, action):
    actions = {**MAY, action: {"allowed": False, "reason": "Because of the rain."}}
    html = page.look(answer("linked", patient=PATIENT, actions=actions))
    label = {"sync": "Sync now", "push": "Push to Cliniko", "unlink": "Unlink…"}[action]
    assert buttons(html)[label] is False
    assert "Because of the rain." in html


def test_not_linked_previews_the_push(page):
    text = page.text(answer("not_linked"))
    assert "Push creates one from: Ana Ruiz, ana@x.example." in text
    page.portal.update("contacts", page.contact.id, {"lastname": ""})
    html = page.look(answer("not_linked"))
    assert "Push needs a last name" in html
    assert buttons(html) == {"Push to Cliniko": False, "Search again": True}


def test_while_something_is_done_the_page_looks_again_by_itself(page):
    html = page.look(answer("working", work=work()), query="?clicked=k-1")
    assert re.search(rf'http-equiv=refresh content="2;url={page.path}\?clicked=k-1"', html)
    assert "Sending to Cliniko" in html and not any(buttons(html).values())
    waiting = page.look(answer("rate_limited", work=work(), wait={"service": "hubspot", "seconds": 9}))
    assert "HubSpot asked us to wait 9 seconds" in waiting and "http-equiv=refresh" in waiting
    assert "http-equiv=refresh" not in page.look(answer("linked", patient=PATIENT))


def test_how_ones_own_click_ended_is_told_once(page):
    done = work(status="done", message="Created as a patient in Cliniko and linked.", finishedAt=NOW)
    state = answer(
        "linked", patient=PATIENT, work=done, sync={"status": "Sent to Cliniko", "message": done["message"], "at": NOW}
    )
    assert page.text(state, query="?clicked=k-1").count(done["message"]) == 1
    assert page.text(state, query="?clicked=another").count(done["message"]) == 1
    failed = work(status="failed", message="Cliniko did not accept: Email.", remedy="Correct it.", finishedAt=NOW)
    text = page.text(answer("not_linked", work=failed))
    assert "Nothing was sent to Cliniko Cliniko did not accept: Email. Correct it." in text


@pytest.mark.parametrize(
    ("label", "action", "body"),
    [
        ("Sync now", "sync", {}),
        ("Push to Cliniko", "push", {"target": "patient"}),
        ("Unlink Ana Ruiz", "unlink", {"restoreFields": False, "moveDeals": True}),
    ],
)
def test_a_press_goes_through_the_relay(page, label, action, body):
    html = page.look(answer("linked", patient=PATIENT))
    form = next(part for part in re.findall(r"<form.*?</form>", html, re.DOTALL) if f">{label}<" in part)
    fields = dict(re.findall(r'<input type=hidden name="?(\w+)"? value="([^"]*)"', form))
    if "checked" in form:
        fields["moveDeals"] = "yes"
    target = re.search(r'action="([^"]+)"', form)
    assert target is not None
    page.service.answer(Reply(json=answer("working", work=work())))
    sent = page.web.post(target[1], data=fields)
    assert (sent.status_code, sent.headers["location"]) == (303, f"{page.path}?clicked={fields['key']}")
    seen = page.service.seen[-1]
    parts = urlsplit(seen.target)
    assert (seen.method, parts.path) == ("POST", f"/card/contacts/{page.contact.id}/{action}")
    assert seen.json == {"idempotencyKey": fields["key"], **body}
    assert parse_qs(parts.query) == {
        "userId": [str(page.portal.user_id)],
        "portalId": [str(HUB)],
        "userEmail": ["admin@clinic.example"],
        "appId": ["77"],
    }
    assert seen.headers["x-hubspot-signature-v3"]


def test_a_press_without_answer_is_sent_again_as_it_was(page):
    fields = {"key": "5f0c6d3e-0d5b", "target": "contact"}
    page.service.answer(Reply(500), Reply(502))
    html = page.web.post(f"{page.path}/cards/77/push", data=fields).text
    assert "Trying again is safe: it is done once." in unescape(html) and "status_502" in html
    for name, value in fields.items():
        assert f'name="{name}" value="{value}"' in html
    assert buttons(html) == {"Try again": True}


@pytest.mark.parametrize("status", [401, 404, 409, 500])
def test_a_fault_is_shown_with_its_status(page, status):
    replies = [Reply(status, json={"code": "internal"})] * (2 if status >= 500 else 1)
    html = page.look(*replies)
    assert f"Reference: status_{status}" in html and "Try again" in html


def test_hostile_words_are_text(page):
    page.portal.update("contacts", page.contact.id, {"firstname": "<script>alert(1)</script>"})
    evil = "<img src=x onerror=alert(2)>"
    html = page.look(answer("error", message=evil, remedy=evil, code=evil))
    assert "<script>alert" not in html and "<img src=x" not in html


def test_deals_stand_with_pipeline_and_stage(page):
    deal = page.portal.create(
        "deals", {"dealname": "Visit", "pipeline": "default", "dealstage": "closedwon", "amount": "95"}
    )
    associations.link(page.portal, "deals", deal.id, "contacts", page.contact.id)
    html = page.look(answer("not_linked"))
    assert "Deals (1)" in html
    cells = re.findall(r"<td>([^<]*)</td>", html.partition("Deals (1)")[2])[:4]
    assert cells[:2] == ["Visit", "Sales Pipeline"] and cells[2] and cells[3] == "95"


def test_an_edit_is_a_persons_and_one_that_is_refused_says_so(page):
    assert page.web.post(page.path, data={"city": "Perth"}).status_code == 302
    assert page.contact.history["city"][-1].source.type == "CRM_UI"
    page.service.answer(Reply(json=answer("not_linked")))
    refused = page.web.post(page.path, data={"email": "no address"})
    assert refused.status_code == 400 and "role=alert" in refused.text


def test_an_app_that_is_not_installed_has_no_card(page, sandbox):
    sandbox.portals[HUB].uninstall()
    html = page.look()
    assert "CRMConnect for Cliniko" not in html and page.service.seen == []
    assert page.web.post(f"{page.path}/cards/77/sync", data={"key": "k"}).status_code == 404


@pytest.mark.parametrize("path", ["/portals/123/contacts/9", "/portals/9/contacts/1"])
def test_what_is_not_there(page, path):
    assert page.web.get(path).status_code == 404
    assert page.web.post(f"{path}/cards/77/sync").status_code == 404


def test_the_words_are_those_of_the_real_card():
    """One sentence, said in two places: they must not drift apart."""
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(WORDS.rglob("*.ts*")))
    real = re.sub(r"\s+", " ", source.replace("\\'", "'"))
    for sentence in sentences():
        assert sentence in real, sentence


def sentences() -> list[str]:
    found: list[str] = []

    def collect(value: Any) -> None:
        if isinstance(value, str):
            # What is filled in stands as a variable over there.
            found.append(value.replace(card_words.SETTINGS_PLACE, "${SETTINGS_PLACE}"))
        elif isinstance(value, dict):
            collect(list(value.values()))
        elif isinstance(value, list | tuple):
            for one in value:
                collect(one)
        elif isinstance(value, card_words.Notice):
            collect([value.title, value.lines])

    for name, value in vars(card_words).items():
        if not name.startswith("__") and name not in ("SETTINGS_PLACE",) and not callable(value):
            collect(value)
    collect(card_words.unlink_lines("${patientId}"))
    assert len(found) > 60
    return found
