"""Groups, properties, pipelines and the account's own limits, against the simulated HubSpot and odd answers."""

import pytest

from tests.support.http_stub import Reply, Reset
from tests.webapp.clients.conftest import HUB
from webapp.clients.errors import Rejected, Unavailable
from webapp.clients.hubspot import account, objects, schema
from webapp.clients.hubspot.account import Usage
from webapp.clients.hubspot.errors_parse import PIPELINE_LIMIT, PROPERTY_LIMIT
from webapp.clients.hubspot.schema import GroupInfo
from webapp.sandbox.support import Fault

STAGES = [
    {"stageId": "cliniko_appt_booked", "label": "Booked", "displayOrder": 0, "metadata": {"probability": "0.5"}},
    {"stageId": "cliniko_appt_arrived", "label": "Arrived", "displayOrder": 1, "metadata": {"probability": "1"}},
]
PIPELINE = {"pipelineId": "cliniko_appointments", "label": "Cliniko", "displayOrder": 1, "stages": STAGES}
YES_NO = [
    {"label": "Yes", "value": "true", "displayOrder": 0, "hidden": False},
    {"label": "No", "value": "false", "displayOrder": 1, "hidden": False},
]


def text(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "cliniko", **more}


@pytest.fixture
def group(hubspot):
    schema.create_group(hubspot, "contacts", name="cliniko", label="Cliniko")


def codes(error: Rejected) -> list[str | None]:
    return [item.code for item in error.errors]


def test_groups(hubspot, group):
    assert GroupInfo("cliniko", "Cliniko") in schema.list_groups(hubspot, "contacts")
    with pytest.raises(Rejected) as raised:
        schema.create_group(hubspot, "contacts", name="cliniko", label="Cliniko")
    assert raised.value.status == 409


def test_properties_in_one_call_and_as_the_account_has_them(hubspot, group, sandbox):
    switch = text("update_cliniko_patient", type="bool", fieldType="booleancheckbox", options=YES_NO)
    made = schema.create_properties(hubspot, "contacts", [text("cliniko_patient_key", hasUniqueValue=True), switch])
    assert {item["name"] for item in made} == {"cliniko_patient_key", "update_cliniko_patient"}
    assert sandbox.calls.count("POST", "/crm/properties/2026-09/contacts/batch/create") == 1
    found = {item.name: item for item in schema.list_properties(hubspot, "contacts")}
    key, button = found["cliniko_patient_key"], found["update_cliniko_patient"]
    assert (key.unique, key.type, key.field_type, key.group, key.archived) == (True, "string", "text", "cliniko", False)
    assert [option["value"] for option in button.options] == ["true", "false"]


def test_one_property_and_its_change(hubspot, group):
    schema.create_property(hubspot, "contacts", text("cliniko_patient_id"))
    with pytest.raises(Rejected) as raised:
        schema.create_property(hubspot, "contacts", text("cliniko_patient_id"))
    assert (raised.value.status, raised.value.category) == (409, "OBJECT_ALREADY_EXISTS")
    schema.update_property(hubspot, "contacts", "cliniko_patient_id", {"label": "Patient id"})
    labels = {item.name: item.label for item in schema.list_properties(hubspot, "contacts")}
    assert labels["cliniko_patient_id"] == "Patient id"


def test_a_batch_that_was_refused_in_part_says_what_was_made(scripted, stub):
    stub.answer(Reply(207, json={"results": [{"name": "a"}, None, 3], "numErrors": 1, "errors": [{"message": "no"}]}))
    assert schema.create_properties(scripted, "contacts", [text("a"), text("b")]) == [{"name": "a"}]


def test_batches_of_properties_have_their_bounds(hubspot, sandbox):
    assert schema.create_properties(hubspot, "contacts", []) == []
    with pytest.raises(ValueError, match="50"):
        schema.create_properties(hubspot, "contacts", [text(f"p{n}") for n in range(51)])
    assert sandbox.calls.items == []


def test_the_property_cap_is_recognised(hubspot, group, portal):
    portal.property_cap = 2
    schema.create_property(hubspot, "contacts", text("one"))
    schema.create_property(hubspot, "contacts", text("two"))
    with pytest.raises(Rejected) as raised:
        schema.create_property(hubspot, "contacts", text("three"))
    assert PROPERTY_LIMIT in codes(raised.value)
    limits = account.custom_property_limits(hubspot)
    assert (limits.overall, limits.by_type["contacts"]) == (Usage(2, 2), Usage(2, 2))


def test_pipelines_keep_our_ids_and_stage_order(hubspot):
    made = schema.create_pipeline(hubspot, "deals", PIPELINE)
    assert (made.id, [stage.id for stage in made.stages]) == (PIPELINE["pipelineId"], [s["stageId"] for s in STAGES])
    schema.create_stage(hubspot, "deals", made.id, {**STAGES[0], "stageId": "cliniko_appt_late", "label": "Late"})
    listed = {pipeline.id: pipeline for pipeline in schema.list_pipelines(hubspot, "deals")}
    assert "default" in listed
    ours = listed[made.id]
    assert {stage.id: stage.probability for stage in ours.stages} == {
        "cliniko_appt_booked": "0.5",
        "cliniko_appt_arrived": "1.0",
        "cliniko_appt_late": "0.5",
    }
    assert [stage.order for stage in ours.stages] == sorted(stage.order for stage in ours.stages)


def test_the_pipeline_cap_is_recognised(hubspot, portal):
    portal.pipeline_cap = 1
    with pytest.raises(Rejected) as raised:
        schema.create_pipeline(hubspot, "deals", PIPELINE)
    assert raised.value.status == 400 and PIPELINE_LIMIT in codes(raised.value)
    assert account.deal_pipeline_limit(hubspot).limit == 1


def test_a_stage_id_of_another_pipeline_is_a_refusal(hubspot):
    schema.create_pipeline(hubspot, "deals", PIPELINE)
    with pytest.raises(Rejected) as raised:
        schema.create_stage(hubspot, "deals", "default", {**STAGES[0], "label": "Mine"})
    assert (raised.value.status, codes(raised.value)) == (409, ["STAGE_ID_EXISTS_IN_ANOTHER_PIPELINE"])


def test_what_may_be_repeated_is_and_a_pipeline_is_not(hubspot, sandbox, group):
    sandbox.faults.add(Fault("POST .*/batch/create", status=502, when="before"))
    assert len(schema.create_properties(hubspot, "contacts", [text("one")])) == 1
    sandbox.faults.add(Fault("POST /crm/pipelines", status=502, when="after"))
    with pytest.raises(Unavailable) as raised:
        schema.create_pipeline(hubspot, "deals", PIPELINE)
    assert raised.value.maybe_applied is True
    assert sandbox.calls.count("POST", "/crm/pipelines") == 1
    assert len(schema.list_pipelines(hubspot, "deals")) == 2


def test_a_group_that_a_lost_answer_made_is_a_409_the_second_time(hubspot, sandbox):
    sandbox.faults.add(Fault("POST .*/groups", status=504, when="after"))
    with pytest.raises(Rejected) as raised:
        schema.create_group(hubspot, "contacts", name="cliniko", label="Cliniko")
    assert raised.value.status == 409


def test_names_are_one_segment_of_the_path_whatever_they_hold(scripted, stub):
    stub.always(Reply(json={"id": "1", "results": []}))
    odd = "a/../b?c#d%2F ü"
    schema.update_property(scripted, "contacts", odd, {})
    schema.create_stage(scripted, "deals", odd, {})
    schema.list_properties(scripted, odd)
    objects.read_one(scripted, "contacts", odd, ["email"])
    objects.batch_read(scripted, odd, ["1"], ["email"])
    assert [seen.segments for seen in stub.seen] == [
        ["crm", "properties", "2026-09", "contacts", odd],
        ["crm", "pipelines", "2026-09", "deals", odd, "stages"],
        ["crm", "properties", "2026-09", odd],
        ["crm", "objects", "2026-09", "contacts", odd],
        ["crm", "objects", "2026-09", odd, "batch", "read"],
    ]
    for bad in ("", ".", ".."):
        with pytest.raises(ValueError, match="segment"):
            objects.read_one(scripted, "contacts", bad, [])
    assert len(stub.seen) == 5


@pytest.mark.parametrize("version", ["2026-03", "2026-09", "2027-03"])
def test_one_setting_moves_every_path_to_another_version(make_hubspot, stub, vault, version):
    client = make_hubspot(stub.url, vault, version=version)
    stub.always(Reply(json={"results": [], "id": "1", "total": 0}))
    account.details(client)
    account.record_limits(client)
    account.uninstall(client)
    schema.list_groups(client, "contacts")
    schema.list_pipelines(client, "deals")
    schema.create_pipeline(client, "deals", PIPELINE)
    objects.batch_read(client, "contacts", ["1"], ["email"])
    objects.search(client, "deals", [], [])
    objects.merge(client, "contacts", "1", "2")
    assert all(version in seen.segments for seen in stub.seen)
    assert not any("2026-09" in seen.path for seen in stub.seen if version != "2026-09")


def test_the_account_says_who_it_is_and_what_it_may_have(hubspot, portal):
    found = account.details(hubspot)
    assert (found.hub_id, found.currency, found.time_zone) == (HUB, "AUD", "Australia/Sydney")
    assert (found.account_type, found.ui_domain) == ("STANDARD", "app.hubspot.com")
    portal.create("contacts", {"email": "one@x.example"})
    assert account.record_limits(hubspot)["contacts"].used == 1
    assert account.deal_pipeline_limit(hubspot).limit == 100


def test_uninstalling_ends_the_grant(hubspot, portal):
    account.uninstall(hubspot)
    assert portal.installs == {}


@pytest.mark.parametrize("body", ["null", "[]", '"x"', "{}"])
def test_odd_answers_about_an_account(scripted, stub, body):
    stub.always(Reply(body=body))
    if body == "{}":
        assert account.details(scripted) == account.AccountDetails(HUB, None, None, None, None)
        assert account.custom_property_limits(scripted) == account.PropertyUsage(Usage(), {})
        assert account.deal_pipeline_limit(scripted) == Usage()
        assert account.record_limits(scripted) == {}
    calls = [schema.list_groups, schema.list_properties, schema.list_pipelines]
    for call in calls:
        with pytest.raises(Unavailable):
            call(scripted, "contacts")
    if body != "{}":
        for ask in (account.details, account.custom_property_limits, account.deal_pipeline_limit):
            with pytest.raises(Unavailable):
                ask(scripted)


def test_limits_with_odd_numbers(scripted, stub):
    row = {"objectTypeId": "0-1", "limit": "50", "usage": True}
    odd = {"overallLimit": -5, "overallUsage": "many", "byObjectType": [None, {"objectTypeId": "0-2", "limit": 1}, row]}
    stub.answer(Reply(json=odd))
    assert account.custom_property_limits(scripted) == account.PropertyUsage(Usage(), {"contacts": Usage(50, None)})


def test_a_list_is_read_again_after_a_reset(scripted, stub):
    rows = [{"id": "p", "stages": None}, {"id": "old", "archived": True}]
    stub.answer(Reset("after_reading"), Reply(json={"results": rows}))
    assert [(p.id, p.stages, p.order) for p in schema.list_pipelines(scripted, "deals")] == [("p", (), 0)]
