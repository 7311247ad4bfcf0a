"""Provisioning of one installed account: its settings in, its report stored."""

from collections.abc import Mapping
from typing import Any

from jobs.sync import causes
from jobs.sync.provisioning import check, run
from jobs.sync.provisioning_types import Drift, PipelineChoice, Progress, ProvisionReport
from jobs.sync.wiring import hubspot_client_for
from webapp.store import accounts, issues, streams
from webapp.store.settings import get_settings

# The streams that write records of each type.
STREAMS_OF = {"contacts": ("patients", "contacts"), "deals": ("appointments", "invoices")}


def provision_account(
    hub_id: int, choice: PipelineChoice | None = None, progress: Progress | None = None
) -> ProvisionReport:
    """Create and repair what the account needs; the choice of pipelines comes from its settings unless given.

    The report is stored only when patients can be synced with what is there. Raises UnknownAccount and the client's
    errors.
    """
    accounts.get_account(hub_id)
    settings = get_settings(hub_id)
    with hubspot_client_for(hub_id) as client:
        report = run(client, choice or PipelineChoice.from_settings(settings), progress)
    if report.can_sync_patients:
        before = accounts.get_account(hub_id).provision_report
        accounts.save_provisioning(hub_id, report.as_dict())
        _catch_up(hub_id, before or {}, report)
    return report


def _catch_up(hub_id: int, before: Mapping[str, Any], report: ProvisionReport) -> None:
    """What became possible is written in the next cycles: values of new properties, records that waited for them."""
    gained = {
        kind
        for kind, names in report.usable_properties.items()
        if before and set(names) - set(before.get(f"{kind.removesuffix('s')}_properties", ()))
    }
    wanted = {stream for kind in gained for stream in STREAMS_OF[kind]}
    then, now = _places(before), _places(report.as_dict())
    # Deals go to where the account keeps them now.
    wanted |= {stream for stream in STREAMS_OF["deals"] if before and then.get(stream) != now.get(stream)}
    if wanted:
        streams.ask_reread(hub_id, sorted(wanted))
    issues.retry_causes(
        hub_id,
        (
            causes.PROPERTY_MISSING,
            causes.FIELD_REFUSED,
            causes.REFUSED,
            causes.STAGE_MISSING,
            causes.CURRENCY_REFUSED,
        ),
    )


def _places(report: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """{stream: its pipeline and stages}."""
    return {item["stream"]: (item["pipeline_id"], item["stages"]) for item in report.get("pipelines", ())}


def check_account(hub_id: int) -> Drift:
    """What differs in the account now. Raises UnknownAccount and the client's errors."""
    accounts.get_account(hub_id)
    settings = get_settings(hub_id)
    with hubspot_client_for(hub_id) as client:
        return check(client, settings)
