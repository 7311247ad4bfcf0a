"""Start page, dashboard, issues and the buttons on them."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.queues import PUSH, enqueue_once
from webapp.security.tenant import (
    FULL,
    current_account,
    current_role,
    sign_out,
    signed_in,
    signed_in_staff,
    the_account,
)
from webapp.store import accounts, connections, issues
from webapp.views.overview import issue_rows, overview

blueprint = Blueprint("dashboard", __name__)

START = "jobs.tasks.connect.start_streams"


@blueprint.get("/")
def landing() -> ResponseReturnValue:
    """What this is and how to install it; a signed-in browser goes to its dashboard, or to what it may see."""
    if current_account() is not None:
        return redirect(url_for(".dashboard" if current_role() == FULL else ".issue_list"))
    return render_template("dashboard/landing.html")


@blueprint.get("/dashboard")
@signed_in
def dashboard() -> ResponseReturnValue:
    """State of every stream; with X-Fragment only the part that changes by itself."""
    account = the_account()
    name = "dashboard/_status.html" if "X-Fragment" in request.headers else "dashboard/dashboard.html"
    return render_template(
        name,
        account=account,
        connection=connections.find_connection(account.hub_id),
        view=overview(account),
        newest=issue_rows(account, limit=5),
    )


@blueprint.post("/dashboard/sync")
@signed_in
def sync_now() -> ResponseReturnValue:
    """Check all streams now instead of at their next time."""
    account = the_account()
    if account.status == "paused":
        flash("Syncing is paused. Resume it first.", "problem")
        return redirect(url_for(".dashboard"))
    connection = connections.find_connection(account.hub_id)
    if connection is None or connection.status != "active" or account.provisioned_at is None:
        flash("Finish the set-up first.", "problem")
        return redirect(url_for("connect.onboarding"))
    _run_now(account.hub_id)
    flash("Asked for a check now. The table shows when it runs.", "done")
    return redirect(url_for(".dashboard"))


@blueprint.post("/dashboard/pause")
@signed_in
def pause() -> ResponseReturnValue:
    """Stop reading and writing until resumed; nothing is lost."""
    accounts.set_status(the_account().hub_id, "paused", "by_person")
    flash("Paused. What changes meanwhile is caught up when you resume.", "done")
    return redirect(url_for(".dashboard"))


@blueprint.post("/dashboard/resume")
@signed_in
def resume() -> ResponseReturnValue:
    """Go on where the pause began."""
    hub_id = the_account().hub_id
    accounts.set_status(hub_id, "active")
    _run_now(hub_id)
    flash("Resumed. What changed during the pause is caught up now.", "done")
    return redirect(url_for(".dashboard"))


@blueprint.get("/issues")
@signed_in_staff
def issue_list() -> ResponseReturnValue:
    """Every record that could not be synced, with reason and remedy."""
    account = the_account()
    return render_template("issues/issues.html", account=account, rows=issue_rows(account))


@blueprint.post("/issues/retry")
@signed_in_staff
def retry_issues() -> ResponseReturnValue:
    """Try one record (`issue`), or all of them, again now."""
    hub_id = the_account().hub_id
    chosen = request.form.get("issue", "")
    ids = [int(chosen)] if chosen.isascii() and chosen.isdigit() and len(chosen) < 19 else None
    if chosen and ids is None:
        flash("That record is not in the list any more.", "problem")
        return redirect(url_for(".issue_list"))
    number = issues.retry_now(hub_id, ids)
    if number:
        _run_now(hub_id)
        flash(f"{number} record{'' if number == 1 else 's'} will be tried again now.", "done")
    else:
        flash("That record is not in the list any more.", "problem")
    return redirect(url_for(".issue_list"))


@blueprint.post("/sign-out")
def leave() -> ResponseReturnValue:
    """Forget the account in this browser; syncing goes on."""
    sign_out()
    return redirect(url_for(".landing"))


def _run_now(hub_id: int) -> None:
    enqueue_once(PUSH, START, hub_id, job_id=f"start-{hub_id}")
