"""What differs between the catalogue and an account: pure comparison."""

from collections.abc import Iterator

from jobs.mapping.catalogue import DEALS, GROUPS, PROPERTIES, Group, Pipeline, Property
from jobs.sync.provisioning_types import (
    Difference,
    Drift,
    Limits,
    PipelineChoice,
    PipelineMode,
    Portal,
    PortalPipeline,
    PortalProperty,
)

DEFAULT_PIPELINE = "default"


def drift_of(portal: Portal, choice: PipelineChoice, limits: Limits | None = None) -> Drift:
    """Everything that a repair would change or that a person has to change.

    With `limits`, a missing property that the account has no room for is not drift, unless it is essential.
    """
    missing = missing_properties(portal)
    room_for = set(missing if limits is None else fitting(missing, limits))
    told = [item for item in missing if item.essential or item in room_for]
    return Drift(
        (
            *(_property(item, "missing", "is missing") for item in told),
            *_property_differences(portal),
            *_pipeline_differences(portal, choice),
        )
    )


def missing_properties(portal: Portal) -> list[Property]:
    """What is not there yet, essential ones first."""
    missing = [item for item in PROPERTIES if item.name not in portal.properties[item.object_type]]
    return sorted(missing, key=lambda item: not item.essential)


def fitting(missing: list[Property], limits: Limits) -> list[Property]:
    """As many of `missing`, in order, as the account's limits allow."""
    left = limits.properties.left
    by_type = {name: room.left for name, room in limits.properties_by_type.items()}
    chosen: list[Property] = []
    for item in missing:
        type_left = by_type.get(item.object_type)
        if (left is not None and left <= 0) or (type_left is not None and type_left <= 0):
            continue
        chosen.append(item)
        left = None if left is None else left - 1
        if type_left is not None:
            by_type[item.object_type] = type_left - 1
    return chosen


def missing_groups(portal: Portal, wanted: list[Property]) -> list[Group]:
    """Groups that the wanted properties need. An emptied or renamed group is the customer's choice."""
    needed = {(item.object_type, item.group) for item in wanted}
    return [
        group
        for group in GROUPS
        if (group.object_type, group.name) in needed and group.name not in portal.groups[group.object_type]
    ]


def missing_options(ours: Property, theirs: PortalProperty) -> list[str]:
    """Values of our own drop-down lists that the account lacks, in our order."""
    if ours.type != "enumeration" or theirs.type != "enumeration":
        return []
    present = {option.value for option in theirs.options}
    return [option.value for option in ours.options if option.value not in present]


def find_pipeline(portal: Portal, pipeline_id: str) -> PortalPipeline | None:
    return next((item for item in portal.pipelines if item.id == pipeline_id), None)


def default_pipeline(portal: Portal) -> PortalPipeline | None:
    """The pipeline with HubSpot's usual id, else the first one shown that is not ours."""
    named = find_pipeline(portal, DEFAULT_PIPELINE)
    others = [item for item in portal.pipelines if not item.id.startswith("cliniko_")]
    return named or min(others, key=lambda item: item.order, default=None)


def _property_differences(portal: Portal) -> Iterator[Difference]:
    for ours in PROPERTIES:
        theirs = portal.properties[ours.object_type].get(ours.name)
        if theirs is None:
            continue
        if theirs.type != ours.type:
            yield _property(ours, "type", f"was changed to the type {theirs.type}; it has to be {ours.type}")
        if ours.unique and not theirs.unique:
            yield _property(
                ours,
                "unique",
                "does not require unique values. HubSpot cannot change that: delete the property there, then repair",
            )
        lacking = missing_options(ours, theirs)
        if lacking:
            yield _property(ours, "options", f"lacks the choices {', '.join(lacking)}")


def _property(item: Property, problem: str, text: str) -> Difference:
    return Difference(
        "property", item.object_type, item.name, problem, f"The property “{item.label}” ({item.name}) {text}."
    )


def _pipeline_differences(portal: Portal, choice: PipelineChoice) -> Iterator[Difference]:
    for ours in choice.pipelines():
        pipeline, stages = expected_stages(portal, choice, ours)
        if pipeline is None:
            name = choice.targets[ours.stream].pipeline_id if ours.stream in choice.targets else ours.id
            yield Difference(
                "pipeline", DEALS, name, "missing", f"The pipeline for {ours.stream} ({name}) is missing in HubSpot."
            )
            continue
        present = {stage.id for stage in pipeline.stages}
        for stage in ours.stages:
            theirs = stages.get(stage.id)
            if theirs is None:
                text = f"No stage of “{pipeline.label}” is chosen for “{stage.label}”."
                yield Difference("stage", DEALS, stage.id, "missing", text)
            elif theirs not in present:
                text = f"The stage for “{stage.label}” ({theirs}) is missing in “{pipeline.label}”."
                yield Difference("stage", DEALS, theirs, "missing", text)


def expected_stages(
    portal: Portal, choice: PipelineChoice, ours: Pipeline
) -> tuple[PortalPipeline | None, dict[str, str]]:
    """The account's pipeline for one of ours under this choice, and our stage id → the id it has to have there."""
    target = choice.targets.get(ours.stream)
    if target is not None:
        return find_pipeline(portal, target.pipeline_id), dict(target.stages)
    same = {stage.id: stage.id for stage in ours.stages}
    if choice.mode is PipelineMode.DEFAULT_STAGES:
        return default_pipeline(portal), same
    return find_pipeline(portal, ours.id), same
