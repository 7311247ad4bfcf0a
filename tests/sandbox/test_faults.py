"""Faults of both sandboxes over real sockets: answers that come late, cut, wrong, or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import CALLER
from webapp.sandbox.cliniko import ClinikoSandbox
from webapp.sandbox.hubspot import HubSpotSandbox
from webapp.sandbox.serving import sandbox_server
from webapp.sandbox.support import Fault

Sandbox = ClinikoSandbox | HubSpotSandbox


@contextmanager
def running(app: Any) -> Iterator[str]:
    server = sandbox_server(app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Served:
    """One sandbox with a call that creates a record, and a count of what was created."""

    def __init__(self, sandbox: Sandbox, client: httpx.Client, path: str, body: dict[str, Any], made: Any) -> None:
        self.sandbox, self.client, self.path, self.body, self.made = sandbox, client, path, body, made

    def create(self, timeout: float = 5.0) -> httpx.Response:
        return self.client.post(self.path, json=self.body, timeout=timeout)

    def fault(self, **values: Any) -> None:
        self.sandbox.faults.add(Fault(f"POST {self.path}$", **values))


@pytest.fixture(params=["cliniko", "hubspot"])
def service(request: pytest.FixtureRequest) -> Iterator[Served]:
    if request.param == "cliniko":
        cliniko = ClinikoSandbox(limits_on=False)
        account = cliniko.add_account()
        account.put("users", {"id": "11", "role": "administrator"})
        with running(cliniko.app) as url, httpx.Client(base_url=url, headers=CALLER) as client:
            client.auth = httpx.BasicAuth(cliniko.add_key(account, "11"), "")
            body = {"first_name": "Ana", "last_name": "Ruiz"}
            yield Served(cliniko, client, "/v1/patients", body, lambda: len(account.tables["patients"]))
        return
    hubspot = HubSpotSandbox(limits_on=False)
    scopes = ["crm.objects.contacts.read", "crm.objects.contacts.write"]
    hubspot.register_app("cid", "secret", 77, ["http://localhost/back"], scopes)
    portal = hubspot.add_portal(123)
    headers = {"Authorization": f"Bearer {hubspot.access_token(portal)}"}
    with running(hubspot.app) as url, httpx.Client(base_url=url, headers=headers) as client:
        contact = {"properties": {"firstname": "Ana"}}
        yield Served(hubspot, client, "/crm/objects/2026-09/contacts", contact, lambda: len(portal.contacts))
    hubspot.close()


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_wrong_answer(service: Served, when: str, made: int) -> None:
    service.fault(status=503, body="<html>sorry</html>", headers={"Retry-After": "7"}, when=when)
    answer = service.create()
    assert (answer.status_code, answer.text) == (503, "<html>sorry</html>")
    assert answer.headers["Retry-After"] == "7"
    assert service.made() == made
    assert service.create().status_code == 201, "once is once"


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_dropped_connection(service: Served, when: str, made: int, capsys: pytest.CaptureFixture[str]) -> None:
    service.fault(kind="reset", when=when, times=2)
    for _ in range(2):
        with pytest.raises(httpx.ReadError):
            service.create()
    assert service.made() == 2 * made
    assert service.create().status_code == 201
    assert [call.status for call in service.sandbox.calls.items] == [0, 0, 201]
    assert capsys.readouterr().err == "", "the server takes it quietly"


@pytest.mark.parametrize("when", ["before", "after"])
def test_half_an_answer(service: Served, when: str) -> None:
    service.fault(kind="truncate", when=when)
    answer = service.create()
    assert answer.status_code == 201
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert service.made() == 1


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_an_answer_that_comes_too_late(service: Served, when: str, made: int) -> None:
    service.fault(kind="slow", when=when, delay=0.6)
    with pytest.raises(httpx.ReadTimeout):
        service.create(timeout=0.2)
    assert service.made() == made, "so far"
    service.fault(kind="slow", delay=0.1)
    answer = service.create()
    assert answer.status_code == 201
    assert answer.elapsed.total_seconds() >= 0.1


def test_only_what_exists_can_be_asked_for() -> None:
    for wrong in ({"kind": "explode"}, {"when": "never"}):
        with pytest.raises(ValueError, match="no fault is"):
            Fault("x", **wrong)
