"""The real application beside a simulated HubSpot over real HTTP."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from rq.job import Job
from rq.serializers import JSONSerializer
from werkzeug.serving import make_server

from jobs.mapping.digest import term_digest
from jobs.mapping.emails import email_key
from jobs.mapping.names import name_words
from jobs.queues import QUEUES, get_queue
from tests.support.engines import settings_for
from webapp.clients.hubspot.oauth import SCOPES
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.hubspot import HubSpotSandbox
from webapp.store import accounts, connections, issues, people, streams

PUBLIC = "http://localhost:5000"
CALLBACK = f"{PUBLIC}/oauth/callback"
HUB = 20_000_001


@pytest.fixture
def hubspot() -> Iterator[HubSpotSandbox]:
    sandbox = HubSpotSandbox()
    sandbox.register_app("client-id", "client-secret", 4242, [CALLBACK], SCOPES, install_url=CALLBACK)
    sandbox.add_portal(HUB)
    sandbox.add_portal(HUB + 1)
    yield sandbox
    sandbox.close()


@pytest.fixture
def hubspot_url(hubspot: HubSpotSandbox) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, hubspot.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(database_url, valkey_url, tmp_path, hubspot_url):
    made = settings_for(database_url, valkey_url, tmp_path)
    return replace(made, hubspot_api_url=hubspot_url, hubspot_app_url=hubspot_url)


@pytest.fixture
def make_account(app):
    """Stores an account without going through HubSpot."""

    def make(hub_id: int = HUB, domain: str = "clinic.example") -> int:
        accounts.save_install(
            hub_id,
            access_token="access",
            refresh_token="refresh",
            token_expires_at=now() + timedelta(minutes=30),
            scopes=SCOPES,
            hub_domain=domain,
            time_zone="Australia/Melbourne",
        )
        return hub_id

    return make


@pytest.fixture
def connect_account():
    """Stores a connected Cliniko account of an account."""

    def connect(hub_id: int, name: str = "Harbour Physio", cliniko_id: str = "77"):
        return connections.save_connection(
            hub_id,
            api_key="MS0x-au1",
            shard="au1",
            cliniko_account_id=cliniko_id,
            cliniko_user_id="5",
            role="administrator",
            account_name=name,
            subdomain="harbour",
            country_code="AU",
            access={},
        )

    return connect


@pytest.fixture
def signed_in(client):
    """Signs a browser in to an account."""

    def sign_in(hub_id: int, browser=client):
        with browser.session_transaction() as session:
            session["hub_id"] = hub_id
        return browser

    return sign_in


@pytest.fixture
def add_person():
    """Puts a person with a name that we hold into the identity index."""

    def add(
        connection, cliniko_id: str, name: str, email: str = "", born: str = "", kind: str = "patient", **more
    ) -> None:
        key = accounts.digest_key(accounts.get_account(connection.hub_id))
        address = email_key(email)
        row = {
            "connection_id": connection.id,
            "kind": kind,
            "cliniko_id": cliniko_id,
            "hub_id": connection.hub_id,
            "email_hmac": term_digest(key, "email", address) if address else None,
            "first_hmac": None,
            "preferred_hmac": None,
            "last_hmac": None,
            "birth_hmac": None,
            "archived": False,
            "merged_into": None,
            "digest": b"x" * 16,
            "display": json.dumps({"name": name, "email": email, "birth_date": born}),
            **more,
        }
        people.save([row], {cliniko_id: [term_digest(key, "word", word) for word in name_words(name)]})
        db.session.commit()

    return add


@pytest.fixture
def add_issue(add_person):
    """Opens an issue of a patient with a name that we hold."""

    def add(connection, cliniko_id: str, name: str, cause: str = "email_refused", detail: str = "not valid") -> int:
        add_person(connection, cliniko_id, name)
        issues.open_issue(
            connection.hub_id, connection.id, "patients", "patient", cliniko_id, cause, field="email", detail=detail
        )
        streams.ensure_streams(connection.hub_id, ["patients"])
        return issues.list_issues(connection.hub_id)[0].id

    return add


@pytest.fixture
def token():
    """Reads the CSRF token out of a page, as a form sends it."""

    def read(browser, path: str) -> str:
        page = browser.get(path).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found, f"no form on {path}"
        return found[1]

    return read


@pytest.fixture
def queued(app):
    """Everything that waits for a worker."""

    def read() -> list[Job]:
        return [
            Job.fetch(job_id, connection=queue.connection, serializer=JSONSerializer)
            for queue in map(get_queue, QUEUES)
            for job_id in queue.get_job_ids()
        ]

    return read
