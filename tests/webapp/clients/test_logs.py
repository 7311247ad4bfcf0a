"""Every try leaves one line that says where, what came back and how long it took, and never what was said."""

import base64
import logging
import traceback
from datetime import timedelta

import pytest
import structlog

from tests.support.http_stub import BAD_GATEWAY_PAGE, Hang, Reply, Reset, refusing_url
from tests.webapp.clients.conftest import CLINIKO_KEY, HUB, Vault
from webapp.clients.calling import Answer, Call, Repeat
from webapp.clients.cliniko import filters, resources
from webapp.clients.errors import ApiError
from webapp.clients.hubspot import account, oauth, objects, schema
from webapp.clients.hubspot.oauth import TokenSet
from webapp.clients.hubspot.objects import WriteInput
from webapp.clock import now

FIELDS = {"event", "log_level", "service", "method", "path", "status", "ms", "correlation_id", "attempt", "problem"}
CORRELATION = "5c1ff1a1-6b2a-4a0e-8f1e-0a2f7a3d9c11"
MARKERS = (
    "marker",  # is in every value, query and token below
    CLINIKO_KEY.rpartition("-")[0],
    base64.b64encode(f"{CLINIKO_KEY}:".encode()).decode(),
    "client-secret",
    "jane@",
)
SAID = {"message": "jane@marker.example is wrong", "correlationId": CORRELATION, "errors": {"email": "marker"}}
# Kept out of the lines of code that a traceback prints.
EMAIL, VALUE, TOKEN = "jane@marker.example", "marker", "token-marker"
ANSWERS = {
    "odd records": Reply(json={"patients": [{"id": "1", "email": VALUE, "first_name": [VALUE]}], "results": [VALUE]}),
    "400": Reply(400, json=SAID),
    "401": Reply(401, json=SAID),
    "403": Reply(403, json=SAID),
    "404": Reply(404, json=SAID),
    "409": Reply(409, json={**SAID, "message": "Contact marker exists. Existing ID: 5"}),
    "422": Reply(422, json=SAID),
    "429": Reply(429, json=SAID, headers={"Retry-After": "86000"}),
    "500 page": Reply(500, body=BAD_GATEWAY_PAGE),
    "302": Reply(302, headers={"Location": "http://marker.example/?marker=1"}),
    "no json": Reply(body="marker is no json"),
    "odd object": Reply(json={"marker": "odd"}),
    "foreign link": Reply(json={"patients": [], "links": {"next": "http://marker.example/?page=2"}}),
    "cut off": Reply(json={"x": "marker" * 10}, cut=5),
    "reset before": Reset("before_reading"),
    "reset after": Reset("after_reading"),
    "time-out": Hang(1, applied=True),
}


@pytest.fixture
def said(caplog, capfd):
    """All that was said anywhere: structlog before anything masks it, the libraries' loggers, the terminal."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:

        def collect() -> str:
            terminal = capfd.readouterr()
            return "\n".join([*map(repr, lines), *caplog.messages, terminal.out, terminal.err])

        collect.lines = lines
        yield collect


@pytest.fixture
def failing():
    """Runs a call and gives all that its failure shows: text, parts, traceback, and whatever hangs on it."""

    def run(call) -> str:
        try:
            return repr(call())
        except ApiError as error:
            shown = [str(error), repr(error), *traceback.format_exception(error)]
            # What an error keeps of the exception before it, such as a request with its headers.
            kept = [repr(vars(e)) for e in (error.__cause__, error.__context__) if e is not None]
            parts = {name: value for name, value in vars(error).items() if name not in ("detail", "errors")}
            return "\n".join([*shown, *kept, repr(parts)])

    return run


def check(text: str) -> None:
    assert not [marker for marker in MARKERS if marker in text]


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_cliniko_call_says_nothing_of_a_person_or_the_key(stub, make_cliniko, make_budget, said, failing, answer):
    client = make_cliniko(timeout=0.2, budget=make_budget("quiet", max_wait=0.0, service="cliniko"))
    q = [filters.equals("email", EMAIL)]
    calls = [
        lambda: resources.list_patients(client, q=q),
        lambda: resources.create_patient(client, {"first_name": VALUE}),
    ]
    shown = []
    for call in calls:
        stub.answer(answer)
        stub.always(Reply(404))
        shown.append(failing(call))
    check("\n".join([*shown, repr(client), said()]))
    assert said.lines
    for line in said.lines:
        assert set(line) == FIELDS
        assert (line["event"], line["service"], line["path"]) == ("api_call", "cliniko", "/patients")
        assert line["method"] in ("GET", "POST")
        assert isinstance(line["ms"], int) and 0 <= line["ms"] < 5000
    got_through = isinstance(answer, Reply) and not answer.cut
    assert said.lines[0]["status"] == (answer.status if got_through else None)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_hubspot_call_says_nothing_of_a_person_or_a_token(
    stub, make_hubspot, make_budget, api_settings, said, failing, answer
):
    vault = Vault(TokenSet("access-marker", "refresh-marker", now() + timedelta(hours=1), HUB))
    client = make_hubspot(stub.url, vault, timeout=0.2, budget=make_budget("quiet", max_wait=0.0))
    calls = [
        lambda: objects.batch_update(client, "contacts", [WriteInput("t", "1", {"email": EMAIL})]),
        lambda: objects.read_one(client, "contacts", EMAIL, ["email"], "email"),
        lambda: bool(oauth.introspect(api_settings(stub.url), TOKEN)),  # hands back what HubSpot said
    ]
    shown = []
    for call in calls:
        stub.answer(answer)
        stub.always(Reply(404))
        shown.append(failing(call))
    check("\n".join([*shown, repr(client), said()]))
    paths = {line["path"] for line in said.lines}
    objects_path = "/crm/objects/2026-09/contacts"
    assert paths >= {f"{objects_path}/batch/update", "/oauth/2026-09/token/introspect"}
    assert paths <= {f"{objects_path}/batch/update", f"{objects_path}/{{value}}"} | {
        f"/oauth/2026-09/token{end}" for end in ("", "/introspect")
    }
    assert all(set(line) == FIELDS for line in said.lines)


def test_one_line_for_each_try(stub, cliniko, said):
    stub.answer(Reply(502), Reset("after_reading"), Reply(200, body="{"), Reply(json={"patients": []}))
    resources.list_patients(cliniko)
    found = [(line["attempt"], line["status"], line["problem"]) for line in said.lines]
    assert found == [(1, 502, None), (2, None, "ReadError"), (3, 200, "unreadable_body"), (4, 200, None)]


def test_a_call_that_never_left_has_its_lines_too(make_cliniko, said):
    with refusing_url() as url, pytest.raises(ApiError):
        resources.list_patients(make_cliniko(url=url))
    assert [line["problem"] for line in said.lines] == ["ConnectError"] * 4


def test_a_slow_call_shows(stub, cliniko, said):
    stub.answer(Reply(json={"patients": []}, delay=0.15))
    resources.list_patients(cliniko)
    assert said.lines[0]["ms"] >= 150


def test_a_refusal_is_found_by_its_correlation_id(stub, scripted, api_settings, said):
    stub.answer(Reply(400, json={"category": "VALIDATION_ERROR", "correlationId": CORRELATION}))
    stub.answer(Reply(400, json={"error": "invalid_grant", "status": "BAD_HUB", "correlationId": CORRELATION}))
    for call in (lambda: account.details(scripted), lambda: oauth.refresh(api_settings(stub.url), "x")):
        with pytest.raises(ApiError):
            call()
    assert [(line["correlation_id"], line["problem"]) for line in said.lines] == [
        (CORRELATION, "VALIDATION_ERROR"),
        (CORRELATION, "BAD_HUB"),
    ]


def test_a_path_never_carries_its_query(stub, scripted, cliniko, said):
    stub.always(Reply(json={"patients": [], "results": [], "id": "1"}))
    resources.list_patients(cliniko, q=[filters.equals("email", "jane@x.example")])
    objects.read_one(scripted, "contacts", "1", ["email"])
    objects.search(scripted, "contacts", [{"filters": []}], ["email"])
    schema.list_properties(scripted, "contacts")
    assert len(said.lines) == 4
    assert not [line["path"] for line in said.lines if set(line["path"]) & set("?&=@%")]


def test_calls_and_answers_do_not_show_what_they_carry():
    call = Call("GET", "http://x/?marker", "/x", Repeat.ALWAYS, False, {"q": "marker"}, {"email": "marker"})
    answer = Answer(200, {"email": "marker"}, {"set-cookie": "marker"})
    for shown in (call, answer, WriteInput("t", "1", {"email": "marker"}), TokenSet("marker", "marker", now(), 1)):
        assert "marker" not in repr(shown)
