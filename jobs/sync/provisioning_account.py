"""Provisioning of one installed account: its settings in, its report stored."""

from jobs.sync.provisioning import check, run
from jobs.sync.provisioning_types import Drift, PipelineChoice, Progress, ProvisionReport
from jobs.sync.wiring import hubspot_client_for
from webapp.store import accounts
from webapp.store.settings import get_settings


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
        accounts.save_provisioning(hub_id, report.as_dict())
    return report


def check_account(hub_id: int) -> Drift:
    """What differs in the account now. Raises UnknownAccount and the client's errors."""
    accounts.get_account(hub_id)
    settings = get_settings(hub_id)
    with hubspot_client_for(hub_id) as client:
        return check(client, settings)
