"""`sandbox serve`: the simulated Cliniko and HubSpot, for trying the product without an account anywhere."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from webapp.cli.output import Failure, json_option, plain_errors, print_json
from webapp.config import current_settings

if TYPE_CHECKING:
    from webapp.sandbox.server import Sandbox

CLINIKO_PORT = 5101
HUBSPOT_PORT = 5102


@click.group("sandbox")
def sandbox() -> None:
    """The simulated Cliniko and HubSpot."""


@sandbox.command("serve")
@click.option("--cliniko-port", type=click.IntRange(0, 65535), default=CLINIKO_PORT, show_default=True, help="0: any.")
@click.option("--hubspot-port", type=click.IntRange(0, 65535), default=HUBSPOT_PORT, show_default=True, help="0: any.")
@click.option("--patients", type=click.IntRange(min=0), default=1000, show_default=True, help="Patients of the clinic.")
@click.option(
    "--hubspot-contacts", type=click.IntRange(min=0), default=0, show_default=True, help="Contacts from before."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same clinic.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of the state. [var/sandbox]")
@click.option("--latency-ms", type=click.FloatRange(min=0), default=0, show_default=True, help="Delay of each answer.")
@click.option("--limits/--no-limits", default=True, show_default=True, help="Keep the services' rate limits.")
@click.option("--examples", is_flag=True, help="Add the records that Cliniko's documentation prints.")
@click.option("--reset", is_flag=True, help="Forget the state of last time.")
@json_option
@with_appcontext
@plain_errors
def serve(
    cliniko_port: int,
    hubspot_port: int,
    patients: int,
    hubspot_contacts: int,
    seed: int,
    data: Path | None,
    latency_ms: float,
    limits: bool,
    examples: bool,
    reset: bool,
    as_json: bool,
) -> None:
    """Run both simulated services until Ctrl-C or SIGTERM, with a clinic and a HubSpot account in them.

    The app is registered there under HUBSPOT_CLIENT_ID, HUBSPOT_CLIENT_SECRET, HUBSPOT_APP_ID and PUBLIC_URL. What
    happens is kept in a folder and read again at the next start; --patients, --seed, --examples and
    --hubspot-contacts count at the first start and with --reset.
    """
    from webapp.sandbox.keeping import BadState, FolderInUse
    from webapp.sandbox.server import PortTaken, Sandbox

    settings = current_settings()
    stop = _Stop()
    made = Sandbox(
        cliniko_port=cliniko_port,
        hubspot_port=hubspot_port,
        patients=patients,
        hubspot_contacts=hubspot_contacts,
        seed=seed,
        data=data or Path(settings.var_dir) / "sandbox",
        latency_ms=latency_ms,
        limits=limits,
        examples=examples,
        reset=reset,
        client_id=settings.hubspot_client_id,
        client_secret=settings.hubspot_client_secret,
        app_id=settings.hubspot_app_id,
        public_url=settings.public_url,
    )
    try:
        made.start()
    except PortTaken as problem:
        raise Failure(
            f"The sandbox cannot start: {problem}. Choose others with --cliniko-port and --hubspot-port."
        ) from None
    except FolderInUse as problem:
        raise Failure(f"Another sandbox keeps its state in {problem}. Stop it, or choose another --data.") from None
    except OSError as problem:
        raise Failure(f"The folder of the state cannot be used: {problem}. Choose another --data.") from None
    except BadState as problem:
        raise Failure(f"The kept state cannot be read: {problem}. Start over with --reset.") from None
    try:
        _tell(made, as_json)
        stop.wait()
    finally:
        made.stop()


class _Stop:
    """SIGTERM and Ctrl-C: before `wait` they leave at once, from then on they end the waiting."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._waiting = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def wait(self) -> None:
        self._waiting = True
        self._asked.wait()

    def _ask(self, signum: int, frame: FrameType | None) -> None:
        if not self._waiting:
            sys.exit(0)
        self._asked.set()


def _tell(made: Sandbox, as_json: bool) -> None:
    facts = {
        "cliniko_url": made.cliniko_url,
        "hubspot_url": made.hubspot_url,
        "api_key": made.api_key,
        "hub_id": made.portal.hub_id,
        "patients": len(made.account.tables["patients"]),
        "kept": made.kept,
    }
    if as_json:
        print_json(facts)
    else:
        state = "as it was left" if made.kept else "new"
        click.echo(f"Cliniko   {facts['cliniko_url']}   {facts['patients']} patients, {state}")
        click.echo(f"HubSpot   {facts['hubspot_url']}   account {facts['hub_id']}")
        click.echo(f"API key   {facts['api_key']}")
        click.echo("Press Ctrl-C to stop.")
    sys.stdout.flush()


COMMANDS = (sandbox,)
