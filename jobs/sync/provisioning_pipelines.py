"""Deal pipelines and stages: our own, our stages in the default pipeline, or a mapped one.

A pipeline that the customer has is only ever added to. PUT is never used: it would purge stages that it does not list.
"""

import re
from typing import Any

from jobs.mapping.catalogue import Pipeline, Stage
from jobs.sync.provisioning_compare import expected_stages, find_pipeline
from jobs.sync.provisioning_properties import LABEL_SUFFIX, Done, already_exists, full_text, reason
from jobs.sync.provisioning_types import (
    Limits,
    PipelineChoice,
    PipelineMode,
    PipelineOutcome,
    Portal,
    PortalPipeline,
)
from webapp.clients.errors import Rejected
from webapp.clients.hubspot import schema
from webapp.clients.hubspot.client import HubSpotClient

_AT_LIMIT = re.compile(r"reached your limit of \d+ deal pipeline|API_LIMIT", re.IGNORECASE)
_LABEL_TAKEN = re.compile(r"STAGE_LABEL_EXISTS|with label|label.{0,80}(exists|unique)", re.IGNORECASE | re.DOTALL)

# Several streams may share the default pipeline, where “Open” or “Closed” alone would say nothing.
_STAGE_PREFIX = {"appointments": "Appointment", "invoices": "Invoice"}


def settle(portal: Portal, limits: Limits, choice: PipelineChoice) -> tuple[PipelineChoice, str | None]:
    """Turn `auto` into a decision, with the sentence that says so when deals have to be left out."""
    if choice.mode is not PipelineMode.AUTO:
        return choice, None
    lacking = [item for item in choice.pipelines() if find_pipeline(portal, item.id) is None]
    room = pipeline_room(portal, limits)
    if room is None or len(lacking) <= room:
        return PipelineChoice(PipelineMode.OWN, choice.streams), None
    return PipelineChoice(PipelineMode.CONTACTS_ONLY, ()), no_room_message(portal, limits, len(lacking))


def pipeline_room(portal: Portal, limits: Limits) -> int | None:
    """How many more deal pipelines the account may have; None when HubSpot does not say.

    HubSpot's usage may leave out the default pipeline, so the pipelines that are there are counted as well.
    """
    room = limits.deal_pipelines
    if room.limit is None:
        return None
    return max(room.limit - max(len(portal.pipelines), room.used or 0), 0)


def no_room_message(portal: Portal, limits: Limits, lacking: int) -> str:
    return (
        f"This HubSpot account may have {limits.deal_pipelines.limit} deal pipelines and has {len(portal.pipelines)}; "
        f"{lacking} more would be needed. Only contacts are synced until you choose an existing pipeline, "
        "add our stages to the default pipeline, or keep one kind of deal."
    )


def put_pipelines(
    client: HubSpotClient, portal: Portal, limits: Limits, choice: PipelineChoice, done: Done
) -> tuple[PipelineOutcome, ...]:
    """Create what the choice needs; one outcome per stream, with no pipeline where that was not possible."""
    return tuple(_put(client, portal, limits, choice, ours, done) for ours in choice.pipelines())


def _put(
    client: HubSpotClient, portal: Portal, limits: Limits, choice: PipelineChoice, ours: Pipeline, done: Done
) -> PipelineOutcome:
    mode = _mode(choice, ours)
    none = PipelineOutcome(ours.stream, mode, None)
    pipeline, stages = expected_stages(portal, choice, ours)
    if pipeline is None:
        if mode is not PipelineMode.OWN:
            done.messages.append(f"The pipeline chosen for {ours.stream} is not in HubSpot. Choose another one.")
            return none
        return PipelineOutcome(ours.stream, mode, ours.id, stages) if _create(client, ours, limits, done) else none
    present = {stage.id for stage in pipeline.stages}
    prefix = "" if pipeline.id == ours.id else f"{_STAGE_PREFIX[ours.stream]}: "
    order = 1 + max((stage.order for stage in pipeline.stages), default=-1)
    for stage in ours.stages:
        # Only stages with our own ids are ours to add; a stage that the customer chose and removed is theirs to choose.
        if stages.get(stage.id) == stage.id and stage.id not in present:
            _add_stage(client, pipeline, stage, prefix + stage.label, order, done)
            order += 1
    unusable = [stage for stage in ours.stages if stages.get(stage.id) not in present | {stage.id}]
    if unusable:
        labels = ", ".join(stage.label for stage in unusable)
        done.messages.append(f"Choose a stage of “{pipeline.label}” for {ours.stream}: {labels}.")
        return none
    return PipelineOutcome(ours.stream, mode, pipeline.id, stages)


def _mode(choice: PipelineChoice, ours: Pipeline) -> PipelineMode:
    if ours.stream in choice.targets:
        return PipelineMode.MAPPED
    # With one stream mapped, the other one still goes to our own pipeline.
    return PipelineMode.OWN if choice.mode is PipelineMode.MAPPED else choice.mode


def _create(client: HubSpotClient, ours: Pipeline, limits: Limits, done: Done) -> bool:
    for label in (ours.label, ours.label + LABEL_SUFFIX):
        try:
            schema.create_pipeline(client, "deals", pipeline_definition(ours, label))
        except Rejected as error:
            if find_pipeline_now(client, ours.id):
                return True  # another run made it at the same moment
            text = full_text(error)
            if _AT_LIMIT.search(text):
                done.messages.append(
                    f"This HubSpot account may not have another deal pipeline, so {ours.stream} are not synced."
                )
                return False
            if _LABEL_TAKEN.search(text) and label == ours.label:
                continue
            done.messages.append(f"HubSpot refused the pipeline “{ours.label}”: {reason(error)}")
            return False
        done.created.append(ours.id)
        if label != ours.label:
            done.messages.append(f"Another pipeline is called “{ours.label}”, so ours is called “{label}”.")
        return True
    return False


def _add_stage(
    client: HubSpotClient, pipeline: PortalPipeline, stage: Stage, label: str, order: int, done: Done
) -> None:
    for name in (label, label + LABEL_SUFFIX):
        try:
            schema.create_stage(client, "deals", pipeline.id, stage_definition(stage, name, order))
        except Rejected as error:
            if _LABEL_TAKEN.search(full_text(error)) and name == label:
                continue
            if not already_exists(error):
                done.messages.append(f"HubSpot refused the stage “{label}”: {reason(error)}")
            return
        done.created.append(stage.id)
        return


def find_pipeline_now(client: HubSpotClient, pipeline_id: str) -> bool:
    return any(item.id == pipeline_id for item in schema.list_pipelines(client, "deals"))


def pipeline_definition(ours: Pipeline, label: str) -> dict[str, Any]:
    """The pipeline as HubSpot's create call takes it."""
    return {
        "pipelineId": ours.id,
        "label": label,
        "displayOrder": 1,
        "stages": [stage_definition(stage, stage.label, stage.order) for stage in ours.stages],
    }


def stage_definition(stage: Stage, label: str, order: int) -> dict[str, Any]:
    return {
        "stageId": stage.id,
        "label": label,
        "displayOrder": order,
        "metadata": {"probability": stage.probability},
    }
