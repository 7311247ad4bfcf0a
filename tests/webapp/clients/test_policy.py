"""One table says what a status means, for both services; waits stay within bounds whatever an answer says."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.clients import policy
from webapp.clients.policy import Action

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("statuses", "action"),
    [
        ([200, 201, 202, 204, 207], Action.OK),
        ([300, 301, 302, 303, 304, 307, 308], Action.OUR_FAULT),
        ([400, 409, 413, 414, 422], Action.REJECTED),
        ([401], Action.SIGN_IN),
        ([403], Action.FORBIDDEN),
        ([404, 410], Action.NOT_FOUND),
        ([423, 429, 477], Action.WAIT),
        ([408, 425, 500, 501, 502, 503, 504, 520, 521, 522, 524, 526, 599], Action.RETRY),
        ([402, 405, 406, 407, 411, 415, 418, 451, 100, 101], Action.OUR_FAULT),
    ],
)
def test_every_status_has_one_action(statuses, action):
    assert {status: policy.action_for(status) for status in statuses} == dict.fromkeys(statuses, action)


@pytest.mark.parametrize("attempt", range(1, 40))
def test_back_off_doubles_up_to_its_bound_with_chance_in_the_upper_half(attempt):
    whole = min(8.0, 0.5 * 2 ** (attempt - 1))
    waits = [policy.backoff(attempt) for _ in range(200)]
    assert whole / 2 <= min(waits) and max(waits) <= whole
    assert len(set(waits)) > 1, "workers would move in step"


def test_back_off_takes_other_bounds():
    assert 150 <= policy.backoff(1, first=300, longest=300) <= 300


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", timedelta()),
        ("1", timedelta(seconds=1)),
        (" 7 ", timedelta(seconds=7)),
        ("2.5", timedelta(seconds=2.5)),
        ("86400", DAY),
        ("86401", DAY),
        ("1e300", DAY),
        ("Mon, 23 Nov 2026 04:00:30 GMT", timedelta(seconds=30)),
        ("Mon, 23 Nov 2026 04:00:30 -0000", timedelta(seconds=30)),
        ("Mon, 23 Nov 2026 15:00:30 +1100", timedelta(seconds=30)),
        ("Mon, 23 Nov 2026 03:59:00 GMT", timedelta(seconds=-60)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
    ],
)
def test_retry_after_as_seconds_or_date(value, expected):
    assert policy.retry_after(httpx.Headers({"Retry-After": value}), NOW) == NOW + expected


@pytest.mark.parametrize(
    "value",
    [
        *("", "   ", "-1", "nan", "inf", "-inf", "soon", "2026-11-23T04:00:30Z"),
        *("Mon, 45 Nov 2026 04:00:30 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 23 Nov 2026 04:00:30 +999999"),
    ],
)
def test_an_unreadable_retry_after_says_nothing(value):
    assert policy.retry_after(httpx.Headers({"Retry-After": value}), NOW) is None


def test_no_retry_after():
    assert policy.retry_after(httpx.Headers(), NOW) is None


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_no_header_breaks_the_reader_or_leads_beyond_a_day(value):
    found = policy.retry_after(httpx.Headers({"Retry-After": value}), NOW)
    assert found is None or (found.tzinfo is UTC and found <= NOW + DAY)


@pytest.mark.parametrize(
    ("error", "unsent"),
    [
        (httpx.ConnectError("x"), True),
        (httpx.ConnectTimeout("x"), True),
        (httpx.PoolTimeout("x"), True),
        (httpx.UnsupportedProtocol("x"), True),
        (httpx.ReadTimeout("x"), False),
        (httpx.WriteTimeout("x"), False),
        (httpx.ReadError("x"), False),
        (httpx.WriteError("x"), False),
        (httpx.CloseError("x"), False),
        (httpx.RemoteProtocolError("x"), False),
    ],
)
def test_only_a_connection_that_was_never_made_is_surely_unsent(error, unsent):
    assert policy.never_sent(error) is unsent
