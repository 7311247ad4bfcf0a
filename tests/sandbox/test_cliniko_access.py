"""Who may call the simulated Cliniko, how often, and what they may see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.sandbox.conftest import CALLER, START
from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox

Connect = Callable[..., httpx.Client]


def test_a_key_works_with_and_without_its_suffix(
    cliniko: ClinikoSandbox, account: ClinikoAccount, connect: Connect
) -> None:
    key = cliniko.add_key(account, "11")
    assert key.endswith("-au1")
    for sent in (key, key.removesuffix("-au1")):
        answer = connect(sent).get("/user")
        assert (answer.status_code, answer.json()["email"]) == (200, "ann@c.example")
    old = cliniko.add_key(account, "11", shard="")
    assert "-" not in old
    assert connect(old).get("/user").status_code == 200


@pytest.mark.parametrize("kind", ["unknown", "revoked", "other shard", "password", "left the clinic", "nothing"])
def test_a_key_that_is_no_good_gets_a_plain_text_401(
    cliniko: ClinikoSandbox, account: ClinikoAccount, connect: Connect, base: str, kind: str
) -> None:
    key = cliniko.add_key(account, "11", shard="uk1" if kind == "other shard" else None)
    auth: tuple[str, str] | None = (key, "")
    if kind == "unknown":
        auth = ("MSnothing-au1", "")
    elif kind == "revoked":
        cliniko.revoke_key(key)
    elif kind == "password":
        auth = (key, "secret")
    elif kind == "left the clinic":
        account.edit("users", "11", user_active=False)
    elif kind == "nothing":
        auth = None
    answer = httpx.get(f"{base}/v1/user", auth=auth, headers=CALLER)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.strip() == "HTTP Basic: Access denied."


def test_the_host_name_says_the_shard(cliniko: ClinikoSandbox, account: ClinikoAccount, connect: Connect) -> None:
    client = connect(cliniko.add_key(account, "11"))
    assert client.get("/user", headers={"Host": "api.au1.cliniko.com"}).status_code == 200
    assert client.get("/user", headers={"Host": "api.uk1.cliniko.com"}).status_code == 401


def test_accounts_do_not_see_each_other(cliniko: ClinikoSandbox, account: ClinikoAccount, connect: Connect) -> None:
    mine = account.put("patients", {"first_name": "Ana", "last_name": "Ruiz"})
    other = cliniko.add_account(shard="uk1", name="Elsewhere")
    other.put("users", {"id": "11", "role": "administrator"})
    client = connect(cliniko.add_key(other, "11"))
    assert client.get("/patients").json()["patients"] == []
    assert client.get(f"/patients/{mine['id']}").status_code == 404
    assert client.get("/settings/public").json()["account"]["name"] == "Elsewhere"
    with pytest.raises(ValueError, match="exists already"):
        cliniko.add_account(id=other.id)


@pytest.mark.parametrize("agent", ["", "python-httpx/0.28", "CRMConnect", "CRMConnect (nobody)", "(a@b.example)"])
def test_callers_without_a_name_and_an_address_are_turned_away(
    account: ClinikoAccount, api: httpx.Client, agent: str
) -> None:
    assert api.get("/user", headers={"User-Agent": agent}).status_code == 403
    account.switches.user_agent_required = False
    assert api.get("/user", headers={"User-Agent": agent}).status_code == 200


def test_two_hundred_calls_a_minute_for_a_user_whichever_key_is_used(
    cliniko: ClinikoSandbox, account: ClinikoAccount, connect: Connect
) -> None:
    cliniko.limits_on = True
    first, second = (connect(cliniko.add_key(account, "11")) for _ in range(2))
    for _ in range(100):
        assert first.get("/user").status_code == 200
    cliniko.clock.advance(20)
    for _ in range(100):
        assert second.get("/user").status_code == 200
    refused = first.get("/user")
    assert refused.status_code == 429
    assert int(refused.headers["X-RateLimit-Reset"]) == (START + timedelta(seconds=60)).timestamp()
    account.put("users", {"id": "12", "role": "receptionist"})
    assert connect(cliniko.add_key(account, "12")).get("/user").status_code == 200, "the limit is each user's own"
    cliniko.clock.advance(41)
    assert [first.get("/user").status_code for _ in range(101)] == [200] * 100 + [429], "the window rolls"
    cliniko.limits_on = False
    assert first.get("/user").status_code == 200


def test_the_date_header_is_the_sandbox_clock(cliniko: ClinikoSandbox, api: httpx.Client) -> None:
    cliniko.clock.advance(86_400)
    for path in ("/user", "/patients/1"):
        assert parsedate_to_datetime(api.get(path).headers["Date"]) == START + timedelta(days=1)


SEEN = {
    "administrator": "patients invoices users settings attendees",
    "power receptionist": "patients invoices settings attendees",
    "receptionist": "patients invoices attendees",
    "practitioner": "patients invoices attendees",
    "scheduler": "patients attendees",
    "bookkeeper": "invoices",
}


@pytest.mark.parametrize("role", SEEN)
def test_a_role_sees_what_is_its_business(
    cliniko: ClinikoSandbox, account: ClinikoAccount, connect: Connect, role: str
) -> None:
    account.put("users", {"id": "12", "role": role})
    client = connect(cliniko.add_key(account, "12"))
    asked = ["patients", "invoices", "users", "settings", "attendees"]
    seen = [name for name in asked if client.get(f"/{name}").status_code == 200]
    assert seen == SEEN[role].split()
    assert all(client.get(f"/{name}").status_code in (200, 403) for name in asked)
    assert client.get("/user").json()["role"] == role
    assert client.get("/settings/public").status_code == 200
    assert client.get("/users/11").status_code == (200 if role == "administrator" else 403)


def test_permissions_can_be_taken_away_by_hand(
    cliniko: ClinikoSandbox, account: ClinikoAccount, api: httpx.Client, connect: Connect
) -> None:
    account.forbidden.add("invoices")
    account.forbidden.add("patients")
    assert api.get("/invoices").status_code == 403
    assert api.post("/patients", json={"first_name": "A", "last_name": "B"}).status_code == 403
    account.put("users", {"id": "12", "role": "practitioner"})
    client = connect(cliniko.add_key(account, "12"))
    account.forbidden.clear()
    assert client.get("/invoices").status_code == 200
    account.switches.practitioners_see_financials = False
    assert client.get("/invoices").status_code == 403


@pytest.mark.parametrize("shape", ["json", "text", "empty"])
def test_refusals_come_in_the_shape_the_switch_says(account: ClinikoAccount, api: httpx.Client, shape: str) -> None:
    account.switches.refusal_body = shape
    account.forbidden.add("users")
    for answer, status in ((api.get("/patients/9"), 404), (api.get("/users"), 403)):
        assert answer.status_code == status
        assert (answer.headers["content-type"].startswith("application/json")) is (shape == "json")
        assert (answer.text == "") is (shape == "empty")


def test_settings_in_full_and_in_public(account: ClinikoAccount, api: httpx.Client) -> None:
    account.settings = {"terminology": {"patient": "client"}, "sms": {"patient_accept_sms_marketing_by_default": True}}
    full, public = api.get("/settings").json(), api.get("/settings/public").json()
    assert full["terminology"]["patient"] == public["terminology"]["patient"] == "client"
    assert full["terminology"]["titles"], "what is not overridden stays"
    assert full["sms"]["patient_accept_sms_marketing_by_default"] is True
    assert "sms" not in public
    assert public["account"]["country_code"] == "AU"
    assert public["account"]["subdomain"] == account.subdomain
    assert public["links"]["self"].endswith("/v1/settings/public")


def test_paths_and_verbs_that_do_not_exist(api: httpx.Client) -> None:
    assert api.get("/treatment_notes").status_code == 404
    assert api.get("/patients/deleted").status_code == 404
    assert api.post("/invoices", json={}).status_code == 405
    assert api.put("/patients/1", json={}).status_code == 405
