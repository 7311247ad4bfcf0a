"""Settings: every one is there, checked beside the field, asked about where records are rewritten; owners of deals."""

import re
from dataclasses import asdict, fields

import msgspec
import pytest

from tests.webapp.views.conftest import HUB
from webapp.clients.cliniko.records import Practitioner, User
from webapp.clients.hubspot.owners import Owner
from webapp.extensions import db, get_redis
from webapp.store import accounts, ledger, streams
from webapp.store.settings import AccountSettings, get_settings, set_setting
from webapp.views.settings_words import FIELDS, GROUPS, STAGES


@pytest.fixture
def ready(make_account, connect_account, signed_in):
    """A connected and prepared account, signed in."""
    hub_id = make_account()
    connection = connect_account(hub_id)
    accounts.save_provisioning(hub_id, {})
    streams.ensure_streams(hub_id, ["patients", "contacts", "appointments", "invoices"])
    signed_in(hub_id)
    return connection


@pytest.fixture
def lists(ready):
    """Two practitioners, of whom one has an owner by email; an active owner more, and one who left."""

    def keep(name, records, connection_id=ready.id):
        get_redis().set(f"crmconnect:reference:{connection_id}:{name}", msgspec.json.encode(records))

    def user(number):
        return {"links": {"self": f"https://api.au1.cliniko.com/v1/users/{number}"}}

    keep(
        "practitioners",
        [
            Practitioner(id="11", display_name="Dr Bea Li", active=True, user=user(1)),
            Practitioner(id="12", display_name="Dr Cy <b>Ng</b>", active=True, user=user(2)),
        ],
    )
    keep("users", [User(id="1", email="bea@clinic.example"), User(id="2", email="cy@clinic.example")])
    keep(
        "owners",
        [
            Owner(id="901", email="bea@clinic.example", name="Bea Li"),
            Owner(id="902", email="sam@clinic.example", name="Sam Low"),
            Owner(id="903", email="old@clinic.example", name="Old Hand", archived=True),
        ],
    )
    return keep


def save(client, token, path="/settings", **values):
    return client.post(path, data={"csrf_token": token(client, "/settings"), **values})


def owners(client, token, **values):
    return save(client, token, "/settings/owner", **values)


def now_set(name):
    db.session.rollback()
    return getattr(get_settings(HUB), name)


def test_every_setting_has_its_place_and_its_consequence():
    names = [name for group in GROUPS for name in group.names]
    assert len(names) == len(set(names)) and set(names) == set(FIELDS)
    # The table of owners is a section of its own.
    assert set(FIELDS) == {item.name for item in fields(AccountSettings)} - {"practitioner_owners"}
    assert set(STAGES) == {"appointment_stages", "invoice_stages"}
    for field in FIELDS.values():
        assert field.effect.endswith(".") and "!" not in field.effect


def test_page_shows_every_setting_as_it_is(client, ready):
    set_setting(HUB, "interval_minutes", "20")
    set_setting(HUB, "alert_email", "owner@clinic.example")
    page = client.get("/settings").text
    for name, field in FIELDS.items():
        assert field.label in page and (f'name="{name}"' in page or f'name="{name}.' in page), name
    assert 'name="interval_minutes" value="20"' in page and 'value="owner@clinic.example"' in page
    assert re.search(r'name="sync_patients" value="on" checked', page)
    assert not re.search(r'name="match_by_phone" value="on" checked', page)
    assert "A change rewrites appointments and invoices." in page


def test_the_page_sent_back_as_it_is_changes_nothing(client, ready, token, queued):
    page = client.get("/settings").text
    form = re.search(r'<form method="post" action="/settings" class="settings">.*?</form>', page, re.DOTALL)[0]
    values = {}
    for tag in re.findall(r"<input[^>]+>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            values[name[1]] = value[1]
    for name, options in re.findall(r'<select id="[^"]+" name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        values[name] = re.search(r'value="([^"]+)" selected', options)[1]
    assert {name.partition(".")[0] for name in values} - {"csrf_token"} == set(FIELDS)
    before = asdict(get_settings(HUB))
    assert client.post("/settings", data=values).location == "/settings"
    assert (
        asdict(get_settings(HUB)) == before and queued() == [] and "Nothing was changed" in client.get("/settings").text
    )


def test_harmless_changes_are_saved_at_once(client, ready, token):
    save(client, token, interval_minutes="30", alert_email="a@b.example", push_enabled="off")
    assert (now_set("interval_minutes"), now_set("alert_email"), now_set("push_enabled")) == (30, "a@b.example", False)
    save(client, token, push_enabled=["off", "on"], alert_email=" ")
    assert now_set("push_enabled") is True and now_set("alert_email") is None


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("interval_minutes", "4"),
        ("interval_minutes", "soon"),
        ("interval_minutes", ""),
        ("individual_appointments_days_forward", "731"),
        ("invoice_days_back", "-1"),
        ("retention_days", "0"),
        ("deal_currency", "dollars"),
        ("alert_email", "a@b"),
        ("alert_webhook", "http://hooks.example/a"),
        ("alert_webhook", "https://127.0.0.1/a"),
        ("appointment_deal_owner", "somebody"),
        ("appointment_pipeline", "my pipeline"),
        ("push_enabled", "maybe"),
    ],
)
def test_a_bad_value_is_said_beside_its_field_and_kept(client, ready, token, name, typed):
    before = asdict(get_settings(HUB))
    answer = save(client, token, **{"interval_minutes": "30", name: typed})
    assert answer.status_code == 422 and "Nothing was saved yet" in answer.text
    assert f'id="f-{name}-problem"' in answer.text
    if FIELDS[name].kind in ("text", "number"):
        assert f'name="{name}" value="{typed}"' in answer.text
        assert re.search(rf'name="{name}"[^>]*aria-invalid="true"', answer.text)
    assert asdict(get_settings(HUB)) == before


def test_what_was_typed_is_text(client, ready, token):
    page = save(client, token, alert_email='"><script>alert(1)</script>').text
    assert "<script>alert" not in page


def test_a_change_that_rewrites_is_asked_about_first(client, ready, token):
    row = {"hub_id": HUB, "connection_id": ready.id, "state": "linked"}
    ledger.put([{**row, "kind": "patient", "cliniko_id": str(n), "hubspot_id": str(500 + n)} for n in range(3)])
    ledger.put([{**row, "kind": "invoice", "cliniko_id": "1", "hubspot_id": "901"}])
    db.session.commit()
    page = save(client, token, use_preferred_first_name="on", interval_minutes="30").text
    assert "3 contacts of patients, 1 invoice deal" in page and "Save and rewrite" in page
    assert now_set("use_preferred_first_name") is False and now_set("interval_minutes") == 15
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    client.post("/settings", data=hidden)
    assert now_set("use_preferred_first_name") is True and now_set("interval_minutes") == 30
    assert streams.get_stream(HUB, "patients").reread and streams.get_stream(HUB, "invoices").reread


def test_nothing_written_means_nothing_to_ask(client, ready, token):
    save(client, token, use_preferred_first_name="on")
    assert now_set("use_preferred_first_name") is True


def test_a_pipeline_of_ones_own_wants_every_stage_and_is_prepared(client, ready, token, queued):
    page = save(client, token, invoice_pipeline="77", **{"invoice_stages.cliniko_inv_open": "a1"})
    assert (
        page.status_code == 422 and "Missing: Paid, Closed and Open Credit." in page.text and 'value="a1"' in page.text
    )
    stages = {f"invoice_stages.{stage}": f"s{place}" for place, stage in enumerate(STAGES["invoice_stages"])}
    save(client, token, invoice_pipeline="77", **stages)
    assert now_set("invoice_pipeline") == "77" and len(now_set("invoice_stages")) == 4
    assert [job.func_name for job in queued()] == ["jobs.tasks.connect.prepare_hubspot"]


def test_a_switched_off_stream_rests(client, ready, token):
    save(client, token, sync_invoices="off")
    assert streams.get_stream(HUB, "invoices").state == "off"


def test_owners_are_listed_without_asking_anybody(client, lists):
    page = client.get("/settings").text
    assert "Dr Bea Li" in page and "same email" in page and "Without an owner" in page
    assert "Dr Cy &lt;b&gt;Ng" in page and "Sam Low (sam@clinic.example)" in page and "Old Hand" not in page


def test_no_lists_yet_says_so_and_they_are_read_by_request(client, ready, token, queued):
    assert "Not read yet" in client.get("/settings").text
    save(client, token, "/settings/owners/read")
    assert [job.func_name for job in queued()] == ["jobs.tasks.connect.read_owners"]
    assert "Reading them from Cliniko and HubSpot" in client.get("/settings").text


def test_one_click_gives_a_practitioner_an_owner_and_takes_it_back(client, lists, token):
    owners(client, token, practitioner="12", owner="902")
    assert now_set("practitioner_owners") == {"12": "902"} and streams.get_stream(HUB, "appointments").reread
    page = client.get("/settings").text
    assert "chosen here" in page and "Without an owner" not in page
    owners(client, token, practitioner="12", owner="")
    assert now_set("practitioner_owners") == {}


@pytest.mark.parametrize(
    ("practitioner", "owner"), [("99", "902"), ("12", "903"), ("12", "777"), ("", ""), ("12", "x")]
)
def test_a_choice_of_nobody_is_refused(client, lists, token, practitioner, owner):
    owners(client, token, practitioner=practitioner, owner=owner)
    assert now_set("practitioner_owners") == {} and "who is active in HubSpot" in client.get("/settings").text


def test_a_fixed_owner_must_be_active(client, lists, token):
    assert save(client, token, appointment_deal_owner="903").status_code == 422
    save(client, token, appointment_deal_owner="902")
    assert now_set("appointment_deal_owner") == "902"
    assert re.search(r'<option value="902" selected>Always Sam Low', client.get("/settings").text)


def test_broken_lists_are_as_good_as_none(client, lists):
    get_redis().set("crmconnect:reference:1:owners", b"{")
    assert "Not read yet" in client.get("/settings").text


def test_another_accounts_settings_stay(client, lists, make_account, connect_account, token):
    other = connect_account(make_account(HUB + 1, "other.example"), "Other clinic", "88")
    lists("owners", [Owner(id="555", name="Foreign Owner")], other.id)
    before = asdict(get_settings(HUB + 1))
    assert "Foreign Owner" not in client.get("/settings").text
    save(client, token, interval_minutes="30", hub_id=str(HUB + 1))
    owners(client, token, practitioner="12", owner="555")
    assert asdict(get_settings(HUB + 1)) == before and now_set("practitioner_owners") == {}


def test_staff_may_not_open_them(client, ready):
    with client.session_transaction() as session:
        session["role"] = "staff"
    assert client.get("/settings").status_code == 403


def test_the_job_keeps_the_lists_where_the_page_looks(app, ready):
    from jobs.sync import reference

    class Context:
        connection_id = ready.id

    for name in ("practitioners", "users", "owners"):
        assert reference._key(Context(), name) == f"crmconnect:reference:{ready.id}:{name}"
