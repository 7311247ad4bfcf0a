"""What `sync run` says about a stream: in sync and by how much, or why not and what to do."""

from collections.abc import Mapping
from datetime import datetime

from jobs.sync import causes
from webapp.cli.sync_loop import StreamRun
from webapp.clock import now

# Why a stream stopped or waits; {hub_id} and {stream} are filled in.
REASONS: Mapping[str, str] = {
    "paused": "Syncing is paused. Resume it with: accounts resume {hub_id}",
    causes.UNINSTALLED: "HubSpot no longer gives us access. Install CRMConnect again from HubSpot.",
    causes.NOT_CONNECTED: "Cliniko is not connected. Connect it with: accounts connect-cliniko {hub_id}",
    causes.KEY_REVOKED: (
        "Cliniko no longer accepts the API key. Enter a new one with: accounts connect-cliniko {hub_id}"
    ),
    causes.NOT_PROVISIONED: "HubSpot is not prepared. Prepare it with: provision run {hub_id}",
    causes.LIST_FORBIDDEN: (
        "The Cliniko user of the API key may not read this list. "
        "Enter a key of a user who may with: accounts connect-cliniko {hub_id}"
    ),
    causes.MISSING_SCOPES: (
        "HubSpot did not give all the permissions that are needed. Install CRMConnect again from HubSpot and agree "
        "to all."
    ),
    causes.RATE_LIMITED: "Cliniko or HubSpot asked us to wait.",
    causes.UNAVAILABLE: "Cliniko or HubSpot does not answer.",
    causes.REFUSED: "HubSpot or Cliniko refused a request that belongs to no single record. The log names it.",
    causes.OUR_FAULT: (
        "HubSpot or Cliniko does not accept how this service introduces itself. Check HUBSPOT_CLIENT_ID, "
        "HUBSPOT_CLIENT_SECRET and CLINIKO_CONTACT_EMAIL."
    ),
    causes.BUSY: "Another process is syncing this account.",
    causes.NO_PIPELINE: "HubSpot has no pipeline for these deals. Set one up with: provision run {hub_id}",
    causes.AFTER_PATIENTS: "Patients have to be synced once before. Run it without --stream.",
}
_COUNTS = (
    ("read", "read"),
    ("created", "created"),
    ("linked", "linked to contacts that were there"),
    ("updated", "updated"),
    ("unchanged", "unchanged"),
    ("separate", "kept apart because they share an email address"),
    ("held", "held for a decision"),
    ("left_out", "left out"),
    ("deleted_in_hubspot", "deleted in HubSpot"),
    ("issues", "with an issue"),
)


def explain(hub_id: int, run: StreamRun) -> str:
    """Why the stream did not end well, and what to do."""
    reason = REASONS.get(run.cause or "", "Something stopped it. The log says what.")
    text = reason.format(hub_id=hub_id, stream=run.stream)
    if run.outcome == "waiting" and run.until is not None:
        text += f" Nothing is lost. It goes on after {clock(run.until)}: run it again then, or with --until-idle."
    elif run.outcome == "busy":
        text += " Nothing needs doing: that one goes on by itself."
    return text


def outcome_line(hub_id: int, run: StreamRun) -> str:
    """`Patients: in sync. 1,204 read, 12 updated, 1,192 unchanged.`"""
    name = run.stream.capitalize()
    counts = counts_text(run)
    if run.well:
        return f"{name}: in sync. {counts[0].upper()}{counts[1:]}."
    state = {"waiting": "not finished", "busy": "not finished"}.get(run.outcome, "stopped")
    return f"{name}: {state}, {counts}. {explain(hub_id, run)}"


def counts_text(run: StreamRun) -> str:
    """The numbers that are not zero."""
    shown = [f"{run.counts[name]:,} {words}" for name, words in _COUNTS if run.counts.get(name)]
    return ", ".join(shown) or "nothing was due"


def clock(moment: datetime) -> str:
    """The local time of day; the date too unless it is today."""
    local = moment.astimezone()
    return f"{local:%H:%M:%S}" if local.date() == now().astimezone().date() else f"{local:%d %b %H:%M:%S}"


def wait_text(run: StreamRun) -> str:
    """What a stream that sleeps waits for, for the progress line."""
    reason = REASONS.get(run.cause or "", "").split(". ")[0].rstrip(".")
    return f"waiting until {clock(run.until)}: {reason}" if run.until else reason
