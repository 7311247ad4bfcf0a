"""Provisioning: what we create in a HubSpot account, the check of it, and its repair.

`run` may be repeated at any time and by two workers at once: what is there already counts as done.
"""

from collections.abc import Mapping

from jobs.mapping.catalogue import OBJECT_TYPES, PROPERTIES, STANDARD, Property, properties_of
from jobs.sync.provisioning_compare import drift_of, fitting, missing_groups, missing_properties
from jobs.sync.provisioning_pipelines import put_pipelines, settle
from jobs.sync.provisioning_portal import read_limits, read_portal
from jobs.sync.provisioning_properties import Done, create_groups, create_properties, repair_properties
from jobs.sync.provisioning_types import (
    Difference,
    Drift,
    Limits,
    PipelineChoice,
    PipelineMode,
    PipelineOutcome,
    PipelineSettings,
    PipelineTarget,
    Portal,
    Progress,
    ProvisionReport,
)
from webapp.clients.hubspot.client import HubSpotClient

__all__ = [
    "Difference",
    "Drift",
    "PipelineChoice",
    "PipelineMode",
    "PipelineOutcome",
    "PipelineTarget",
    "ProvisionReport",
    "check",
    "run",
]

_STEPS = 6


def check(client: HubSpotClient, settings: PipelineSettings) -> Drift:
    """What differs from what we provisioned: missing, of another type, not unique, lacking choices. Changes nothing."""
    portal = read_portal(client)
    limits = read_limits(client)
    choice, _ = settle(portal, limits, PipelineChoice.from_settings(settings))
    return drift_of(portal, choice, limits)


def run(
    client: HubSpotClient,
    choice: PipelineChoice | None = None,
    progress: Progress | None = None,
    expected_records: Mapping[str, int] | None = None,
) -> ProvisionReport:
    """Create what is missing and repair what differs; `expected_records` is what a first sync would create, by type.

    Raises the client's errors (no permission, HubSpot not answering); running again continues.
    """
    step = _Steps(progress)
    step("Reading what the account allows")
    limits, portal, done = read_limits(client), read_portal(client), Done()
    missing = missing_properties(portal)
    wanted = fitting(missing, limits)
    step("Property groups")
    create_groups(client, missing_groups(portal, wanted), done)
    for object_type in OBJECT_TYPES:
        step(f"Properties of {object_type}")
        mine = [item for item in wanted if item.object_type == object_type]
        create_properties(client, object_type, mine, done)
    repair_properties(client, portal, PROPERTIES, done)
    step("Deal pipelines")
    settled, statement = settle(portal, limits, choice or PipelineChoice())
    if statement:
        done.messages.append(statement)
    outcomes = put_pipelines(client, portal, limits, settled, done)
    step("Checking the result")
    report = _report(read_portal(client), limits, settled, outcomes, done, expected_records or {})
    step("Done")
    return report


class _Steps:
    """Tells the caller where the run is."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._done = 0

    def __call__(self, text: str) -> None:
        if self._progress:
            self._progress(text, self._done, _STEPS)
        self._done += 1


def _report(
    portal: Portal,
    limits: Limits,
    choice: PipelineChoice,
    outcomes: tuple[PipelineOutcome, ...],
    done: Done,
    expected_records: Mapping[str, int],
) -> ProvisionReport:
    # HubSpot may list something a moment after it said that it was created.
    made = set(done.created)
    missing = [item for item in missing_properties(portal) if item.name not in made]
    differences = tuple(item for item in drift_of(portal, choice).differences if not _told_elsewhere(item, made))
    absent = {item.name for item in missing}
    usable: dict[str, tuple[str, ...]] = {
        kind: (
            *(item.name for item in properties_of(kind) if item.name not in absent),
            *(name for name in STANDARD[kind] if name in portal.properties[kind]),
        )
        for kind in OBJECT_TYPES
    }
    without = {kind: tuple(item.name for item in missing if item.object_type == kind) for kind in OBJECT_TYPES}
    broken = any(item.what == "property" and item.problem in ("type", "unique") for item in differences)
    essential_missing = any(item.essential for item in missing)
    return ProvisionReport(
        ok=not broken and not essential_missing and all(item.pipeline_id for item in outcomes),
        created=tuple(done.created),
        repaired=tuple(done.repaired),
        missing_properties={kind: names for kind, names in without.items() if names},
        usable_properties=usable,
        pipelines=outcomes,
        drift=Drift(differences),
        limits=limits,
        messages=(*done.messages, *_property_messages(missing), *_record_messages(limits, expected_records)),
    )


def _told_elsewhere(item: Difference, made: set[str]) -> bool:
    return item.problem == "missing" and (item.what == "property" or item.name in made)


def _property_messages(missing: list[Property]) -> list[str]:
    if not missing:
        return []
    essential = [item.label for item in missing if item.essential]
    if essential:
        return [
            f"{len(essential)} properties that the sync cannot work without are missing: {', '.join(essential)}. "
            "Remove custom properties that you no longer need in HubSpot, then repair."
        ]
    return [
        f"This HubSpot account allows no more custom properties: {len(missing)} are missing. The sync works with the "
        "others; the values of the missing ones are not shown in HubSpot."
    ]


def _record_messages(limits: Limits, expected: Mapping[str, int]) -> list[str]:
    messages = []
    for kind, count in expected.items():
        left = limits.records[kind].left if kind in limits.records else None
        if left is not None and count > left:
            messages.append(
                f"A first sync would create {count:,} {kind}, and this HubSpot account has room for {left:,} more."
            )
    return messages
