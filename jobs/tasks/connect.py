"""What the set-up page and the settings wait for: checking a Cliniko key, preparing HubSpot, starting the streams,
reading who could own deals."""

from jobs.context import in_app_context
from jobs.sync import connect, reference
from jobs.sync.contexts import NotRunning, SomebodyElse, disconnected, running
from jobs.sync.provisioning_account import provision_account
from jobs.sync.streams import switched_on
from jobs.sync.visit_facts import practitioner_emails, practitioners
from jobs.tasks.sync import enqueue_execution
from webapp import progress
from webapp.clients.cliniko.keys import BadKey
from webapp.clients.errors import ApiError, Forbidden, NeedsReconnect, Retryable
from webapp.store import connections, proofs, streams
from webapp.store.connections import OtherClinikoAccount
from webapp.store.settings import get_settings

PREPARE = "prepare"
OWNERS = "owners"


@in_app_context
def check_key(hub_id: int, attempt_id: str) -> None:
    """Check the key of an attempt and store how it ended. A repeat of a finished attempt does nothing."""
    attempt = connections.get_attempt(hub_id, attempt_id)
    if attempt is None or attempt.state != "checking" or not attempt.api_key:
        return
    key, replace = attempt.api_key, attempt.replace
    try:
        result = connect.connect_cliniko(hub_id, key, replace)
    except OtherClinikoAccount as error:
        report = {"connected": error.connected, "offered": error.offered}
        connections.finish_attempt(hub_id, attempt_id, "needs_confirmation", None, report)
    except (BadKey, connect.KeyCannotRead) as error:
        connections.finish_attempt(hub_id, attempt_id, "refused", str(error), None)
    except ApiError as error:
        connections.finish_attempt(hub_id, attempt_id, "refused", _cliniko_words(error), None)
    except Exception:
        connections.finish_attempt(hub_id, attempt_id, "refused", "Something went wrong on our side. Try again.", None)
        raise
    else:
        connections.finish_attempt(hub_id, attempt_id, "connected", None, result.as_dict())


@in_app_context
def prepare_hubspot(hub_id: int) -> None:
    """Create our properties and pipelines, telling the page how far it is."""

    def show(text: str, done: int, total: int) -> None:
        progress.report(hub_id, PREPARE, state="working", text=text, done=done, total=total)

    try:
        report = provision_account(hub_id, progress=show)
    except ApiError as error:
        progress.report(hub_id, PREPARE, state="failed", text=_hubspot_words(error))
    except Exception:
        progress.report(hub_id, PREPARE, state="failed", text="Something went wrong on our side. Try again.")
        raise
    else:
        messages = list(report.messages)
        if report.can_sync_patients:
            progress.report(hub_id, PREPARE, state="done", text="", messages=messages)
        else:
            text = "HubSpot did not let us create everything that patients need."
            progress.report(hub_id, PREPARE, state="failed", text=text, messages=messages)


@in_app_context
def start_streams(hub_id: int) -> None:
    """Run every stream that the account has switched on, now; and from the next night on the reconcile."""
    for stream in streams.request_run(hub_id, switched_on(get_settings(hub_id))):
        enqueue_execution(hub_id, stream)
    proofs.plan(hub_id)


@in_app_context
def read_owners(hub_id: int) -> None:
    """Read practitioners and HubSpot's owners anew. Whoever reads them already does no harm."""
    try:
        with running(hub_id, OWNERS) as ctx:
            reference.look_again(ctx, "practitioners", "users", "owners")
            practitioner_emails(ctx, practitioners(ctx))
            reference.owner_book(ctx)
            ctx.commit()
    except NeedsReconnect as error:
        disconnected(hub_id, error)
        progress.report(hub_id, OWNERS, state="failed", text=f"{error.service.capitalize()} gives us no access.")
    except (NotRunning, SomebodyElse):
        progress.report(hub_id, OWNERS, state="failed", text="The account is paused or not set up yet.")
    except ApiError:
        progress.report(hub_id, OWNERS, state="failed", text="Cliniko or HubSpot did not answer. Try again.")
    else:
        progress.report(hub_id, OWNERS, state="done", text="")


def _cliniko_words(error: ApiError) -> str:
    if isinstance(error, NeedsReconnect):
        return (
            "Cliniko does not accept this key. Copy it again from Cliniko, My Info, Manage API keys; "
            "a key that was deleted there stops working at once."
        )
    if isinstance(error, Forbidden):
        return "Cliniko does not let this user use the API. Ask a Cliniko administrator for another key."
    if isinstance(error, Retryable):
        return "Cliniko does not answer right now, so the key was not checked. Try again in a minute."
    return "Cliniko did not accept the check of this key. Try again, or use another key."


def _hubspot_words(error: ApiError) -> str:
    if isinstance(error, NeedsReconnect):
        return "HubSpot no longer accepts our access. Install CRMConnect again from HubSpot."
    if isinstance(error, Forbidden):
        missing = ", ".join(error.missing_scopes)
        return (
            f"HubSpot does not allow this{': missing ' + missing if missing else ''}. Install again and agree to all."
        )
    if isinstance(error, Retryable):
        return "HubSpot does not answer right now. What was created stays; try again in a minute."
    return "HubSpot refused a part of the set-up. Try again; what was created stays."
