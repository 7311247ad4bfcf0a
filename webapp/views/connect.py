"""Set-up: HubSpot connected, the Cliniko key, our properties in HubSpot, the first start."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from jobs.queues import PUSH, enqueue_once
from webapp import progress
from webapp.clients.cliniko.keys import BadKey, parse_key
from webapp.clock import now
from webapp.security.tenant import signed_in, the_account
from webapp.store import connections, streams
from webapp.store.models_account import ConnectionAttempt
from webapp.views import installing

blueprint = Blueprint("connect", __name__, url_prefix="/onboarding")

_ATTEMPT = "cliniko_attempt"
PREPARE = "prepare"
# A check that takes longer has lost its worker.
CHECK_LASTS = timedelta(minutes=3)


@blueprint.get("")
@signed_in
def onboarding() -> ResponseReturnValue:
    """The set-up page; with X-Fragment only the part that changes by itself."""
    account = the_account()
    connection = connections.find_connection(account.hub_id)
    attempt = _attempt()
    lost = attempt is not None and attempt.state == "checking" and now() - attempt.created_at > CHECK_LASTS
    prepared = progress.read(account.hub_id, PREPARE)
    context = {
        "account": account,
        "connection": connection,
        "connected": connection is not None and connection.status == "active",
        "attempt": attempt,
        "checking": attempt is not None and attempt.state == "checking" and not lost,
        "lost": lost,
        "prepared": prepared,
        "preparing": bool(prepared and prepared.get("state") == "working"),
        "started": bool(streams.stream_states(account.hub_id)),
        "missing_scopes": installing.missing_scopes(account),
    }
    name = "connect/_steps.html" if "X-Fragment" in request.headers else "connect/onboarding.html"
    return render_template(name, **context)


@blueprint.post("/cliniko")
@signed_in
def enter_key() -> ResponseReturnValue:
    """Take a key and have it checked in the background. The key is never shown again."""
    account = the_account()
    try:
        key = parse_key(request.form.get("api_key", "")).key
    except BadKey as problem:
        flash(str(problem), "problem")
        return redirect(url_for(".onboarding"))
    _check(connections.start_attempt(account.hub_id, key))
    return redirect(url_for(".onboarding"))


@blueprint.post("/cliniko/confirm")
@signed_in
def confirm_replacement() -> ResponseReturnValue:
    """The person confirms, or not, that another Cliniko account takes the place of the connected one."""
    account = the_account()
    waiting = _attempt()
    if waiting is None or waiting.state != "needs_confirmation" or not waiting.api_key:
        flash("There is nothing to confirm any more. Enter the key again.", "problem")
        return redirect(url_for(".onboarding"))
    key, waiting_id = waiting.api_key, waiting.id
    session.pop(_ATTEMPT, None)
    connections.finish_attempt(account.hub_id, waiting_id, "refused", "The replacement was not confirmed.", None)
    if request.form.get("answer") == "replace":
        _check(connections.start_attempt(account.hub_id, key, replace=True))
    else:
        flash("Nothing was changed. The Cliniko account that was connected stays.", "done")
    return redirect(url_for(".onboarding"))


@blueprint.post("/prepare")
@signed_in
def prepare() -> ResponseReturnValue:
    """Have our properties and pipelines created in HubSpot."""
    hub_id = the_account().hub_id
    progress.report(hub_id, PREPARE, state="working", text="Waiting for a free worker", done=0, total=0)
    enqueue_once(PUSH, "jobs.tasks.connect.prepare_hubspot", hub_id, job_id=f"prepare-{hub_id}", retry_intervals=())
    return redirect(url_for(".onboarding"))


@blueprint.post("/start")
@signed_in
def start() -> ResponseReturnValue:
    """Begin the first sync."""
    account = the_account()
    connection = connections.find_connection(account.hub_id)
    if connection is None or connection.status != "active" or account.provisioned_at is None:
        flash("Connect Cliniko and prepare HubSpot first.", "problem")
        return redirect(url_for(".onboarding"))
    enqueue_once(PUSH, "jobs.tasks.connect.start_streams", account.hub_id, job_id=f"start-{account.hub_id}")
    return redirect(url_for("dashboard.dashboard"))


def _check(attempt: ConnectionAttempt) -> None:
    session[_ATTEMPT] = attempt.id
    enqueue_once(
        PUSH,
        "jobs.tasks.connect.check_key",
        attempt.hub_id,
        attempt.id,
        job_id=f"check-{attempt.id}",
        retry_intervals=(),
    )


def _attempt() -> ConnectionAttempt | None:
    attempt_id = session.get(_ATTEMPT)
    return connections.get_attempt(the_account().hub_id, attempt_id) if isinstance(attempt_id, str) else None
