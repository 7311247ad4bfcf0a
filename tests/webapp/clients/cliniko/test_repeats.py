"""What is tried again and what never is: Cliniko has no idempotency, a repeated POST makes a second patient."""

from datetime import timedelta

import pytest

from tests.support.http_stub import BAD_GATEWAY_PAGE, Hang, Reply, Reset, clogged_url, refusing_url
from webapp.clients import policy
from webapp.clients.cliniko import resources
from webapp.clients.errors import Throttled, Unavailable
from webapp.clock import now

PATIENT = Reply(json={"id": "1", "first_name": "A"})
EMPTY = Reply(json={"patients": []})
FAULTS = {
    "502 page": Reply(502, body=BAD_GATEWAY_PAGE, headers={"Content-Type": "text/html"}),
    "500": Reply(500),
    "521": Reply(521, json={"message": "web server is down"}),
    "408": Reply(408),
    "reset after reading": Reset("after_reading"),
    "reset before reading": Reset("before_reading"),
    "cut off": Reply(json={"patients": [{"id": "1"}]}, cut=7),
    "not json": Reply(200, body=BAD_GATEWAY_PAGE, headers={"Content-Type": "text/html"}),
    "broken compression": Reply(200, body="no gzip", headers={"Content-Encoding": "gzip"}),
}


def create(client):
    return resources.create_patient(client, {"first_name": "A", "last_name": "B"})


def change(client):
    return resources.update_patient(client, "1", {"first_name": "B"})


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_read_is_repeated_after_any_fault(stub, cliniko, sleeper, fault):
    stub.answer(fault, fault, EMPTY)
    assert resources.list_patients(cliniko).records == []
    assert stub.left == 0
    assert len(sleeper.waits) == 2
    assert 0.25 <= sleeper.waits[0] <= 0.5 <= sleeper.waits[1] <= 1.0


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_read_gives_up_after_four_tries(stub, cliniko, fault):
    stub.answer(*[fault] * policy.MAX_ATTEMPTS, EMPTY)
    with pytest.raises(Unavailable) as raised:
        resources.list_patients(cliniko)
    assert raised.value.maybe_applied is False
    assert stub.left == 1


@pytest.mark.parametrize("write", [create, change])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_write_that_may_have_arrived_is_not_repeated(stub, cliniko, write, fault, sleeper):
    stub.answer(fault, PATIENT)
    with pytest.raises(Unavailable) as raised:
        write(cliniko)
    assert raised.value.maybe_applied is True
    assert stub.left == 1 and sleeper.waits == []


@pytest.mark.parametrize("write", [create, change])
@pytest.mark.parametrize("applied", [False, True])
def test_a_time_out_before_and_after_the_effect_look_the_same(stub, make_cliniko, write, applied):
    client = make_cliniko(timeout=0.15)
    stub.answer(Hang(2, applied=applied), PATIENT)
    with pytest.raises(Unavailable) as raised:
        write(client)
    assert raised.value.category == "ReadTimeout"
    assert raised.value.maybe_applied is True, "the caller has to look"
    assert len(stub.applied) == applied and len(stub.seen) == 1


def test_a_slow_answer_within_the_time_out_is_waited_for(stub, cliniko):
    stub.answer(Reply(json={"id": "1"}, delay=0.2))
    assert create(cliniko).id == "1"


def test_a_read_that_timed_out_is_repeated(stub, make_cliniko):
    stub.answer(Hang(2, applied=False), EMPTY)
    assert resources.list_patients(make_cliniko(timeout=0.15)).records == []


def test_a_post_is_not_repeated_even_when_no_connection_was_made(make_cliniko, sleeper):
    with refusing_url() as url, pytest.raises(Unavailable) as raised:
        create(make_cliniko(url=url))
    assert raised.value.maybe_applied is False
    assert sleeper.waits == []


@pytest.mark.parametrize("address", [refusing_url, clogged_url])
@pytest.mark.parametrize("call", [change, resources.list_patients], ids=["patch", "get"])
def test_what_never_left_is_tried_four_times(make_cliniko, sleeper, address, call):
    with address() as url, pytest.raises(Unavailable) as raised:
        call(make_cliniko(url=url, timeout=0.1))
    assert raised.value.category in ("ConnectError", "ConnectTimeout")
    assert raised.value.maybe_applied is False
    assert len(sleeper.waits) == policy.MAX_ATTEMPTS - 1


def reset_in(seconds: float) -> dict[str, str]:
    return {"X-RateLimit-Reset": str(int(now().timestamp() + seconds))}


def test_a_limit_is_waited_for_by_everyone_until_it_resets(stub, make_cliniko, make_budget, sleeper):
    mine = make_cliniko(budget=make_budget("one-user", service="cliniko"))
    theirs = make_cliniko(budget=make_budget("one-user", max_wait=0.0, service="cliniko"))
    stub.answer(Reply(429, headers=reset_in(15)))

    def meanwhile(seen):
        return EMPTY

    stub.always(meanwhile)
    began = now()
    resources.list_patients(mine)
    assert timedelta(seconds=14) <= now() - began <= timedelta(seconds=16)
    stub.answer(Reply(429, headers=reset_in(50)))
    with pytest.raises(Throttled) as raised:
        resources.list_patients(mine)
    assert (raised.value.status, raised.value.category) == (429, None), "what Cliniko said, not that we waited too long"
    sent = len(stub.seen)
    with pytest.raises(Throttled) as blocked:
        resources.list_patients(theirs)
    assert len(stub.seen) == sent, "nobody asks before the limit resets"
    assert timedelta(seconds=45) < blocked.value.retry_at - now() <= timedelta(seconds=50)


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"X-RateLimit-Reset": "in 12"}, 11, 12.1),
        ({"X-RateLimit-Reset": "in -30"}, 1, 1.1),
        ({"X-RateLimit-Reset": "0"}, 1, 1.1),
        ({"X-RateLimit-Reset": "in 5000"}, 90, 90.1),
        ({"X-RateLimit-Reset": "99999999999999999999"}, 10, 10.1),
        ({"X-RateLimit-Reset": "1e18"}, 10, 10.1),
        ({"X-RateLimit-Reset": "nan"}, 10, 10.1),
        ({"X-RateLimit-Reset": "soon"}, 10, 10.1),
        ({"X-RateLimit-Reset": ""}, 10, 10.1),
        ({}, 10, 10.1),
        ({"Retry-After": "7"}, 7, 7.1),
        ({"Retry-After": "0"}, 1, 1.1),
        ({"Retry-After": "7", "X-RateLimit-Reset": "in 50"}, 7, 7.1),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "in 50"}, 49, 50.1),
        ({"Retry-After": "999999"}, 90, 90.1),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 90, 90.1),
        ({"Retry-After": "Mon, 23 Nov 1970 04:00:00 GMT"}, 1, 1.1),
    ],
)
def test_how_long_a_limit_holds(stub, make_cliniko, make_budget, headers, low, high):
    budget = make_budget("limited", max_wait=0.0, service="cliniko")
    sent = {name: str(now().timestamp() + float(v[3:])) if v.startswith("in ") else v for name, v in headers.items()}
    stub.answer(Reply(429, headers=sent))
    began = now()
    with pytest.raises(Throttled) as raised:
        resources.list_patients(make_cliniko(budget=budget))
    assert low - 0.1 <= (raised.value.retry_at - began).total_seconds() <= high + 0.9
    assert abs(budget.blocked_until() - raised.value.retry_at) < timedelta(seconds=0.01)


def test_a_refused_post_may_follow_once_the_limit_is_over(stub, cliniko, sleeper):
    stub.answer(Reply(429, headers={"Retry-After": "3"}), PATIENT)
    assert create(cliniko).id == "1"
    assert len(stub.applied) == 1
    assert 2.9 < sum(sleeper.waits) < 3.2


def test_a_limit_that_never_ends_is_given_up(stub, cliniko):
    stub.always(Reply(429, headers={"Retry-After": "2"}))
    with pytest.raises(Throttled):
        resources.list_patients(cliniko)
    assert len(stub.seen) == policy.MAX_ATTEMPTS


def test_a_service_that_says_when_to_come_back_is_not_asked_before(stub, cliniko, sleeper):
    stub.answer(Reply(503, headers={"Retry-After": "6"}), EMPTY)
    resources.list_patients(cliniko)
    assert 5.9 < sleeper.waits[0] <= 6.0
    stub.answer(Reply(503, headers={"Retry-After": "600"}), EMPTY)
    with pytest.raises(Unavailable) as raised:
        resources.list_patients(cliniko)
    assert timedelta(seconds=595) < raised.value.retry_at - now() <= timedelta(seconds=600)
    assert stub.left == 1
