import re
from pathlib import Path

import pytest

from jobs.mapping.catalogue import GROUPS, OBJECT_TYPES, PIPELINES, PROPERTIES, properties_of

CONTRACT = Path(__file__).parents[4] / "shared" / "product.md"


def listed_in_the_contract() -> tuple[set[str], set[str], set[str]]:
    """Names, essential names and unique names of the property lists, with `_short` endings written out."""
    section = CONTRACT.read_text().split("## 5. What is created in HubSpot")[1].split("Pipelines `")[0]
    names, essential, unique = set(), set(), set()
    bases = {"_type", "_practitioner", "_location"}
    base = ""
    for match in re.finditer(r"`([a-z0-9_]+)`(E?)( \(unique)?", section):
        name, marked, single = match.groups()
        if name.startswith("_"):
            # `_type` continues `cliniko_next_appointment_at`; `_arrived` continues `cliniko_appointments_booked`.
            stem = base.removesuffix("_at") if name in bases else base.removesuffix("_booked")
            name = stem + name
        else:
            base = name
        if not re.match(r"(cliniko_|update_|unlink_)", name) or name in {group.name for group in GROUPS}:
            continue
        names.add(name)
        essential |= {name} if marked else set()
        unique |= {name} if single else set()
    return names, essential, unique


@pytest.mark.skipif(not CONTRACT.exists(), reason="the product contract is not beside this checkout")
def test_the_catalogue_is_the_contract():
    names, essential, unique = listed_in_the_contract()
    assert {item.name for item in PROPERTIES} == names
    assert {item.name for item in PROPERTIES if item.essential} == essential
    assert {item.name for item in PROPERTIES if item.unique} == unique


def test_ten_essential_properties_fit_the_smallest_account():
    assert sum(item.essential for item in PROPERTIES) == 10


@pytest.mark.parametrize("object_type", OBJECT_TYPES)
def test_names_and_labels_are_unique_and_acceptable(object_type):
    items = properties_of(object_type)
    assert len({item.name for item in items}) == len({item.label.casefold() for item in items}) == len(items)
    for item in items:
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,99}", item.name)
        assert item.description.endswith(".")


def test_every_property_has_a_group_of_its_object_type():
    groups = {(group.object_type, group.name) for group in GROUPS}
    assert {(item.object_type, item.group) for item in PROPERTIES} == groups


def test_types_and_options_go_together():
    fields = {
        "string": {"text", "textarea"},
        "number": {"number"},
        "date": {"date"},
        "datetime": {"date"},
        "bool": {"booleancheckbox"},
        "enumeration": {"select"},
    }
    for item in PROPERTIES:
        assert item.field_type in fields[item.type]
        assert bool(item.options) == (item.type in ("bool", "enumeration"))
        if item.type == "bool":
            assert [(option.value, option.label) for option in item.options] == [("true", "Yes"), ("false", "No")]
        assert not item.unique or item.type == "string"


def test_pipelines():
    assert {
        pipeline.id: [(stage.id, stage.label, stage.probability) for stage in pipeline.stages] for pipeline in PIPELINES
    } == {
        "cliniko_appointments": [
            ("cliniko_appt_booked", "Booked", "0.5"),
            ("cliniko_appt_arrived", "Arrived", "1.0"),
            ("cliniko_appt_did_not_arrive", "Did Not Arrive", "0.0"),
            ("cliniko_appt_cancelled", "Cancelled", "0.0"),
        ],
        "cliniko_invoices": [
            ("cliniko_inv_open", "Open", "0.5"),
            ("cliniko_inv_paid", "Paid", "1.0"),
            ("cliniko_inv_closed", "Closed", "0.0"),
            ("cliniko_inv_open_credit", "Open Credit", "0.5"),
        ],
    }
    for pipeline in PIPELINES:
        assert len(pipeline.id) <= 36
        assert [stage.order for stage in pipeline.stages] == list(range(len(pipeline.stages)))
