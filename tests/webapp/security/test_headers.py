"""The headers that every answer carries."""

from dataclasses import replace

import pytest

from tests.support.engines import settings_for
from webapp import create_app

PATHS = ("/", "/healthz", "/nowhere", "/oauth/callback", "/dashboard", "/metrics")
HOSTS = (
    "https://app.hubspot.com",
    "https://app-eu1.hubspot.com",
    "https://app-na2.hubspot.com",
    "https://app-ap1.hubspot.com",
)


def made(tmp_path, **changes):
    settings = settings_for(f"sqlite:///{tmp_path}/none.db", "redis://127.0.0.1:1", tmp_path)
    return create_app(replace(settings, **changes))


@pytest.fixture
def browser(tmp_path):
    return made(tmp_path).test_client()


@pytest.fixture
def secure(tmp_path):
    return made(tmp_path, public_url="https://app.clinic.example").test_client()


def policy(answer) -> dict[str, set[str]]:
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: set(values) for name, *values in parts}


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_guarded(browser, path):
    headers = browser.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_nothing_comes_from_elsewhere_and_no_script_stands_in_a_page(browser):
    rules = policy(browser.get("/"))
    assert rules["default-src"] == rules["script-src"] == rules["style-src"] == {"'self'"}
    assert rules["object-src"] == rules["base-uri"] == {"'none'"}
    assert not any("unsafe" in value or "*" in value for values in rules.values() for value in values)


def test_pages_hold_no_inline_script_or_style():
    """They would be blocked, in silence, by the policy above."""
    from tests.guards.source import ROOT

    for path in sorted((ROOT / "webapp" / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        assert "<style" not in text and " style=" not in text, path.name
        assert " onclick=" not in text and " onload=" not in text and "javascript:" not in text, path.name
        for tag in text.split("<script")[1:]:
            assert "src=" in tag.split(">")[0], path.name


def test_only_hubspot_may_show_us_in_a_frame(browser):
    assert policy(browser.get("/"))["frame-ancestors"] == {"'self'", *HOSTS}


def test_forms_go_to_us_and_on_to_hubspot(tmp_path):
    answer = made(tmp_path, hubspot_app_url="https://app-eu1.hubspot.com").test_client().get("/")
    assert policy(answer)["form-action"] == {"'self'", "https://app-eu1.hubspot.com"}


def test_https_is_insisted_on_where_we_have_it(browser, secure):
    assert "Strict-Transport-Security" not in browser.get("/").headers
    assert secure.get("/").headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_cookies_are_for_https_and_not_for_scripts(browser, secure):
    for client, expected in ((browser, "SameSite=Lax"), (secure, "SameSite=None")):
        with client.session_transaction(base_url="https://app.clinic.example") as session:
            session["seen"] = "1"
        client.post("/sign-out", base_url="https://app.clinic.example")
        app = client.application
        assert app.config["SESSION_COOKIE_HTTPONLY"] is True
        assert f"SameSite={app.config['SESSION_COOKIE_SAMESITE']}" == expected
        assert app.config["SESSION_COOKIE_SECURE"] is (client is secure)


def test_files_may_be_kept_by_the_browser(browser):
    with browser.get("/static/app.css") as answer:
        assert answer.status_code == 200 and "no-store" not in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and "ETag" in answer.headers
