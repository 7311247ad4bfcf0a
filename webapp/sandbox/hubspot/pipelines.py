"""Deal pipelines and their stages (https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from webapp.sandbox.hubspot import defaults
from webapp.sandbox.hubspot.api import VERSIONS, Call, Reply, Route
from webapp.sandbox.hubspot.errors import HubSpotError, bad_request, not_found
from webapp.sandbox.hubspot.portal import make_stage
from webapp.sandbox.hubspot.validation import stamp

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import Portal

_MOST_STAGES = 100


def pipeline_cap(portal: Portal) -> int:
    return portal.pipeline_cap if portal.pipeline_cap is not None else defaults.PIPELINE_CAPS[portal.tier]


def shown(pipeline: dict[str, Any]) -> dict[str, Any]:
    return {**pipeline, "stages": sorted(pipeline["stages"].values(), key=lambda stage: stage["displayOrder"])}


def _deals_only(obj: str) -> None:
    if obj != "deals":
        raise bad_request(f"Pipelines are not enabled for {obj}")


def _pipeline(call: Call, obj: str, pipeline_id: str) -> dict[str, Any]:
    _deals_only(obj)
    found = call.portal.pipelines.get(pipeline_id)
    if found is None:
        raise not_found(f"Pipeline {pipeline_id} does not exist")
    return found


def _stage(pipeline: dict[str, Any], stage_id: str) -> dict[str, Any]:
    found: dict[str, Any] | None = pipeline["stages"].get(stage_id)
    if found is None:
        raise not_found(f"Stage {stage_id} does not exist in pipeline {pipeline['id']}")
    return found


def _probability(body: dict[str, Any]) -> str:
    given = str((body.get("metadata") or {}).get("probability", ""))
    if not re.fullmatch(r"0(\.\d)?|1(\.0)?|0?\.\d", given):
        raise bad_request(
            "Error validating request.",
            errors=[{"message": "probability is required: 0.0 to 1.0 in steps of 0.1", "in": "metadata"}],
        )
    return f"{float(given):.1f}"


def _add_stage(portal: Portal, pipeline: dict[str, Any], body: dict[str, Any], stages: dict[str, Any]) -> str:
    """Checks one stage and puts it into `stages` (the pipeline's own, or those of one being made)."""
    label = str(body.get("label") or "")
    if not label:
        raise bad_request("Invalid input JSON: Some required fields were not set: [label]")
    stage_id = str(body.get("stageId") or portal.stores["deals"].allocate())
    if len(stage_id) > 100:
        raise HubSpotError(500, "INTERNAL_ERROR", "internal error")
    holder = portal.stage_pipeline(stage_id)
    if stage_id in stages or (holder and holder != pipeline["id"]):
        raise HubSpotError(
            409,
            "CONFLICT",
            f"Stage id {stage_id} exists in another pipeline",
            sub_category="PipelineError.STAGE_ID_EXISTS_IN_ANOTHER_PIPELINE",
        )
    _check_stage_label(stages, label, stage_id)
    if len(stages) >= _MOST_STAGES:
        raise bad_request(f"You have reached your limit of {_MOST_STAGES} stages.")
    order = int(body.get("displayOrder", len(stages)))
    stages[stage_id] = make_stage(stage_id, label, order, _probability(body), stamp(portal.now()))
    return stage_id


def _check_stage_label(stages: dict[str, Any], label: str, stage_id: str) -> None:
    for other in stages.values():
        if other["id"] != stage_id and other["label"].lower() == label.lower():
            raise bad_request(f"Stage label {label} already exists", sub_category="PipelineError.STAGE_LABEL_EXISTS")


def _check_label(portal: Portal, label: str, pipeline_id: str) -> None:
    for other in portal.pipelines.values():
        if other["id"] != pipeline_id and other["label"].lower() == label.lower():
            raise bad_request(f"An active pipeline with label {label} already exists")


def list_all(call: Call, obj: str) -> Reply:
    _deals_only(obj)
    found = sorted(call.portal.pipelines.values(), key=lambda pipeline: pipeline["displayOrder"])
    return 200, {"results": [shown(pipeline) for pipeline in found]}


def read(call: Call, obj: str, pipeline_id: str) -> Reply:
    return 200, shown(_pipeline(call, obj, pipeline_id))


def create(call: Call, obj: str) -> Reply:
    _deals_only(obj)
    portal, body = call.portal, call.json()
    label = str(body.get("label") or "")
    pipeline_id = str(body.get("pipelineId") or portal.stores["deals"].allocate())
    if not label or not body.get("stages"):
        raise bad_request("Invalid input JSON: a pipeline needs a label and at least one stage")
    if len(pipeline_id) > 36:
        raise HubSpotError(500, "INTERNAL_ERROR", "internal error")
    cap = pipeline_cap(portal)
    if len(portal.pipelines) >= cap:
        raise bad_request(
            "Error validating request.",
            errors=[
                {
                    "message": f"You have reached your limit of {cap} deal pipelines.",
                    "context": {"maximum pipelines": [str(cap)]},
                }
            ],
        )
    if pipeline_id in portal.pipelines:
        raise bad_request(f"There is another pipeline in this account with pipelineId {pipeline_id}")
    _check_label(portal, label, pipeline_id)
    at = stamp(call.now)
    stages: dict[str, Any] = {}
    made = {"id": pipeline_id, "label": label, "displayOrder": int(body.get("displayOrder", len(portal.pipelines)))}
    made |= {"archived": False, "createdAt": at, "updatedAt": at, "stages": stages}
    for stage in body["stages"]:
        _add_stage(portal, made, stage, stages)
    portal.pipelines[pipeline_id] = made
    return 201, shown(made)


def update(call: Call, obj: str, pipeline_id: str) -> Reply:
    found, body = _pipeline(call, obj, pipeline_id), call.json()
    if "label" in body:
        _check_label(call.portal, str(body["label"]), pipeline_id)
    found.update({key: body[key] for key in ("label", "displayOrder") if key in body}, updatedAt=stamp(call.now))
    return 200, shown(found)


def replace(call: Call, obj: str, pipeline_id: str) -> Reply:
    """PUT: the stages that are not in the body are gone afterwards."""
    found, body = _pipeline(call, obj, pipeline_id), call.json()
    stages: dict[str, Any] = {}
    for stage in body.get("stages") or []:
        _add_stage(call.portal, found, stage, stages)
    if not stages:
        raise bad_request("A pipeline needs at least one stage")
    _refuse_in_use(call, [stage_id for stage_id in found["stages"] if stage_id not in stages])
    _check_label(call.portal, str(body.get("label", found["label"])), pipeline_id)
    found.update(label=body.get("label", found["label"]), stages=stages, updatedAt=stamp(call.now))
    return 200, shown(found)


def _refuse_in_use(call: Call, stage_ids: list[str]) -> None:
    wanted = set(stage_ids)
    using = [d.id for d in call.portal.deals if not d.archived and d.properties.get("dealstage") in wanted]
    flag = call.request.args.get("validateDealStageUsagesBeforeDelete", "true")
    if using and flag != "false":
        raise bad_request(
            "Stages are in use by deals.",
            sub_category="PipelineError.STAGE_ID_IN_USE",
            context={"stageIds": stage_ids, "objectIds": using[:100]},
        )


def delete(call: Call, obj: str, pipeline_id: str) -> Reply:
    found = _pipeline(call, obj, pipeline_id)
    if len(call.portal.pipelines) == 1:
        raise bad_request("The last pipeline cannot be deleted")
    _refuse_in_use(call, list(found["stages"]))
    del call.portal.pipelines[pipeline_id]
    return 204, None


def list_stages(call: Call, obj: str, pipeline_id: str) -> Reply:
    return 200, {"results": shown(_pipeline(call, obj, pipeline_id))["stages"]}


def read_stage(call: Call, obj: str, pipeline_id: str, stage_id: str) -> Reply:
    return 200, _stage(_pipeline(call, obj, pipeline_id), stage_id)


def create_stage(call: Call, obj: str, pipeline_id: str) -> Reply:
    pipeline = _pipeline(call, obj, pipeline_id)
    stage_id = _add_stage(call.portal, pipeline, call.json(), pipeline["stages"])
    return 201, pipeline["stages"][stage_id]


def update_stage(call: Call, obj: str, pipeline_id: str, stage_id: str) -> Reply:
    pipeline, body = _pipeline(call, obj, pipeline_id), call.json()
    found = _stage(pipeline, stage_id)
    label = str(body.get("label", found["label"]))
    _check_stage_label(pipeline["stages"], label, stage_id)
    probability = _probability(body) if body.get("metadata") else found["metadata"]["probability"]
    order = int(body.get("displayOrder", found["displayOrder"]))
    made = make_stage(stage_id, label, order, probability, stamp(call.now))
    found.update({**made, "createdAt": found["createdAt"]})
    return 200, found


def delete_stage(call: Call, obj: str, pipeline_id: str, stage_id: str) -> Reply:
    pipeline = _pipeline(call, obj, pipeline_id)
    if stage_id in pipeline["stages"]:
        if len(pipeline["stages"]) == 1:
            raise bad_request("The last stage of a pipeline cannot be deleted")
        _refuse_in_use(call, [stage_id])
        del pipeline["stages"][stage_id]
    return 204, None  # also for a stage that never was


_BASE = f"/crm/pipelines/{VERSIONS}/<obj>"
_ONE = f"{_BASE}/<pipeline_id>"
_READ = ("crm.schemas.{obj}.read", "crm.objects.{obj}.read")
_WRITE = ("crm.schemas.{obj}.write",)
ROUTES = [
    Route("GET", _BASE, list_all, _READ),
    Route("POST", _BASE, create, _WRITE),
    Route("GET", _ONE, read, _READ),
    Route("PATCH", _ONE, update, _WRITE),
    Route("PUT", _ONE, replace, _WRITE),
    Route("DELETE", _ONE, delete, _WRITE),
    Route("GET", f"{_ONE}/stages", list_stages, _READ),
    Route("POST", f"{_ONE}/stages", create_stage, _WRITE),
    Route("GET", f"{_ONE}/stages/<stage_id>", read_stage, _READ),
    Route("PATCH", f"{_ONE}/stages/<stage_id>", update_stage, _WRITE),
    Route("DELETE", f"{_ONE}/stages/<stage_id>", delete_stage, _WRITE),
]
