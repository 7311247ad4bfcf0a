"""`settings show` and `settings set`: the choices of one account."""

import json
from dataclasses import asdict
from typing import Any

import click
from flask.cli import with_appcontext

from webapp.cli.output import json_option, plain_errors, print_json, table
from webapp.store.accounts import get_account
from webapp.store.settings import AccountSettings, get_settings, set_setting


@click.group("settings")
def settings() -> None:
    """Settings of an account."""


@settings.command("show")
@click.argument("hub_id", type=int)
@json_option
@with_appcontext
@plain_errors
def show_command(hub_id: int, as_json: bool) -> None:
    """Show every setting of an account; a star marks what differs from the default."""
    get_account(hub_id)
    values, defaults = asdict(get_settings(hub_id)), asdict(AccountSettings())
    if as_json:
        print_json({"hub_id": hub_id, "settings": values})
        return
    rows = [(name, _text(value), "*" if value != defaults[name] else "") for name, value in values.items()]
    table(f"Settings of account {hub_id}", ("name", "value", "changed"), rows)


@settings.command("set")
@click.argument("hub_id", type=int)
@click.argument("name")
@click.argument("value")
@json_option
@with_appcontext
@plain_errors
def set_command(hub_id: int, name: str, value: str, as_json: bool) -> None:
    """Change one setting. VALUE is on or off, a number, a word, or JSON for a map; empty text clears an option."""
    stored = set_setting(hub_id, name, value)
    if as_json:
        print_json({"hub_id": hub_id, "name": name, "value": stored})
    else:
        click.echo(f"{name} = {_text(stored)}")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


COMMANDS = (settings,)
