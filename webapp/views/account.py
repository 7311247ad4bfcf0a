"""The account itself: how both sides are connected, taking the links home, and the two ways to leave."""

from collections.abc import Iterator, Sequence

import redis
import structlog
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.queues import PUSH, enqueue_once
from webapp.security.tenant import sign_out, signed_in, the_account
from webapp.store import accounts, connections, exporting, ledger
from webapp.store.models_account import Account, Connection
from webapp.store.settings import get_settings
from webapp.views.csv_file import csv_answer
from webapp.views.showing import cliniko_url, hubspot_url

blueprint = Blueprint("account", __name__)
log = structlog.get_logger()

HEADER = (
    "kind",
    "cliniko_id",
    "cliniko_url",
    "hubspot_id",
    "hubspot_url",
    "state",
    "rule",
    "cliniko_status",
    "last_synced",
)
_LONGEST = 200


@blueprint.get("/account")
@signed_in
def account_page() -> ResponseReturnValue:
    """How both sides are connected, and what can be done about it."""
    return _page(the_account())


@blueprint.get("/account/links.csv")
@signed_in
def links_file() -> ResponseReturnValue:
    """Every link as a file: numbers and addresses, no names."""
    account = the_account()
    connection = connections.find_connection(account.hub_id)
    return csv_answer(f"links-{account.hub_id}", HEADER, _links(account, connection))


@blueprint.post("/account/disconnect")
@signed_in
def disconnect() -> ResponseReturnValue:
    """Have the app removed from HubSpot. What is stored stays for a while, so that one can come back."""
    account = the_account()
    if not _confirmed(account):
        return _page(account, wrong="disconnect"), 422
    if not _hand_over("jobs.tasks.uninstall.disconnect", account.hub_id, "disconnect"):
        return redirect(url_for(".account_page"))
    sign_out()
    flash("CRMConnect is being removed from HubSpot. To come back, install it again.", "done")
    return redirect(url_for("dashboard.landing"))


@blueprint.post("/account/erase")
@signed_in
def erase() -> ResponseReturnValue:
    """Have everything deleted. Nothing more is read or written from this moment on."""
    account = the_account()
    if not _confirmed(account):
        return _page(account, wrong="erase"), 422
    if not _hand_over("jobs.tasks.uninstall.erase", account.hub_id, "erase"):
        return redirect(url_for(".account_page"))
    accounts.set_status(account.hub_id, "paused", "being_erased")
    sign_out()
    flash("Everything that is stored here is being deleted.", "done")
    return redirect(url_for("dashboard.landing"))


def confirmation(account: Account) -> str:
    """What has to be typed: the account's own name, so that nobody ends the wrong one."""
    return account.hub_domain or str(account.hub_id)


def _page(account: Account, wrong: str = "") -> str:
    connection = connections.find_connection(account.hub_id)
    return render_template(
        "account/account.html",
        account=account,
        connection=connection,
        confirmation=confirmation(account),
        wrong=wrong,
        typed=request.form.get("typed", "")[:_LONGEST],
        links=sum(ledger.counts(account.hub_id).values()),
        days=get_settings(account.hub_id).retention_days,
    )


def _confirmed(account: Account) -> bool:
    return request.form.get("typed", "").strip().casefold() == confirmation(account).casefold()


def _hand_over(task: str, hub_id: int, name: str) -> bool:
    try:
        enqueue_once(PUSH, task, hub_id, job_id=f"{name}-{hub_id}")
    except redis.RedisError as error:
        log.error("end_waits_for_queue", hub_id=hub_id, error=type(error).__name__)
        flash("This could not be handed over, and nothing was changed. Try again in a minute.", "problem")
        return False
    return True


def _links(account: Account, connection: Connection | None) -> Iterator[Sequence[object]]:
    # The rows of this request are not there any more when the file is being written.
    present = connection.id if connection is not None else None
    for line in exporting.all_links(account.hub_id):
        mine = connection if line.connection_id == present else None
        yield (
            line.kind,
            line.cliniko_id,
            cliniko_url(mine, line.kind, line.cliniko_id),
            line.hubspot_id,
            hubspot_url(account, line.kind, line.hubspot_id),
            line.state,
            line.rule,
            line.cliniko_status,
            line.synced_at,
        )
