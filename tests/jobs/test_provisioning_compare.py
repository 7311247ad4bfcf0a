"""What counts as drift and what is created first, without any account."""

from dataclasses import replace

import pytest

from jobs.mapping.catalogue import OBJECT_TYPES, PIPELINES, PROPERTIES, YES_NO, properties_of
from jobs.sync.provisioning_compare import (
    default_pipeline,
    drift_of,
    fitting,
    missing_groups,
    missing_options,
    missing_properties,
)
from jobs.sync.provisioning_types import (
    Limits,
    PipelineChoice,
    PipelineMode,
    PipelineTarget,
    Portal,
    PortalOption,
    PortalPipeline,
    PortalProperty,
    PortalStage,
    Room,
)

OWN = PipelineChoice(PipelineMode.OWN)
DEFAULT = PortalPipeline(
    "default", "Sales", 0, (PortalStage("appointmentscheduled", "Scheduled", 0), PortalStage("closedwon", "Won", 1))
)


def as_provisioned() -> Portal:
    properties = {
        kind: {
            item.name: PortalProperty(
                item.name,
                item.label,
                item.type,
                item.field_type,
                item.unique,
                tuple(PortalOption(option.value, {"value": option.value}) for option in item.options),
            )
            for item in properties_of(kind)
        }
        for kind in OBJECT_TYPES
    }
    pipelines = tuple(
        PortalPipeline(
            item.id,
            item.label,
            order + 1,
            tuple(PortalStage(stage.id, stage.label, stage.order) for stage in item.stages),
        )
        for order, item in enumerate(PIPELINES)
    )
    return Portal({kind: frozenset() for kind in OBJECT_TYPES}, properties, (DEFAULT, *pipelines))


def with_property(portal: Portal, kind: str, name: str, **changes) -> Portal:
    mine = dict(portal.properties[kind])
    if changes:
        mine[name] = replace(mine[name], **changes)
    else:
        del mine[name]
    return replace(portal, properties={**portal.properties, kind: mine})


def problems(portal: Portal, choice: PipelineChoice = OWN) -> list[tuple[str, str]]:
    return [(item.name, item.problem) for item in drift_of(portal, choice).differences]


def test_an_account_as_provisioned_has_no_drift():
    assert problems(as_provisioned()) == []
    assert drift_of(as_provisioned(), OWN).as_dict() == {"clean": True, "differences": []}


def test_what_the_customer_may_do_is_not_drift():
    portal = with_property(
        as_provisioned(), "contacts", "cliniko_email", label="E-Mail (Praxis)", field_type="textarea"
    )
    statuses = portal.properties["contacts"]["cliniko_patient_status"].options
    more = (PortalOption("Moved away", {"value": "Moved away"}), *reversed(statuses))
    portal = with_property(portal, "contacts", "cliniko_patient_status", options=more)
    own = portal.pipelines[1]
    extra = replace(own, label="Visits", stages=(*own.stages, PortalStage("theirs", "Rebooked", 9)))
    assert problems(replace(portal, pipelines=(extra, *portal.pipelines[2:], DEFAULT))) == []


@pytest.mark.parametrize(
    ("kind", "name", "changes", "problem"),
    [
        ("contacts", "cliniko_email", {}, "missing"),
        ("deals", "cliniko_invoice_total", {"type": "string"}, "type"),
        ("contacts", "cliniko_patient_key", {"unique": False}, "unique"),
        ("contacts", "cliniko_patient_status", {"options": ()}, "options"),
    ],
)
def test_drift_of_a_property(kind, name, changes, problem):
    assert problems(with_property(as_provisioned(), kind, name, **changes)) == [(name, problem)]


def test_what_there_is_no_room_for_is_not_drift():
    portal = with_property(with_property(as_provisioned(), "contacts", "cliniko_title"), "contacts", "cliniko_email")
    full = drift_of(portal, OWN, Limits(properties=Room(10, 10)))
    assert [item.name for item in full.differences] == ["cliniko_email"]
    assert len(drift_of(portal, OWN, Limits(properties=Room(10, 8))).differences) == 2


def test_a_pipeline_and_a_stage_that_went_missing():
    portal = as_provisioned()
    own = portal.pipelines[1]
    shorter = replace(own, stages=own.stages[1:])
    assert problems(replace(portal, pipelines=(DEFAULT, shorter, portal.pipelines[2]))) == [
        ("cliniko_appt_booked", "missing")
    ]
    assert problems(replace(portal, pipelines=(DEFAULT, own))) == [("cliniko_invoices", "missing")]


def test_contacts_only_needs_no_pipeline():
    portal = replace(as_provisioned(), pipelines=(DEFAULT,))
    assert problems(portal, PipelineChoice(PipelineMode.CONTACTS_ONLY, ())) == []


def test_a_mapped_pipeline_is_compared_by_the_chosen_stages():
    stages = {stage.id: "closedwon" for stage in PIPELINES[0].stages}
    choice = PipelineChoice(PipelineMode.MAPPED, ("appointments",), {"appointments": PipelineTarget("default", stages)})
    assert problems(as_provisioned(), choice) == []
    lost = {**stages, "cliniko_appt_cancelled": "gone"}
    choice = replace(choice, targets={"appointments": PipelineTarget("default", lost)})
    assert problems(as_provisioned(), choice) == [("gone", "missing")]


def test_essential_properties_come_first_and_only_as_many_as_fit():
    empty = replace(as_provisioned(), properties={kind: {} for kind in OBJECT_TYPES})
    missing = missing_properties(empty)
    assert len(missing) == len(PROPERTIES)
    chosen = fitting(missing, Limits(properties=Room(10, 0)))
    assert {item.name for item in chosen} == {item.name for item in PROPERTIES if item.essential}
    assert len(fitting(missing, Limits(properties=Room(1000, 997)))) == 3
    assert len(fitting(missing, Limits())) == len(PROPERTIES)
    by_type = fitting(missing, Limits(properties_by_type={"contacts": Room(5, 3), "deals": Room(5, 5)}))
    assert [item.object_type for item in by_type] == ["contacts", "contacts"]


def test_only_groups_with_something_to_hold_are_made():
    portal = as_provisioned()
    assert missing_groups(portal, []) == []
    invoice = [item for item in PROPERTIES if item.name == "cliniko_invoice_id"]
    assert [group.name for group in missing_groups(portal, invoice)] == ["cliniko_invoice"]


def test_yes_no_labels_are_the_customers():
    switch = next(item for item in PROPERTIES if item.name == "update_cliniko_patient")
    theirs = PortalProperty(switch.name, "x", "bool", "booleancheckbox", False, ())
    assert switch.options == YES_NO
    assert missing_options(switch, theirs) == []


def test_default_pipeline_by_id_else_the_first_that_is_not_ours():
    portal = as_provisioned()
    other = PortalPipeline("123", "Leads", 5, ())
    assert default_pipeline(portal) is DEFAULT
    assert default_pipeline(replace(portal, pipelines=(*portal.pipelines[1:], other))) is other
    assert default_pipeline(replace(portal, pipelines=portal.pipelines[1:])) is None


class Settings:
    def __init__(self, **changes):
        self.sync_appointments = self.sync_invoices = True
        self.appointment_pipeline = self.invoice_pipeline = None
        self.appointment_stages = self.invoice_stages = {}
        vars(self).update(changes)


def test_choice_from_settings():
    assert PipelineChoice.from_settings(Settings()) == PipelineChoice(PipelineMode.AUTO)
    assert PipelineChoice.from_settings(Settings(sync_invoices=False)).streams == ("appointments",)
    nothing = PipelineChoice.from_settings(Settings(sync_invoices=False, sync_appointments=False))
    assert nothing.mode is PipelineMode.CONTACTS_ONLY
    mapped = PipelineChoice.from_settings(Settings(invoice_pipeline="9", invoice_stages={"cliniko_inv_open": "1"}))
    assert mapped.targets == {"invoices": PipelineTarget("9", {"cliniko_inv_open": "1"})}
    assert mapped.mode is PipelineMode.MAPPED
