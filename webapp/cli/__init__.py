"""The commands of `flask --app wsgi`. Each module here offers `COMMANDS`, a tuple of click commands or groups."""

import importlib
import pkgutil

import click
from flask import Flask


def register_commands(app: Flask) -> None:
    """Add the commands of every module in this package, in alphabetical order."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        for command in commands_of(module.name):
            app.cli.add_command(command)


def commands_of(module_name: str) -> tuple[click.Command, ...]:
    """The commands that one module of this package offers."""
    module = importlib.import_module(f"{__name__}.{module_name}")
    commands: tuple[click.Command, ...] = getattr(module, "COMMANDS", ())
    return commands
