"""Keys and tokens go to public https addresses only, or to this machine."""

import pytest

from webapp.clients.urls import check_api_url, is_loopback


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.hubapi.com", "https://api.hubapi.com"),
        ("https://api.hubapi.com/", "https://api.hubapi.com"),
        ("https://api.{shard}.cliniko.com/v1/", "https://api.{shard}.cliniko.com/v1"),
        ("https://api.example.com:8443/v1", "https://api.example.com:8443/v1"),
        ("http://localhost:5001/v1", "http://localhost:5001/v1"),
        ("http://LOCALHOST:5001", "http://LOCALHOST:5001"),
        ("http://127.0.0.1:5001", "http://127.0.0.1:5001"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:5001", "http://[::1]:5001"),
        ("https://8.8.8.8", "https://8.8.8.8"),
    ],
)
def test_addresses_that_may_be_used(given, kept):
    assert check_api_url("HUBSPOT_API_URL", given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "api.hubapi.com",
        "ftp://api.hubapi.com",
        "file:///etc/passwd",
        "https://",
        "https://host:99999",
        "https://[::1",
        "http://api.hubapi.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://0.0.0.0:5000",
        "https://10.0.0.1",
        "https://192.168.1.1/v1",
        "https://172.16.3.4",
        "https://169.254.169.254",
        "https://[fd00::1]",
        "https://[fe80::1]",
        "https://2130706433",
        "https://0x7f.0.0.1",
        "https://127.1",
        "https://intranet",
        "https://api.corp.internal",
        "https://printer.local.",
        "https://api.example.localhost",
        "https://user@api.hubapi.com",
        "https://user:secret@api.hubapi.com",
        "http://localhost@api.hubapi.com",
        "https://api.hubapi.com?x=1",
        "https://api.hubapi.com#x",
        "https://example.com/{shard}",
        "https://example.com/v1?{shard}",
    ],
)
def test_addresses_that_are_refused_in_one_line_naming_the_variable(given):
    with pytest.raises(ValueError, match=r"^HUBSPOT_API_URL ") as raised:
        check_api_url("HUBSPOT_API_URL", given)
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "answer"), [("localhost", True), ("127.0.0.1", True), ("::1", True), ("8.8.8.8", False), ("a.b", False)]
)
def test_loopback(host, answer):
    assert is_loopback(host) is answer
