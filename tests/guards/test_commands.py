"""Every command explains itself, and the README names the commands that exist and no others."""

import json
import re
import shutil
import subprocess

import click
import pytest
from flask import Flask
from flask.cli import AppGroup

from tests.guards.source import ROOT
from tests.guards.tables import rows
from webapp.cli import register_commands
from webapp.cli.output import json_option

# `db` comes with the migrations; this is the one part of it that an operator needs.
OF_LIBRARIES = {"db upgrade"}

# Commands that run until they are stopped have nothing to report.
RUN_ON = {"worker", "scheduler", "start", "sandbox serve", *OF_LIBRARIES}


def ours() -> dict[str, click.Command]:
    """`group command` to command, of everything that webapp.cli registers."""
    app = Flask("guard")
    app.cli = AppGroup()
    register_commands(app)
    return dict(_flat(app.cli, ()))


def _flat(group: click.Group, path: tuple[str, ...]):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _flat(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def promised() -> dict[str, list[str]]:
    """`group command` to the words behind it, as the README's table has them; `a`, `b` after `group a` are siblings."""
    found: dict[str, list[str]] = {}
    for first, *_ in rows("README.md", "Commands"):
        group = ""
        for text in re.findall(r"`([^`]+)`", first) or [first]:
            words = re.sub(r"[\[\]]", " ", text).split()
            if len(words) > 1 and re.fullmatch(r"[a-z][a-z-]*", words[1]):
                group, name, rest = words[0], f"{words[0]} {words[1]}", words[2:]
            else:
                name, rest = f"{group} {words[0]}".strip(), words[1:]
            found[name] = rest
    return found


def test_the_readme_and_the_commands_agree():
    assert set(promised()) == set(ours()) | OF_LIBRARIES


def test_the_readme_shows_arguments_and_options_that_exist():
    for name, words in promised().items():
        if name not in ours():
            continue  # the test above says so
        parameters = ours()[name].params
        options = {option for parameter in parameters for option in parameter.opts}
        arguments = [parameter.human_readable_name for parameter in parameters if isinstance(parameter, click.Argument)]
        for word in words:
            if word.startswith("--"):
                assert word in options, f"{name} has no {word}"
            elif len(word) > 1:
                assert word in arguments, f"{name} takes no {word}"


@pytest.mark.parametrize("name", sorted(ours()))
def test_every_command_and_every_option_has_help(name):
    command = ours()[name]
    assert command.help, f"{name} says nothing about itself"
    first = command.help.strip().splitlines()[0]
    assert first[0].isupper() and "!" not in command.help, name
    assert command.get_short_help_str(120).rstrip("."), name
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("name", sorted(ours()))
def test_help_is_printed_and_ends_well(app, name):
    result = app.test_cli_runner().invoke(args=[*name.split(), "--help"])
    assert result.exit_code == 0 and result.stdout.startswith("Usage:")


def test_every_group_has_help():
    app = Flask("guard")
    app.cli = AppGroup()
    register_commands(app)
    groups = [command for command in app.cli.commands.values() if isinstance(command, click.Group)]
    assert groups and all(group.help for group in groups)


def test_every_command_that_reports_offers_json():
    offered = set(json_option(lambda: None).__click_params__[0].opts)
    missing = [
        name
        for name, command in ours().items()
        if name not in RUN_ON and not any(offered & set(parameter.opts) for parameter in command.params)
    ]
    assert missing == []


def test_every_module_of_commands_is_registered():
    """A module that forgets COMMANDS would be left out without a word."""
    import importlib
    import pkgutil

    import webapp.cli

    app = Flask("guard")
    app.cli = AppGroup()
    register_commands(app)
    reached = {id(command) for command in app.cli.commands.values()} | {id(command) for command in ours().values()}
    for found in pkgutil.iter_modules(webapp.cli.__path__):
        module = importlib.import_module(f"webapp.cli.{found.name}")
        made = [
            value
            for value in vars(module).values()
            if isinstance(value, click.Command) and value.callback and value.callback.__module__ == module.__name__
        ]
        assert [value.name for value in made if id(value) not in reached] == [], found.name


def test_an_unknown_account_ends_every_command_with_one(app):
    """Exit 0 only on success; the message is one line, and with --json one object on standard output."""
    runner = app.test_cli_runner()
    tried = 0
    for name, command in ours().items():
        if [parameter.name for parameter in command.params][:1] != ["hub_id"]:
            continue
        rest = {"name": "interval_minutes", "value": "15"}
        extra = [rest.get(p.name, "x") for p in command.params if isinstance(p, click.Argument)][1:]
        for as_json in ([], ["--json"]):
            result = runner.invoke(args=[*name.split(), "999", *extra, *as_json], input="")
            assert result.exit_code == 1, (name, result.output)
            assert "999" in result.stderr + result.stdout, name
            assert "Traceback" not in result.output, name
            if as_json:
                assert "999" in json.loads(result.stdout)["error"], name
            else:
                assert result.stdout == "" and result.stderr.count("\n") == 1, (name, result.stderr)
        tried += 1
    assert tried >= 8


def test_make_help_lists_every_target():
    if shutil.which("make") is None:
        pytest.skip(reason="make is not installed")
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split())
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert set(re.findall(r"^\s+make (\S+)", done.stdout, re.MULTILINE)) == targets
    assert {"install", "demo", "run", "test", "check"} <= targets


def test_the_readme_names_make_targets_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z]+)", text)) <= set(targets)
