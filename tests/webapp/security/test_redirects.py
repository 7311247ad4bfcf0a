"""Where a visitor may be sent after an install."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.engines import settings_for
from webapp.security.redirects import hubspot_return_url, with_params

LIVE = settings_for("sqlite:////nowhere/none.db", None, "/nowhere", public_url="https://app.clinic.example")
SANDBOX = replace(LIVE, hubspot_app_url="http://127.0.0.1:8123")

GOOD = [
    "https://app.hubspot.com/oauth-bridge?x=1#y",
    "https://app-eu1.hubspot.com/",
    "https://hubspot.com",
    "https://app.hubspot.com:443/a",
    "HTTPS://APP.HUBSPOT.COM/a",
]
BAD = [
    None,
    "",
    "http://app.hubspot.com/",
    "//app.hubspot.com/",
    "/dashboard",
    "app.hubspot.com",
    "javascript:alert(1)",
    "https://app.hubspot.com.evil.example/",
    "https://evilhubspot.com/",
    "https://evil.example/app.hubspot.com",
    "https://app.hubspot.com@evil.example/",
    "https://user:pass@app.hubspot.com/",
    "https://evil.example\\@app.hubspot.com/",
    "https://app.hubspot.com\\.evil.example/",
    "https://app.hubspot.com:8443/",
    "https://app.hubspot.com:no/",
    "https://app.hubspot.com/\r\nSet-Cookie: a=b",
    " https://app.hubspot.com/",
    "https://app.hubspot.com/ x",
    "https:///app.hubspot.com/",
    "https://[app.hubspot.com]/",
    "https://hubspot.com.",
    "https://127.0.0.1:8123/",
    "http://127.0.0.1:8123/",
    "data:text/html,x",
]


@pytest.mark.parametrize("url", GOOD)
def test_hubspots_own_addresses(url):
    assert hubspot_return_url(LIVE, url) == url


@pytest.mark.parametrize("url", BAD)
def test_every_other_address_is_refused(url):
    assert hubspot_return_url(LIVE, url) is None


def test_the_simulated_hubspot_counts_only_where_it_is_configured():
    assert hubspot_return_url(SANDBOX, "http://127.0.0.1:8123/a?b=c") == "http://127.0.0.1:8123/a?b=c"
    for url in (
        "http://127.0.0.1:9999/",
        "https://127.0.0.1:8123/",
        "http://localhost:8123/",
        "http://user@127.0.0.1:8123/",
    ):
        assert hubspot_return_url(SANDBOX, url) is None
    private = replace(LIVE, hubspot_app_url="https://hubspot.internal.example")
    assert hubspot_return_url(private, "https://hubspot.internal.example/") is None, "only a loopback host counts so"


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.text(max_size=40))
def test_whatever_is_offered_ends_at_hubspot_or_nowhere(text):
    for url in (text, f"https://{text}", f"https://app.hubspot.com{text}", f"https://{text}.hubspot.com"):
        allowed = hubspot_return_url(LIVE, url)
        if allowed is not None:
            assert allowed == url
            host = urlsplit(url).hostname or ""
            assert host == "hubspot.com" or host.endswith(".hubspot.com")
            assert urlsplit(url).scheme == "https" and not any(ord(letter) <= 32 for letter in url)


@pytest.mark.parametrize(
    ("url", "params", "expected"),
    [
        ("https://app.hubspot.com/a", {"state": "x"}, "https://app.hubspot.com/a?state=x"),
        ("https://app.hubspot.com/a?b=1&b=2#f", {"state": "x"}, "https://app.hubspot.com/a?b=1&b=2&state=x#f"),
        ("https://app.hubspot.com/a?state=old&c=", {"state": "x y"}, "https://app.hubspot.com/a?c=&state=x+y"),
        ("https://app.hubspot.com/a", {"error": "a&b=c"}, "https://app.hubspot.com/a?error=a%26b%3Dc"),
    ],
)
def test_parameters_are_added_or_replaced(url, params, expected):
    assert with_params(url, **params) == expected
