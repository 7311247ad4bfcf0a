"""Set-up, dashboard and issues: who may see what, what is shown, what the buttons do."""

import re

import pytest
from rq.job import Job
from rq.serializers import JSONSerializer

from jobs.queues import PUSH, get_queue
from tests.webapp.views.conftest import HUB
from webapp.store import accounts, connections, issues, streams

KEY = "MS0xMjM0NTY3ODkwYWJjZGVm-au1"


def jobs(app) -> list[Job]:
    queue = get_queue(PUSH)
    return [Job.fetch(i, connection=queue.connection, serializer=JSONSerializer) for i in queue.get_job_ids()]


@pytest.fixture
def ready(make_account, connect_account, signed_in):
    """A connected and prepared account, signed in."""
    hub_id = make_account()
    connection = connect_account(hub_id)
    accounts.save_provisioning(hub_id, {})
    signed_in(hub_id)
    return connection


def test_start_page_invites_and_goes_on_when_signed_in(client, make_account, signed_in):
    page = client.get("/")
    assert page.status_code == 200 and 'href="/oauth/install"' in page.text
    assert signed_in(make_account()).get("/").location == "/dashboard"


@pytest.mark.parametrize("path", ["/dashboard", "/issues", "/onboarding"])
def test_pages_need_a_sign_in(client, path):
    assert client.get(path).location == "/"
    assert client.get(path, headers={"X-Fragment": "1"}).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/sync",
        "/dashboard/pause",
        "/dashboard/resume",
        "/issues/retry",
        "/onboarding/cliniko",
        "/onboarding/cliniko/confirm",
        "/onboarding/prepare",
        "/onboarding/start",
    ],
)
def test_buttons_need_a_sign_in_and_a_form_of_ours(app, client, ready, path):
    assert client.post(path).status_code == 400, "no CSRF token"
    assert accounts.get_account(HUB).status == "active"
    app.config["WTF_CSRF_ENABLED"] = False
    assert app.test_client().post(path).status_code == 401


def test_uninstalled_account_is_signed_out(client, ready):
    assert client.get("/dashboard").status_code == 200
    accounts.set_status(HUB, "uninstalled")
    assert client.get("/dashboard").location == "/"


def test_another_accounts_records_are_neither_shown_nor_touched(
    client, ready, make_account, connect_account, add_issue, token
):
    other = connect_account(make_account(HUB + 1, "other.example"), "Other clinic", "88")
    foreign = add_issue(other, "900", "Foreign Person")
    add_issue(ready, "100", "Ana Ruiz")
    page = client.get("/issues").text
    assert "Ana Ruiz" in page and "Foreign Person" not in page and "other.example" not in page
    before = issues.list_issues(HUB + 1)[0].retry_at
    client.post("/issues/retry", data={"csrf_token": token(client, "/issues"), "issue": str(foreign)})
    assert issues.list_issues(HUB + 1)[0].retry_at == before
    assert jobs(client.application) == []


def test_hostile_names_are_text(client, ready, add_issue):
    add_issue(ready, "100", "<script>alert(1)</script>", detail="<img src=x onerror=alert(2)>")
    for path in ("/issues", "/dashboard"):
        page = client.get(path).text
        assert "<script>alert" not in page and "<img src=x" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_issue_says_who_what_and_what_to_do(client, ready, add_issue):
    add_issue(ready, "4411", "Ana Ruiz")
    page = client.get("/issues").text
    assert "Ana Ruiz" in page and "patient 4411" in page
    assert "HubSpot refuses the email address" in page and "Correct the address in Cliniko" in page


def test_retry_makes_the_issue_due_and_asks_for_a_run(client, ready, add_issue, token):
    issue = add_issue(ready, "100", "Ana Ruiz")
    due = issues.list_issues(HUB)[0].retry_at
    client.post("/issues/retry", data={"csrf_token": token(client, "/issues"), "issue": str(issue)})
    assert issues.list_issues(HUB)[0].retry_at < due
    (job,) = jobs(client.application)
    assert job.func_name == "jobs.tasks.connect.start_streams" and job.args == [HUB]


def test_empty_dashboard_says_what_to_do(client, make_account, signed_in):
    page = signed_in(make_account()).get("/dashboard").text
    assert "Nothing here yet" in page and "Finish the" in page


def test_dashboard_shows_states_in_words(client, ready, add_issue):
    add_issue(ready, "1", "Ana Ruiz")
    streams.open_cycle(HUB, "patients")
    page = client.get("/dashboard").text
    assert "Working" in page and 'data-next="3"' in page
    streams.close_cycle(HUB, "patients")
    page = client.get("/dashboard").text
    assert "Needs you" in page and 'data-next="30"' in page
    assert re.search(r"Last checked <time[^>]*>just now<", page)
    streams.stop(HUB, "patients", "key_revoked")
    assert "Cliniko no longer accepts the API key." in client.get("/dashboard").text


def test_times_are_in_the_accounts_zone(client, ready):
    streams.ensure_streams(HUB, ["patients"])
    streams.open_cycle(HUB, "patients")
    streams.close_cycle(HUB, "patients")
    page = client.get("/dashboard").text
    assert "AEDT" in page or "AEST" in page


def test_fragment_is_a_part_of_the_page(client, ready):
    part = client.get("/dashboard", headers={"X-Fragment": "1"}).text
    assert "<html" not in part and "data-next" in part


def test_sync_now_asks_once(client, ready, token):
    form = {"csrf_token": token(client, "/dashboard")}
    assert client.post("/dashboard/sync", data=form).location == "/dashboard"
    client.post("/dashboard/sync", data=form)
    assert len(jobs(client.application)) == 1


def test_pause_and_resume(client, ready, token):
    client.post("/dashboard/pause", data={"csrf_token": token(client, "/dashboard")})
    assert accounts.get_account(HUB).status == "paused"
    page = client.get("/dashboard").text
    assert "Paused." in page and "Resume syncing" in page and "Sync now" not in page
    client.post("/dashboard/resume", data={"csrf_token": token(client, "/dashboard")})
    assert accounts.get_account(HUB).status == "active" and len(jobs(client.application)) == 1


def test_key_is_stored_encrypted_checked_by_a_job_and_never_shown(client, make_account, signed_in, token):
    signed_in(make_account())
    form = {"csrf_token": token(client, "/onboarding"), "api_key": KEY}
    assert client.post("/onboarding/cliniko", data=form).location == "/onboarding"
    (job,) = jobs(client.application)
    assert job.func_name == "jobs.tasks.connect.check_key"
    hub_id, attempt_id = job.args
    assert connections.get_attempt(hub_id, attempt_id).api_key == KEY
    page = client.get("/onboarding").text
    assert "Checking the key" in page and KEY not in page and 'data-next="2"' in page
    assert KEY not in str(job.to_dict())
    from sqlalchemy import text

    from webapp.extensions import db

    raw = db.session.execute(text("SELECT api_key FROM connection_attempt")).scalar_one()
    assert KEY.encode() not in bytes(raw)


def test_impossible_key_is_refused_at_once(client, make_account, signed_in, token):
    signed_in(make_account())
    form = {"csrf_token": token(client, "/onboarding"), "api_key": "no good"}
    client.post("/onboarding/cliniko", data=form)
    page = client.get("/onboarding").text
    assert "not a Cliniko API key" in page and "no good" not in page and jobs(client.application) == []


def test_another_cliniko_account_has_to_be_confirmed(client, ready, token):
    attempt = connections.start_attempt(HUB, KEY)
    with client.session_transaction() as session:
        session["cliniko_attempt"] = attempt.id
    report = {"connected": "Harbour Physio", "offered": "Bay Chiro"}
    connections.finish_attempt(HUB, attempt.id, "needs_confirmation", None, report)
    page = client.get("/onboarding").text
    assert "Replace Harbour Physio with Bay Chiro" in page and KEY not in page
    form = {"csrf_token": token(client, "/onboarding"), "answer": "replace"}
    client.post("/onboarding/cliniko/confirm", data=form)
    (job,) = jobs(client.application)
    fresh = connections.get_attempt(*job.args)
    assert fresh.replace and fresh.api_key == KEY
    assert connections.get_attempt(HUB, attempt.id).api_key is None


def test_prepare_and_start_are_jobs(client, ready, token):
    form = {"csrf_token": token(client, "/onboarding")}
    client.post("/onboarding/prepare", data=form)
    assert "Waiting for a free worker" in client.get("/onboarding").text
    client.post("/onboarding/start", data=form)
    names = {job.func_name for job in jobs(client.application)}
    assert names == {"jobs.tasks.connect.prepare_hubspot", "jobs.tasks.connect.start_streams"}


def test_start_before_the_set_up_is_refused(client, make_account, signed_in, token):
    signed_in(make_account())
    client.post("/onboarding/start", data={"csrf_token": token(client, "/onboarding")})
    assert jobs(client.application) == [] and "prepare HubSpot first" in client.get("/onboarding").text


def test_sign_out(client, ready, token):
    client.post("/sign-out", data={"csrf_token": token(client, "/dashboard")})
    assert client.get("/dashboard").location == "/"


def test_no_inline_script_or_style_and_files_are_served(client, ready):
    page = client.get("/dashboard").text
    assert "<style" not in page and "style=" not in page and "onclick" not in page
    for name in ("app.css", "refresh.js", "vendor/pico/pico.classless.min.css"):
        with client.get(f"/static/{name}") as answer:
            assert answer.status_code == 200
