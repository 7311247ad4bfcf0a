"""HubSpot's signature, version 3: official vectors, ours, and every way of forging one."""

from datetime import UTC, datetime, timedelta

import pytest

from webapp.sandbox.hubspot.webhooks import signature_v3
from webapp.security.signatures import MAX_AGE, MAX_AHEAD, BadSignature, sign, signed_uri, verify

OFFICIAL = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
OURS = "cliniko-sync-test-secret"
TIME = "1795468805000"
URL = "https://sync.example.com/webhooks/hubspot"
EVENT = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"appId":54321,"occurredAt":1795468800000,'
    b'"subscriptionType":"object.propertyChange","attemptNumber":0,"objectId":123,"objectTypeId":"0-1",'
    b'"propertyName":"cliniko_push_to_cliniko","propertyValue":"true","changeSource":"CRM_UI",'
    b'"sourceId":"userId:9586504"}]'
)
UMLAUT = (
    '[{"eventId":2,"portalId":62515,"subscriptionType":"object.propertyChange",'
    '"propertyName":"firstname","propertyValue":"Zoë"}]'
).encode()

# secret, method, origin, path and query as called, body, time, signature
VECTORS = [
    # HubSpot's own Python and Ruby clients.
    (
        OFFICIAL,
        "POST",
        "https://www.example.com",
        "/webhook_uri",
        b"{'example_field':'example_value'}",
        "1693657560000",
        "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
    ),
    (
        OFFICIAL,
        "POST",
        "https://www.example.com",
        "/webhook_uri",
        b"{'example_field':'example_value'}",
        "1700000300000",
        "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=",
    ),
    # Ours: a delivery, one that is not ASCII, and an address with codes in it.
    (
        OURS,
        "POST",
        "https://sync.example.com",
        "/webhooks/hubspot",
        EVENT,
        TIME,
        "4sBRvjPauxWPIg2c9QLYeXSQn/6WqF12lxZLPUoM8L8=",
    ),
    (
        OURS,
        "POST",
        "https://sync.example.com",
        "/webhooks/hubspot",
        UMLAUT,
        TIME,
        "kpizq+GjugISc/uAFVPymt+XoeqgFeVDa5TB0QBIGl8=",
    ),
    (
        OURS,
        "GET",
        "https://sync.example.com",
        "/hs/card?q=a%3Ab%2Fc%20d&x=%28y%29%26z",
        b"",
        TIME,
        "NwW8gyQ4SHXswwDbmYtK3efY2260+BlPf4F7SBAgLhc=",
    ),
]


def at(stamp: str) -> datetime:
    return datetime.fromtimestamp(int(stamp) / 1000, UTC)


@pytest.mark.parametrize(("secret", "method", "origin", "path", "body", "stamp", "expected"), VECTORS)
def test_vectors(secret, method, origin, path, body, stamp, expected):
    assert sign(secret, method, signed_uri(origin, path), body, stamp) == expected
    assert signature_v3(secret, method, origin + path, body, stamp) == expected, "the simulated HubSpot signs alike"
    uri = signed_uri(origin, path)
    verify(secret, method, uri, body, signature=expected, timestamp=stamp, moment=at(stamp))


@pytest.mark.parametrize(
    ("called", "signed"),
    [
        ("%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B", ":/?@!$'()*,;"),
        ("%20%26%3D%2B%25%23%5B%5D", "%20%26%3D%2B%25%23%5B%5D"),
        ("%253A%2540", "%253A%2540"),
        ("%25%33%41", "%25%33%41"),
        ("a%2Fb%252Fc", "a/b%252Fc"),
        ("%C3%AB", "%C3%AB"),
        ("%3", "%3"),
        ("", ""),
    ],
)
def test_only_the_codes_of_the_table_are_decoded_and_only_once(called, signed):
    assert signed_uri("https://sync.example.com", f"/card?q={called}") == f"https://sync.example.com/card?q={signed}"


GOOD = {"method": "POST", "uri": URL, "body": EVENT, "signature": VECTORS[2][-1], "timestamp": TIME}
FORGED = {
    "method": {"method": "GET"},
    "path": {"uri": "https://sync.example.com/webhooks/hubspot2"},
    "host": {"uri": "https://evil.example.com/webhooks/hubspot"},
    "scheme": {"uri": "http://sync.example.com/webhooks/hubspot"},
    "body": {"body": EVENT.replace(b"123", b"124", 1)},
    "body of spaces": {"body": EVENT + b" "},
    "empty body": {"body": b""},
    "time": {"timestamp": str(int(TIME) + 1)},
    "missing signature": {"signature": None},
    "empty signature": {"signature": ""},
    "missing time": {"timestamp": None},
    "truncated signature": {"signature": GOOD["signature"][:-1]},
    "longer signature": {"signature": GOOD["signature"] + "="},
    "signature of letters": {"signature": "é" * 44},
    "lone surrogate": {"signature": "\ud800" * 44},
}


def check(secret: str = OURS, moment: datetime | None = None, **changes) -> None:
    case = {**GOOD, **changes}
    verify(
        secret,
        case["method"],
        case["uri"],
        case["body"],
        signature=case["signature"],
        timestamp=case["timestamp"],
        moment=moment or at(TIME),
    )


@pytest.mark.parametrize("way", FORGED)
def test_forged_requests_are_refused(way):
    check()
    with pytest.raises(BadSignature):
        check(**FORGED[way])


def test_another_secret_is_refused():
    with pytest.raises(BadSignature, match="wrong"):
        check(secret=OURS + "x")


def test_a_query_in_another_order_is_refused():
    uri = signed_uri("https://sync.example.com", "/card?a=1&b=2")
    signature = sign(OURS, "GET", uri, b"", TIME)
    with pytest.raises(BadSignature, match="wrong"):
        check(
            method="GET",
            body=b"",
            signature=signature,
            uri=signed_uri("https://sync.example.com", "/card?b=2&a=1"),
        )


def test_an_address_decoded_twice_is_refused():
    once = signed_uri("https://sync.example.com", "/card?q=%253A")
    signature = sign(OURS, "GET", once.replace("%253A", ":"), b"", TIME)
    with pytest.raises(BadSignature, match="wrong"):
        check(method="GET", body=b"", signature=signature, uri=once)


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        (at(TIME) + MAX_AGE, None),
        (at(TIME) + MAX_AGE + timedelta(milliseconds=1), "too_old"),
        (at(TIME) - MAX_AHEAD, None),
        (at(TIME) - MAX_AHEAD - timedelta(milliseconds=1), "from_the_future"),
    ],
)
def test_the_time_has_two_ends(moment, reason):
    if reason is None:
        check(moment=moment)
        return
    with pytest.raises(BadSignature) as refused:
        check(moment=moment)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "stamp",
    ["", "now", "-1", "1795468805000.5", "１７９５４６８８０５０００", "9" * 15, "9" * 16, "9" * 400, " 1", "0x1"],
)
def test_a_time_that_is_none_is_refused(stamp):
    with pytest.raises(BadSignature):
        check(timestamp=stamp, signature=sign(OURS, "POST", URL, EVENT, stamp))
