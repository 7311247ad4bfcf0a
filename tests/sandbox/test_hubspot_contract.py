"""Answers fit HubSpot's own OpenAPI descriptions, its Python package accepts them, webhooks are signed and repeated."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import hubspot
import jsonschema
import pytest
from hubspot.crm.contacts import SimplePublicObjectInputForCreate
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from webapp.sandbox.hubspot import HubSpotSandbox
from webapp.sandbox.hubspot.webhooks import signature_v1, signature_v3

SPECS = Path(__file__).parents[3] / "shared" / "specs" / "hubspot-2026-03"
KINDS = [f"crm.{k}.{o}.{v}" for k in ("objects", "schemas") for o in ("contacts", "deals") for v in ("read", "write")]
V = "2026-03"


@contextmanager
def served(wsgi: Callable[..., Any]) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, wsgi, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def sandbox() -> Iterator[HubSpotSandbox]:
    made = HubSpotSandbox()
    made.register_app("cid", "secret", 77, ["http://localhost/back"], ["oauth", "crm.objects.owners.read", *KINDS])
    made.add_portal(123)
    yield made
    made.close()


CONTACT = {"inputs": [{"properties": {"email": "a@b.example"}, "associations": []}]}
PIPELINE = {
    "label": "P",
    "displayOrder": 1,
    "stages": [{"label": "A", "displayOrder": 0, "metadata": {"probability": "0.5"}}],
}
SEARCH = {"filterGroups": [], "sorts": [], "properties": ["email"], "limit": 10, "after": "0"}
CALLS = [
    (
        "contacts",
        "GET",
        f"/crm/objects/{V}/contacts",
        None,
        "CollectionResponseSimplePublicObjectWithAssociationsForwardPaging",
    ),
    ("contacts", "POST", f"/crm/objects/{V}/contacts/batch/create", CONTACT, "BatchResponseSimplePublicObject"),
    ("contacts", "POST", f"/crm/objects/{V}/contacts/search", SEARCH, "CollectionResponseWithTotalSimplePublicObject"),
    ("contacts", "GET", f"/crm/objects/{V}/contacts/1", None, "Error"),
    ("properties", "GET", f"/crm/properties/{V}/contacts", None, "CollectionResponsePropertyNoPaging"),
    ("properties", "GET", f"/crm/properties/{V}/deals/groups", None, "CollectionResponsePropertyGroupNoPaging"),
    ("pipelines", "GET", f"/crm/pipelines/{V}/deals", None, "CollectionResponsePipelineNoPaging"),
    ("pipelines", "POST", f"/crm/pipelines/{V}/deals", PIPELINE, "Pipeline"),
    ("owners", "GET", f"/crm/owners/{V}", None, "CollectionResponsePublicOwnerForwardPaging"),
    ("limits", "GET", f"/crm/limits/{V}/custom-properties", None, "CustomPropertyLimitResponse"),
    ("limits", "GET", f"/crm/limits/{V}/pipelines", None, "PipelineLimitResponse"),
    ("limits", "GET", f"/crm/limits/{V}/records", None, "RecordLimitResponse"),
    ("account-info", "GET", f"/account-info/{V}/details", None, "PortalInformationResponse"),
]


@pytest.mark.skipif(not SPECS.is_dir(), reason="HubSpot's OpenAPI descriptions are not beside this checkout")
@pytest.mark.parametrize(("spec", "method", "path", "body", "schema"), CALLS)
def test_answers_fit_the_published_schemas(
    sandbox: HubSpotSandbox, spec: str, method: str, path: str, body: dict[str, Any] | None, schema: str
) -> None:
    headers = {"Authorization": f"Bearer {sandbox.access_token(sandbox.portals[123])}"}
    with served(sandbox.app) as url:
        answer = httpx.request(method, url + path, json=body, headers=headers).json()
    whole = json.loads((SPECS / f"{spec}.json").read_text())
    jsonschema.validate(answer, {"$ref": f"#/components/schemas/{schema}", "components": whole["components"]})


def test_the_official_package_accepts_the_answers(sandbox: HubSpotSandbox) -> None:
    def dated(environ: dict[str, Any], start: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].replace("/crm/v3/objects/", "/crm/objects/2026-09/")
        return sandbox.app(environ, start)

    with served(dated) as url:
        client = hubspot.Client.create(access_token=sandbox.access_token(sandbox.portals[123]))
        basic = client.crm.contacts.basic_api
        basic.api_client.configuration.host = url
        wanted = SimplePublicObjectInputForCreate(properties={"email": "Z@B.example"}, associations=[])
        made = basic.create(simple_public_object_input_for_create=wanted)
        assert basic.get_by_id(made.id).properties["email"] == "z@b.example"


def test_webhooks_are_signed_and_repeated_until_accepted(sandbox: HubSpotSandbox) -> None:
    got: list[tuple[list[dict[str, Any]], bool]] = []

    @Request.application
    def receiver(request: Request) -> Response:
        raw = request.get_data()
        stamp = request.headers["X-HubSpot-Request-Timestamp"]
        v3 = signature_v3("secret", "POST", request.base_url, raw, stamp) == request.headers["X-HubSpot-Signature-v3"]
        v1 = signature_v1("secret", raw) == request.headers["X-HubSpot-Signature"]
        got.append((json.loads(raw), v1 and v3))
        return Response(status=500 if len(got) == 1 else 200)

    portal = sandbox.portals[123]
    portal.install()
    with served(receiver) as url:
        sandbox.apps[77].webhook_url = f"{url}/hook"
        made = portal.create("contacts", {"email": "a@b.example"})
        assert portal.flush_webhooks()
    assert [batch[0]["attemptNumber"] for batch, _ in got] == [0, 1]
    assert all(signed for _, signed in got)
    changed = next(event for event in got[1][0] if event.get("propertyName") == "email")
    assert changed["objectId"] == int(made.id)
    assert (changed["changeSource"], changed["sourceId"]) == ("CRM_UI", f"userId:{portal.user_id}")


def test_signature_matches_the_published_vector() -> None:
    raw = b"{'example_field':'example_value'}"
    made = signature_v3(
        "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "POST", "https://www.example.com/webhook_uri", raw, "1693657560000"
    )
    assert made == "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
