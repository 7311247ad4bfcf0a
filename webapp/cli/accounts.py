"""`accounts`: list, show, pause, resume, purge, connect-cliniko, disconnect."""

import sys
from typing import Any

import click
from flask.cli import with_appcontext

from jobs.sync import uninstalling
from jobs.sync.connect import KeyCannotRead, connect_cliniko
from webapp.cli.output import Failure, json_option, plain_errors, print_json, table
from webapp.clients.cliniko.keys import BadKey
from webapp.clients.errors import NeedsReconnect
from webapp.store import accounts as store
from webapp.store import connections, issues, ledger, streams
from webapp.store.connections import OtherClinikoAccount
from webapp.store.models_account import Account


@click.group("accounts")
def accounts() -> None:
    """HubSpot accounts that installed the app."""


@accounts.command("list")
@json_option
@with_appcontext
@plain_errors
def list_command(as_json: bool) -> None:
    """List all accounts."""
    found = [_summary(account) for account in store.list_accounts()]
    if as_json:
        print_json({"accounts": found})
        return
    if not found:
        click.echo("No account is installed.", err=True)
    columns = ("hub_id", "hub_domain", "status", "cliniko_account", "cliniko_status")
    table("Accounts", columns, [[row[column] for column in columns] for row in found])


@accounts.command("show")
@click.argument("hub_id", type=int)
@json_option
@with_appcontext
@plain_errors
def show_command(hub_id: int, as_json: bool) -> None:
    """Show one account: connection, streams, links and issues. No key or token is ever printed."""
    account = store.get_account(hub_id)
    details = {**_summary(account), **_details(account)}
    if as_json:
        print_json(details)
        return
    rows: list[tuple[str, Any]] = [
        (name, value) for name, value in details.items() if not isinstance(value, list | dict)
    ]
    rows += [(f"stream {row['stream']}", f"{row['state']}, next {row['next_run_at']}") for row in details["streams"]]
    rows += [(f"links {name}", value) for name, value in details["links"].items()]
    rows += [(f"open issues {name}", value) for name, value in details["issues"].items()]
    table(f"Account {hub_id}", ("what", "value"), rows)


@accounts.command("pause")
@click.argument("hub_id", type=int)
@json_option
@with_appcontext
@plain_errors
def pause_command(hub_id: int, as_json: bool) -> None:
    """Stop reading and writing for this account until it is resumed. Nothing is lost."""
    _require_installed(hub_id)
    store.set_status(hub_id, "paused", "by_operator")
    _say(as_json, f"Account {hub_id} is paused.", hub_id=hub_id, status="paused")


@accounts.command("resume")
@click.argument("hub_id", type=int)
@json_option
@with_appcontext
@plain_errors
def resume_command(hub_id: int, as_json: bool) -> None:
    """Go on where the pause began; every stream is due at once."""
    _require_installed(hub_id)
    store.set_status(hub_id, "active")
    streams.request_run(hub_id, [state.stream for state in streams.stream_states(hub_id)])
    _say(as_json, f"Account {hub_id} is active.", hub_id=hub_id, status="active")


@accounts.command("purge")
@click.argument("hub_id", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@with_appcontext
@plain_errors
def purge_command(hub_id: int, yes: bool, as_json: bool) -> None:
    """Delete all that is stored of this account: connection, links, names, issues, history. Nothing in HubSpot or
    Cliniko changes. The account has to be installed again afterwards."""
    store.get_account(hub_id)
    if not yes:
        typed = click.prompt(
            f"This deletes everything stored of account {hub_id}. Type its HubSpot id to go on", err=True
        )
        if typed.strip() != str(hub_id):
            raise Failure("That is another number. Nothing was deleted.")
    deleted = store.purge_account(hub_id)
    _say(as_json, f"Account {hub_id}: {sum(deleted.values())} rows deleted.", hub_id=hub_id, deleted=deleted)


@accounts.command("disconnect")
@click.argument("hub_id", type=int)
@json_option
@with_appcontext
@plain_errors
def disconnect_command(hub_id: int, as_json: bool) -> None:
    """Remove the app from this HubSpot account and stop. What is stored is kept for `retention_days`, so that
    installing again before that goes on with every link."""
    _require_installed(hub_id)
    uninstalling.disconnect(hub_id)
    _say(as_json, f"Account {hub_id} is disconnected.", hub_id=hub_id, status="uninstalled")


@accounts.command("connect-cliniko")
@click.argument("hub_id", type=int)
@click.option("--replace", is_flag=True, help="The key may belong to another Cliniko account than the connected one.")
@json_option
@with_appcontext
@plain_errors
def connect_command(hub_id: int, replace: bool, as_json: bool) -> None:
    """Connect Cliniko with an API key from standard input; it is checked live and stored encrypted.

    The key is no argument, so that it stays out of the process list and of the shell's history.
    """
    _require_installed(hub_id)
    try:
        result = connect_cliniko(hub_id, _read_key(), replace)
    except (BadKey, KeyCannotRead) as problem:
        raise Failure(str(problem)) from None
    except NeedsReconnect:
        raise Failure(
            "Cliniko does not accept this key. Copy it again from Cliniko, My Info, Manage API keys."
        ) from None
    except OtherClinikoAccount as problem:
        raise Failure(
            f"This key belongs to {problem.offered or 'another Cliniko account'}, but "
            f"{problem.connected or 'another one'} is connected. Nothing was changed. "
            "With --replace it takes its place, and the present links are dropped."
        ) from None
    if as_json:
        print_json({"hub_id": hub_id, **result.as_dict()})
        return
    click.echo(f"Connected to {result.connection.account_name or result.connection.cliniko_account_id}.")
    for name, meaning in result.switched_off.items():
        click.echo(f"The key may not read {name}: {meaning}.")


def _read_key() -> str:
    if sys.stdin.isatty():
        key: str = click.prompt("Cliniko API key", hide_input=True, err=True)
        return key
    return sys.stdin.readline()


def _require_installed(hub_id: int) -> None:
    if store.get_account(hub_id).status == "uninstalled":
        raise Failure(f"Account {hub_id} is uninstalled. Install the app again from HubSpot first.")


def _say(as_json: bool, text: str, **values: Any) -> None:
    if as_json:
        print_json(values)
    else:
        click.echo(text)


def _summary(account: Account) -> dict[str, Any]:
    connection = connections.find_connection(account.hub_id)
    return {
        "hub_id": account.hub_id,
        "hub_domain": account.hub_domain,
        "status": account.status,
        "status_reason": account.status_reason,
        "cliniko_account": connection.account_name if connection else None,
        "cliniko_account_id": connection.cliniko_account_id if connection else None,
        "cliniko_status": connection.status if connection else None,
        "provisioned_at": account.provisioned_at,
    }


def _details(account: Account) -> dict[str, Any]:
    hub_id = account.hub_id
    links = ledger.counts(hub_id)
    return {
        "time_zone": account.time_zone,
        "currency": account.currency,
        "scopes": account.scopes,
        "created_at": account.created_at,
        "uninstalled_at": account.uninstalled_at,
        "streams": [
            {
                "stream": state.stream,
                "state": state.state,
                "cause": state.cause,
                "cycle_no": state.cycle_no,
                "last_success_at": state.last_success_at,
                "next_run_at": state.next_run_at,
                "counts": state.counts,
            }
            for state in streams.stream_states(hub_id)
        ],
        "links": {f"{kind} {state}": number for (kind, state), number in sorted(links.items())},
        "issues": issues.count_open(hub_id),
    }


COMMANDS = (accounts,)
