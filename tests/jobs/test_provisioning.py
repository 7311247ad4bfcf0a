"""Provisioning of simulated HubSpot accounts of every plan, over real HTTP."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from jobs.mapping.catalogue import OBJECT_TYPES, PIPELINES, PROPERTIES, properties_of
from jobs.mapping.contact import contact_property_names
from jobs.mapping.patient import patient_property_names
from jobs.sync.provisioning import PipelineChoice, PipelineMode, PipelineTarget, check, run
from webapp.clients.hubspot import schema

SETTINGS = SimpleNamespace(
    sync_appointments=True,
    sync_invoices=True,
    appointment_pipeline=None,
    invoice_pipeline=None,
    appointment_stages={},
    invoice_stages={},
)
ESSENTIAL = {item.name for item in PROPERTIES if item.essential}


def custom(portal, kind):
    return {item["name"]: item for item in portal.schema[kind].custom()}


def stage_ids(portal, pipeline_id):
    return list(portal.pipelines[pipeline_id]["stages"])


def writes(hubspot):
    return [call for call in hubspot.calls.items if call.method in ("POST", "PATCH", "PUT", "DELETE")]


@pytest.mark.parametrize("tier", ["enterprise", "professional"])
def test_a_large_plan_gets_everything(hubspot, install, tier):
    portal, client = install(tier)
    steps = []
    report = run(client, progress=lambda text, done, total: steps.append((done, total)))
    assert (report.ok, report.can_sync_patients, report.missing_properties, report.messages) == (True, True, {}, ())
    for kind in OBJECT_TYPES:
        made = custom(portal, kind)
        assert {name: (item["type"], item["hasUniqueValue"]) for name, item in made.items()} == {
            item.name: (item.type, item.unique) for item in properties_of(kind)
        }
        assert {item["groupName"] for item in made.values()} <= set(portal.schema[kind].groups)
    for ours in PIPELINES:
        assert stage_ids(portal, ours.id) == [stage.id for stage in ours.stages]
    assert [(item.stream, item.pipeline_id) for item in report.pipelines] == [
        ("appointments", "cliniko_appointments"),
        ("invoices", "cliniko_invoices"),
    ]
    assert {*patient_property_names(), *contact_property_names()} <= set(report.as_dict()["contact_properties"])
    assert check(client, SETTINGS).clean
    assert steps[0][0] == 0
    assert steps[-1][0] == steps[-1][1]


def test_repeating_it_writes_nothing(hubspot, install):
    _, client = install("enterprise")
    run(client)
    hubspot.calls.clear()
    report = run(client)
    assert (report.ok, report.created, report.repaired) == (True, (), ())
    assert writes(hubspot) == []


def test_everything_takes_few_calls(hubspot, install):
    _, client = install("enterprise")
    hubspot.calls.clear()
    run(client)
    assert len(writes(hubspot)) <= len({item.group for item in PROPERTIES}) + len(PIPELINES) + 2


def test_two_runs_at_once_both_succeed(install):
    portal, client = install("enterprise")
    other = install.again(portal)
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(run, (client, other)))
    assert [report.ok for report in reports] == [True, True]
    assert check(client, SETTINGS).clean
    assert len(portal.pipelines) == 3


def test_a_starter_plan_syncs_contacts_and_says_so(install):
    portal, client = install("starter")
    report = run(client)
    assert (report.ok, report.can_sync_patients, report.pipelines) == (True, True, ())
    assert "2 deal pipelines" in report.messages[0]
    assert "Only contacts are synced" in report.messages[0]
    assert list(portal.pipelines) == ["default"]
    assert check(client, SETTINGS).clean


def test_a_starter_plan_may_keep_one_stream(install):
    portal, client = install("starter")
    report = run(client, PipelineChoice(PipelineMode.OWN, ("appointments",)))
    assert report.ok
    assert list(portal.pipelines) == ["default", "cliniko_appointments"]


def test_more_pipelines_than_the_plan_allows_is_told(install):
    portal, client = install("starter")
    report = run(client, PipelineChoice(PipelineMode.OWN))
    assert not report.ok
    assert [item.pipeline_id for item in report.pipelines] == ["cliniko_appointments", None]
    assert any("invoices are not synced" in message for message in report.messages)
    assert len(portal.pipelines) == 2


def test_our_stages_in_the_default_pipeline(install):
    portal, client = install("free")
    before = {stage_id: dict(stage) for stage_id, stage in portal.pipelines["default"]["stages"].items()}
    choice = PipelineChoice(PipelineMode.DEFAULT_STAGES)
    report = run(client, choice)
    assert [item.pipeline_id for item in report.pipelines] == ["default", "default"]
    after = portal.pipelines["default"]["stages"]
    assert {stage_id: after[stage_id] for stage_id in before} == before
    assert set(after) - set(before) == {stage.id for ours in PIPELINES for stage in ours.stages}
    assert after["cliniko_inv_open"]["label"] == "Invoice: Open"
    again = run(client, choice)
    assert (again.created, again.ok) == ((), True)


def test_mapped_stages_change_nothing_in_hubspot(install):
    portal, client = install("free")
    theirs = stage_ids(portal, "default")
    stages = {stage.id: theirs[number] for number, stage in enumerate(PIPELINES[0].stages)}
    target = {"appointments": PipelineTarget("default", stages)}
    report = run(client, PipelineChoice(PipelineMode.MAPPED, ("appointments",), target))
    assert [(item.pipeline_id, dict(item.stages)) for item in report.pipelines] == [("default", stages)]
    assert stage_ids(portal, "default") == theirs


def test_a_mapped_stage_that_is_gone_is_told(install):
    _, client = install("free")
    stages = {stage.id: "closedwon" for stage in PIPELINES[0].stages} | {"cliniko_appt_cancelled": "gone"}
    target = {"appointments": PipelineTarget("default", stages)}
    report = run(client, PipelineChoice(PipelineMode.MAPPED, ("appointments",), target))
    assert not report.ok
    assert report.pipelines[0].pipeline_id is None
    assert any("Cancelled" in message for message in report.messages)


def test_a_free_plan_works_with_the_essential_properties(install):
    portal, client = install("free")
    report = run(client)
    assert {*custom(portal, "contacts"), *custom(portal, "deals")} == ESSENTIAL
    assert (report.ok, report.can_sync_patients) == (True, True)
    missing = {name for names in report.missing_properties.values() for name in names}
    assert missing == {item.name for item in PROPERTIES} - ESSENTIAL
    assert any("allows no more custom properties" in message for message in report.messages)
    assert "cliniko_title" not in report.as_dict()["contact_properties"]
    assert check(client, SETTINGS).clean
    assert run(client).created == ()


def test_a_quota_below_the_essential_ones_is_told(install):
    portal, client = install("free")
    portal.property_cap = 5
    report = run(client)
    assert not report.ok
    assert any("cannot work without" in message for message in report.messages)


def test_the_customers_changes_stay_and_ours_are_repaired(install):
    portal, client = install("enterprise")
    run(client)
    status = next(item for item in schema.list_properties(client, "contacts") if item.name == "cliniko_patient_status")
    extra = {"label": "Moved away", "value": "Moved away", "displayOrder": 9, "hidden": False}
    options = [{"label": "Aktiv", "value": "Active", "displayOrder": 0, "hidden": False}, extra]
    schema.update_property(client, "contacts", status.name, {"label": "Status in Cliniko", "options": options})
    schema.create_stage(
        client,
        "deals",
        "cliniko_invoices",
        {"stageId": "theirs", "label": "Disputed", "displayOrder": 9, "metadata": {"probability": "0.3"}},
    )
    del portal.pipelines["cliniko_appointments"]["stages"]["cliniko_appt_arrived"]
    portal.schema["contacts"].properties["cliniko_title"]["archived"] = True

    drift = check(client, SETTINGS)
    assert {(item.name, item.problem) for item in drift.differences} == {
        ("cliniko_title", "missing"),
        ("cliniko_patient_status", "options"),
        ("cliniko_appt_arrived", "missing"),
    }
    report = run(client)
    assert report.ok
    assert set(report.created) == {"cliniko_title", "cliniko_appt_arrived"}
    assert report.repaired == ("cliniko_patient_status",)
    assert check(client, SETTINGS).clean
    repaired = custom(portal, "contacts")["cliniko_patient_status"]
    assert repaired["label"] == "Status in Cliniko"
    assert [(option["value"], option["label"]) for option in repaired["options"]] == [
        ("Active", "Aktiv"),
        ("Moved away", "Moved away"),
        ("Archived", "Archived"),
        ("Merged", "Merged"),
    ]
    assert "theirs" in stage_ids(portal, "cliniko_invoices")


def foreign_property(client, kind, **changes):
    groups = schema.list_groups(client, kind)
    body = {
        "name": "theirs",
        "label": "Theirs",
        "type": "string",
        "fieldType": "text",
        "groupName": groups[0].name,
        **changes,
    }
    schema.create_property(client, kind, body)


def test_a_label_that_is_taken_gets_a_suffix(install):
    portal, client = install("enterprise")
    foreign_property(client, "contacts", label="Cliniko email")
    report = run(client)
    assert report.ok
    assert custom(portal, "contacts")["cliniko_email"]["label"] == "Cliniko email (Cliniko)"
    assert any("“Cliniko email”" in message for message in report.messages)


def test_a_pipeline_label_that_is_taken_gets_a_suffix(install):
    portal, client = install("enterprise")
    stage = {"stageId": "x1", "label": "X", "displayOrder": 0, "metadata": {"probability": "0.5"}}
    schema.create_pipeline(client, "deals", {"label": "cliniko invoices", "displayOrder": 4, "stages": [stage]})
    report = run(client)
    assert report.ok
    assert portal.pipelines["cliniko_invoices"]["label"] == "Cliniko Invoices (Cliniko)"


def test_a_wrong_type_is_repaired(install):
    portal, client = install("enterprise")
    foreign_property(client, "deals", name="cliniko_invoice_total", label="Total")
    assert [item.problem for item in check(client, SETTINGS).differences if item.name == "cliniko_invoice_total"] == [
        "type"
    ]
    report = run(client)
    assert "cliniko_invoice_total" in report.repaired
    made = custom(portal, "deals")["cliniko_invoice_total"]
    assert (made["type"], made["label"]) == ("number", "Total")


def test_a_key_that_is_not_unique_stops_the_sync(install):
    _, client = install("enterprise")
    foreign_property(client, "contacts", name="cliniko_patient_key", label="Key")
    report = run(client)
    assert (report.ok, report.can_sync_patients) == (False, False)
    assert [(item.name, item.problem) for item in report.drift.differences] == [("cliniko_patient_key", "unique")]


def test_a_first_sync_that_does_not_fit_is_told(install):
    portal, client = install("enterprise")
    portal.record_caps["contacts"] = 1000
    report = run(client, expected_records={"contacts": 4812, "deals": 10})
    assert [message for message in report.messages if "first sync" in message] == [
        "A first sync would create 4,812 contacts, and this HubSpot account has room for 1,000 more."
    ]
