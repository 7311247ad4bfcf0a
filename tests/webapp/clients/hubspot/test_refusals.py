"""What HubSpot's refusals say: codes and contexts first, texts where there is nothing else."""

import pytest

from tests.support.http_stub import BAD_GATEWAY_PAGE, Reply
from webapp.clients.errors import Forbidden, NotFound, OurFault, Rejected, Unavailable
from webapp.clients.hubspot import account, objects
from webapp.clients.hubspot.errors_parse import PIPELINE_LIMIT, PROPERTY_LIMIT
from webapp.clients.hubspot.objects import WriteInput

CORRELATION = "5c1ff1a1-6b2a-4a0e-8f1e-0a2f7a3d9c11"
CLASH = (
    "Cannot set PropertyValueCoordinates{portalId=123, objectTypeId=ObjectTypeId{legacyObjectType=CONTACT}, "
    "propertyName=email, value=a@b.example} on 501. 777 already has that value."
)
# HubSpot prints the refused values of a record as JSON inside a text.
INSIDE = (
    'Property values were not valid: [{"isValid":false,"message":"Email address \\"x\\" is invalid",'
    '"error":"INVALID_EMAIL","name":"email"},{"isValid":false,"message":"soon was not a valid date.",'
    '"error":"INVALID_DATE","name":"cliniko_created_at","localizedErrorMessage":"…"}]'
)


def refused(scripted, stub, status: int, error: type, body: object = None, **options):
    stub.always(
        Reply(status, json=body, **options) if not isinstance(body, str) else Reply(status, body=body, **options)
    )
    with pytest.raises(error) as raised:
        account.details(scripted)
    assert type(raised.value) is error
    assert (raised.value.service, raised.value.status) == ("hubspot", status)
    return raised.value


def found(error) -> list[tuple[str | None, str | None]]:
    return [(item.field, item.code) for item in error.errors]


def test_missing_scopes_are_named(hubspot, sandbox, portal):
    portal.installs[4242].scopes = ("oauth",)
    with pytest.raises(Forbidden) as raised:
        objects.batch_update(hubspot, "deals", [WriteInput("t", "1", {"dealname": "x"})])
    assert raised.value.category == "MISSING_SCOPES"
    assert raised.value.missing_scopes == ("crm.objects.deals.write",)
    assert raised.value.correlation_id


@pytest.mark.parametrize(
    ("body", "scopes"),
    [
        ({"errors": [{"context": {"requiredGranularScopes": ["a.read", "a.write"]}}]}, ("a.read", "a.write")),
        ({"context": {"requiredScopes": ["a"]}, "errors": [{"context": {"requiredScopes": ["a", "b"]}}]}, ("a", "b")),
        ({"context": {"missingScopes": "a"}}, ("a",)),
        ({"errors": ["x", None, {"context": None}, {"context": {"requiredScopes": [None, ""]}}]}, ()),
        ({}, ()),
        (BAD_GATEWAY_PAGE, ()),
        ("", ()),
    ],
)
def test_a_403_in_every_shape(scripted, stub, body, scopes):
    assert refused(scripted, stub, 403, Forbidden, body).missing_scopes == scopes


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("body", ["", BAD_GATEWAY_PAGE, '{"category": "OBJECT_NOT_FOUND"}'])
def test_what_is_not_there(scripted, stub, status, body):
    assert refused(scripted, stub, status, NotFound, body).category in (None, "OBJECT_NOT_FOUND")


@pytest.mark.parametrize("status", [500, 502, 526])
@pytest.mark.parametrize("body", ["", BAD_GATEWAY_PAGE, '{"status": "error", "message": "internal error"}'])
def test_a_fault_of_the_service(scripted, stub, status, body):
    refused(scripted, stub, status, Unavailable, body, headers={"Content-Type": "text/html"})
    assert len(stub.seen) == 4


@pytest.mark.parametrize("status", [301, 302, 307, 405, 415])
def test_what_only_a_mistake_of_ours_explains(scripted, stub, status):
    refused(scripted, stub, status, OurFault, "", headers={"Location": f"{stub.url}/elsewhere"})
    assert len(stub.seen) == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"message": CLASH}, [("email", None)]),
        ({"message": "wrong", "errors": [{"message": CLASH}]}, [("email", None)]),
        ({"message": INSIDE}, [("email", "INVALID_EMAIL"), ("cliniko_created_at", "INVALID_DATE")]),
        (
            {"message": INSIDE, "errors": [{"code": "INVALID_EMAIL", "context": {"propertyName": ["email"]}}]},
            [("email", "INVALID_EMAIL")],
        ),
        ({"message": "Email address a@b is invalid"}, [(None, "INVALID_EMAIL")]),
        ({"message": 'Property "shoe_size" does not exist'}, [("shoe_size", "PROPERTY_DOESNT_EXIST")]),
        (
            {
                "message": "Some required properties were not set.",
                "errors": [{"code": "MISSING_REQUIRED_PROPERTY", "context": {"propertyName": ["city", "zip"]}}],
            },
            [("city", "MISSING_REQUIRED_PROPERTY"), ("zip", "MISSING_REQUIRED_PROPERTY")],
        ),
        (
            {"message": "Error.", "errors": [{"message": "You have reached your limit of 1 deal pipelines."}]},
            [(None, PIPELINE_LIMIT)],
        ),
        ({"message": "You have reached your limit of 15 deal pipelines."}, [(None, PIPELINE_LIMIT)]),
        ({"message": "You have reached your limit of 10 custom properties."}, [(None, PROPERTY_LIMIT)]),
        ({"message": "The maximum number of custom properties was reached"}, [(None, PROPERTY_LIMIT)]),
        (
            {"message": "x", "subCategory": "PipelineError.STAGE_ID_EXISTS_IN_ANOTHER_PIPELINE"},
            [(None, "STAGE_ID_EXISTS_IN_ANOTHER_PIPELINE")],
        ),
        (
            {"message": "CONFLICTING_UNIQUE_VALUE: already used", "context": {"propertyName": ["k"]}},
            [("k", "CONFLICTING_UNIQUE_VALUE")],
        ),
        ({"message": "It just will not do."}, [(None, None)]),
        ({"message": "Missing 'Edit Associations' permission.", "errors": []}, [(None, None)]),
        ({"message": "[{ not json }]"}, [(None, None)]),
        ({"errors": [None, 5, "x"]}, [(None, None)]),
        ("", [(None, None)]),
        (BAD_GATEWAY_PAGE, [(None, None)]),
    ],
)
def test_refused_properties_with_their_codes(scripted, stub, body, expected):
    assert found(refused(scripted, stub, 400, Rejected, body)) == expected


@pytest.mark.parametrize(
    ("status", "body", "holder"),
    [
        (409, {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 37765128953"}, "37765128953"),
        (409, {"message": "Contact already exists. Existing ID:12"}, "12"),
        (400, {"message": CLASH}, "777"),
        (400, {"message": "no", "errors": [{"message": CLASH}]}, "777"),
        (400, {"message": "Cannot set email on 501."}, None),
        (400, {"message": "777 already has that value."}, None),
        (409, {"message": 'A property named "x" already exists'}, None),
        (409, "", None),
    ],
)
def test_who_holds_a_value(scripted, stub, status, body, holder):
    assert refused(scripted, stub, status, Rejected, body).existing_id == holder


@pytest.mark.parametrize("status", [400, 409, 413, 414, 422])
def test_a_refusal_is_never_repeated(scripted, stub, status):
    refused(scripted, stub, status, Rejected, {"category": "VALIDATION_ERROR"})
    assert len(stub.seen) == 1


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ({"correlationId": CORRELATION}, {}, CORRELATION),
        ({}, {"X-HubSpot-Correlation-Id": CORRELATION}, CORRELATION),
        ({"correlationId": ["x"]}, {"X-HubSpot-Correlation-Id": "a b <script>"}, None),
        ({"correlationId": "a@b.example and more"}, {}, None),
        ({}, {}, None),
    ],
)
def test_the_correlation_id_is_kept_when_it_is_one(scripted, stub, body, headers, expected):
    error = refused(scripted, stub, 400, Rejected, body, headers=headers)
    assert error.correlation_id == expected
    assert (expected or "") in str(error)


def test_the_text_of_an_error_holds_no_value(scripted, stub):
    body = {"category": "VALIDATION_ERROR", "message": CLASH, "correlationId": CORRELATION}
    error = refused(scripted, stub, 400, Rejected, body)
    assert str(error) == f"hubspot Rejected status=400 category=VALIDATION_ERROR correlation_id={CORRELATION}"
    assert "a@b.example" not in repr(error)
    assert error.detail == CLASH, "for the account's own people"
    odd = refused(scripted, stub, 400, Rejected, {"category": "a@b.example is wrong"})
    assert "a@b.example" not in str(odd)


def test_a_batch_where_some_were_refused(scripted, stub):
    results = [{"id": 9, "objectWriteTraceId": "good", "new": True, "properties": {"email": "x", "n": 5, "gone": None}}]
    errors = [
        {"category": "VALIDATION_ERROR", "message": CLASH, "context": {"objectWriteTraceId": ["t1"], "ids": ["k1"]}},
        {"category": "X", "message": INSIDE, "context": {"objectWriteTraceId": "t2"}, "errors": [], "subCategory": {}},
        {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["1", "2"]}},
        {"id": "3", "message": None, "context": []},
        "odd",
    ]
    stub.answer(Reply(207, json={"status": "COMPLETE", "results": results, "numErrors": 4, "errors": errors}))
    done = objects.batch_update(scripted, "contacts", [WriteInput("good", "9", {"email": "x"})])
    assert (done.results[0].id, done.results[0].trace_id, done.results[0].new) == ("9", "good", True)
    assert done.results[0].properties == {"email": "x", "n": "5", "gone": None}
    first, second, third, fourth = done.errors
    assert (first.trace_ids, first.ids, first.holder_id, first.property_names) == (("t1",), ("k1",), "777", ("email",))
    assert (second.trace_ids, second.codes) == (("t2",), ("INVALID_EMAIL", "INVALID_DATE"))
    assert second.property_names == ("email", "cliniko_created_at")
    assert (third.category, third.ids, third.trace_ids) == ("OBJECT_NOT_FOUND", ("1", "2"), ())
    assert (fourth.category, fourth.ids, fourth.message) == ("", ("3",), "")
    assert "a@b.example" not in repr(done)


def test_every_input_carries_its_trace(scripted, stub):
    stub.always(Reply(json={"results": []}))
    inputs = [WriteInput("t1", "1", {"city": "A"}), WriteInput("t2", "2", {"city": ""}, "key")]
    objects.batch_update(scripted, "contacts", inputs)
    objects.batch_upsert(scripted, "contacts", inputs, "key")
    objects.batch_create(scripted, "contacts", inputs)
    update, upsert, create = (seen.json["inputs"] for seen in stub.seen)
    assert [i["objectWriteTraceId"] for i in (*update, *upsert, *create)] == ["t1", "t2"] * 3
    assert update[1] == {"id": "2", "idProperty": "key", "objectWriteTraceId": "t2", "properties": {"city": ""}}
    assert upsert[0]["properties"] == {"city": "A", "key": "1"} and upsert[0]["idProperty"] == "key"
    assert create[0] == {"objectWriteTraceId": "t1", "properties": {"city": "A"}}
