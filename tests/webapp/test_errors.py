"""What is said when something fails: plain words for people, JSON for programs, and nothing of the inside."""

import json
import re
from dataclasses import replace

import pytest
import structlog
from flask import abort

from webapp import create_app
from webapp.errors import MESSAGES
from webapp.extensions import db

VALUE = "Zoë Planted ana@clinic.example"
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON = {"Accept": "application/json"}
INSIDE = ("Traceback", "File ", ".py", "sqlalchemy", "werkzeug", "RuntimeError", "Zoë", "ana@")


@pytest.fixture
def app(settings):
    """The application with a few views that fail."""
    application = create_app(settings)

    def broken() -> str:
        raise RuntimeError(VALUE)

    def stopped(code: int) -> str:
        abort(code, description=VALUE)

    application.add_url_rule("/broken", view_func=broken)
    application.add_url_rule("/card/broken", view_func=broken, endpoint="card_broken")
    application.add_url_rule("/stopped/<int:code>", view_func=stopped)
    application.add_url_rule("/teapot", view_func=lambda: ("short and stout", 418))
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


def shows_nothing(text: str) -> bool:
    return not any(word in text for word in INSIDE)


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_a_page_says_what_happened_and_what_to_do(client, code):
    answer = client.get(f"/stopped/{code}", headers=PAGE)
    assert answer.status_code == code and answer.content_type == "text/html; charset=utf-8"
    title, remedy = MESSAGES[code]
    assert f"<h1>{title}</h1>" in answer.text and remedy in answer.text
    assert 'href="/"' in answer.text and shows_nothing(answer.text)


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_a_program_gets_json(client, code):
    answer = client.get(f"/stopped/{code}", headers=JSON)
    assert answer.status_code == code and answer.content_type == "application/json"
    title, remedy = MESSAGES[code]
    assert answer.json == {"error": {"code": code, "message": title, "remedy": remedy, "reference": None}}


@pytest.mark.parametrize("code", [406, 410, 418, 422, 451, 501, 502, 504])
def test_codes_without_words_of_their_own_still_get_some(client, code):
    for headers in (PAGE, JSON):
        answer = client.get(f"/stopped/{code}", headers=headers)
        assert answer.status_code == code and shows_nothing(answer.text)
    expected = MESSAGES[500 if code >= 500 else 400][0]
    assert answer.json["error"]["message"] == expected


@pytest.mark.parametrize(
    ("path", "accept", "as_json"),
    [
        ("/nowhere", "text/html", False),
        ("/nowhere", "*/*", False),
        ("/nowhere", None, False),
        ("/nowhere", "application/json", True),
        ("/nowhere", "application/json;q=0.9, text/html", False),
        ("/nowhere", "image/png", False),
        ("/card/nowhere", "text/html", True),
        ("/webhooks/nowhere", None, True),
        ("/metrics", "text/html", True),
        ("/cards", "text/html", False),
    ],
)
def test_who_asks_decides_about_the_form(client, path, accept, as_json):
    answer = client.get(path, headers={"Accept": accept} if accept else {})
    assert answer.status_code == 404
    assert (answer.content_type == "application/json") is as_json


@pytest.mark.parametrize(("path", "headers"), [("/broken", PAGE), ("/broken", JSON), ("/card/broken", PAGE)])
def test_an_unexpected_error_shows_a_reference_and_nothing_else(client, path, headers):
    with structlog.testing.capture_logs() as lines:
        answer = client.get(f"{path}?q=secret-in-the-address", headers=headers)
    assert answer.status_code == 500 and shows_nothing(answer.text)
    (line,) = [one for one in lines if one["event"] == "request_failed"]
    assert re.fullmatch(r"[0-9a-f]{12}", line["reference"]) and line["reference"] in answer.text
    assert line["path"] == path, "the route, without what the visitor put into it"
    assert "secret-in-the-address" not in json.dumps(line, default=str)


def test_each_error_has_its_own_reference(client):
    references = {client.get("/broken", headers=JSON).json["error"]["reference"] for _ in range(5)}
    assert len(references) == 5


def test_a_head_request_has_no_body(client):
    answer = client.head("/broken")
    assert answer.status_code == 500 and answer.data == b""


@pytest.mark.parametrize("headers", [PAGE, JSON])
def test_the_wrong_method_is_told_which_are_right(client, headers):
    answer = client.delete("/dashboard", headers=headers)
    assert answer.status_code == 405
    assert {"GET", "HEAD", "OPTIONS"} <= {word.strip() for word in answer.headers["Allow"].split(",")}
    assert shows_nothing(answer.text)


def test_an_answer_that_is_no_error_is_left_alone(client):
    assert (client.get("/teapot").status_code, client.get("/teapot").text) == (418, "short and stout")


def test_a_form_that_is_too_large(client):
    answer = client.post("/onboarding/cliniko", data={"api_key": "x" * 3_000_000}, headers=PAGE)
    assert answer.status_code == 413 and "too large" in answer.text


def test_a_page_that_was_open_for_too_long(client):
    for headers in (PAGE, JSON):
        answer = client.post("/dashboard/pause", headers=headers)
        assert answer.status_code == 400 and "open for too long" in answer.text and shows_nothing(answer.text)


def test_error_pages_need_no_database(settings):
    """Whatever is away, the visitor reads words and not the web server's own error."""
    away = replace(settings, database_url="postgresql+psycopg://user:secret@127.0.0.1:1/none")
    application = create_app(away)
    client = application.test_client()
    with client.session_transaction() as session:
        session["hub_id"] = 20_000_001
    for path, code in (("/nowhere", 404), ("/dashboard", 500), ("/", 500)):
        answer = client.get(path, headers=PAGE)
        assert answer.status_code == code
        assert MESSAGES[code][0] in answer.text and shows_nothing(answer.text) and "secret" not in answer.text


def test_errors_carry_the_security_headers(client):
    for path in ("/nowhere", "/broken", "/card/broken"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
        assert "default-src 'self'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/%00", "/%ff%fe", "/dashboard/../../etc/passwd", "/static/%2e%2e/config.py"])
def test_odd_addresses_are_no_pages(client, path):
    with client.get(path, headers=PAGE) as answer:
        assert answer.status_code in (400, 404) and "SECRET_KEY" not in answer.text
