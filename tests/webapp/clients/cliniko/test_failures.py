"""Every refusal of Cliniko becomes the error that says what to do about it, whatever its body looks like."""

import pytest

from tests.support.http_stub import BAD_GATEWAY_PAGE, Reply
from webapp.clients.cliniko import resources
from webapp.clients.errors import (
    FieldError,
    Forbidden,
    NeedsReconnect,
    NotFound,
    OurFault,
    Rejected,
    Throttled,
    Unavailable,
)

HTML = {"Content-Type": "text/html"}


def refusal(stub, cliniko, reply, error):
    stub.always(reply)
    with pytest.raises(error) as raised:
        resources.create_patient(cliniko, {"first_name": "A", "last_name": "B"})
    assert type(raised.value) is error
    assert raised.value.service == "cliniko"
    assert raised.value.status == reply.status
    return raised.value


@pytest.mark.parametrize(
    "body", ["HTTP Basic: Access denied.\n", "", "null", '{"message": "Unauthorized"}', "<html>", b"\xff\xfe"]
)
def test_a_refused_key_needs_a_person(stub, cliniko, body):
    error = refusal(stub, cliniko, Reply(401, body=body), NeedsReconnect)
    assert error.reason == "key_revoked"
    assert len(stub.seen) == 1


def test_a_column_that_cannot_be_searched(stub, cliniko):
    reply = Reply(400, json={"message": "This column is not searchable."})
    assert refusal(stub, cliniko, reply, Rejected).detail == "This column is not searchable."


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("body", ["plain text", "", "[]", '["x"]', "12", "null", "{}", '{"message": null}', b"\xff"])
def test_a_refusal_without_a_readable_body_is_still_one(stub, cliniko, status, body):
    error = refusal(stub, cliniko, Reply(status, body=body), Rejected)
    assert (error.detail, error.errors) == ("", ())


@pytest.mark.parametrize("body", ["", "Forbidden", BAD_GATEWAY_PAGE, '{"message": "No access to invoices"}'])
def test_a_role_that_may_not(stub, cliniko, body):
    error = refusal(stub, cliniko, Reply(403, body=body, headers=HTML), Forbidden)
    assert error.missing_scopes == ()
    assert error.detail in ("", "No access to invoices")


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("body", ["", "Not Found", '{"message": "gone"}'])
def test_what_is_not_there(stub, cliniko, status, body):
    refusal(stub, cliniko, Reply(status, body=body), NotFound)


@pytest.mark.parametrize("status", [302, 405, 406, 415])
def test_what_only_a_mistake_of_ours_explains(stub, cliniko, status):
    refusal(stub, cliniko, Reply(status), OurFault)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ({"email": "is not an email"}, [("email", "is not an email")]),
        ({"first_name": "can’t be blank", "patient": None}, [("first_name", "can’t be blank"), ("patient", "")]),
        ({"email": ["is short", "is odd"]}, [("email", "is short"), ("email", "is odd")]),
        ({"email": []}, [("email", "")]),
        ({"email": {}}, [("email", "")]),
        ({"patient_phone_numbers": [{"number": ["is long"]}]}, [("patient_phone_numbers.number", "is long")]),
        ({"address": {"city": {"name": "is odd"}}}, [("address.city.name", "is odd")]),
        ({"count": 3, "flag": True}, [("count", "3"), ("flag", "True")]),
        ("Everything is wrong", [(None, "Everything is wrong")]),
        (["one", "two"], [(None, "one"), (None, "two")]),
        ([{"email": "is odd"}], [("email", "is odd")]),
        (None, []),
        ({}, []),
        ([], []),
    ],
)
def test_the_refused_fields_in_every_shape(stub, cliniko, errors, expected):
    reply = Reply(422, json={"message": "Validation Failed", "errors": errors})
    error = refusal(stub, cliniko, reply, Rejected)
    assert error.detail == "Validation Failed"
    assert error.errors == tuple(FieldError(field, None, message) for field, message in expected)
    assert len(stub.seen) == 1, "a refusal is never repeated"


@pytest.mark.parametrize("status", [408, 425, 500, 502, 526])
@pytest.mark.parametrize("body", ["", BAD_GATEWAY_PAGE, '{"message": "oops"}'])
def test_a_fault_of_the_service(stub, cliniko, status, body):
    refusal(stub, cliniko, Reply(status, body=body, headers=HTML), Unavailable)


def test_a_limit(stub, cliniko):
    error = refusal(stub, cliniko, Reply(429, body="slow down"), Throttled)
    assert error.retry_at is not None


@pytest.mark.parametrize("body", ["", "{", '{"id": "1"', BAD_GATEWAY_PAGE, "NaN", "[]", '"text"', "{}", b"\xff\xfe"])
def test_a_success_that_cannot_be_read_may_have_been_applied(stub, cliniko, body):
    stub.answer(Reply(201, body=body))
    with pytest.raises(Unavailable) as raised:
        resources.create_patient(cliniko, {"first_name": "A"})
    assert raised.value.maybe_applied is True
    assert len(stub.seen) == 1


def test_probing_tells_forbidden_lists_from_readable_ones(stub, cliniko):
    closed = {"/v1/users", "/v1/invoices", "/v1/concession_prices"}
    names = []

    def answer(seen):
        name = seen.path.rsplit("/", 1)[-1]
        names.append(name)
        assert dict(seen.query)["per_page"] == "1"
        return Reply(403, body="no") if seen.path in closed else Reply(json={name: [{"id": "1"}]})

    stub.always(answer)
    access = resources.probe_lists(cliniko)
    refused = {name for name, state in access.items() if state == "forbidden"}
    assert refused == {"users", "invoices", "concession_prices"}
    assert set(access) == set(names) and len(names) == len(set(names)), "one call for each list"


def test_a_probe_does_not_take_a_revoked_key_for_a_closed_list(stub, cliniko):
    stub.always(Reply(401, body="HTTP Basic: Access denied."))
    with pytest.raises(NeedsReconnect):
        resources.probe_lists(cliniko)
    assert len(stub.seen) == 1


def test_the_account_of_a_key(stub, cliniko):
    stub.answer(Reply(json={"account": {"id": 12, "name": "Harbour", "country_code": "AU", "secret": 1}, "email": {}}))
    account = resources.get_account(cliniko)
    assert (account.id, account.name, account.country_code, account.subdomain) == ("12", "Harbour", "AU", None)
    stub.answer(Reply(json={"terminology": {}}))
    with pytest.raises(Unavailable):
        resources.get_account(cliniko)
