"""The names of the environment in the code, in .env.example and in docs/settings.md are the same."""

import re
from dataclasses import MISSING, fields

from tests.guards.source import ROOT, modules
from tests.guards.tables import rows
from webapp.config import ConfigError, Settings

CONFIG = modules()["webapp.config"].read_text(encoding="utf-8")
EXAMPLE = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
READ = set(re.findall(r'read\.\w+\(\s*"([A-Z_]+)"', CONFIG))
DOCS = {cells[0]: cells[1] for cells in rows("docs/settings.md", "Of one deployment")}

# Read by one command only; neither a setting of the service nor in .env.example.
OF_COMMANDS = {"WEB_CONCURRENCY"}

REQUIRED = {
    "SECRET_KEY": "a-secret-of-enough-length",
    "ENCRYPTION_KEYS": "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio=",
    "PUBLIC_URL": "https://app.example.com",
    "HUBSPOT_CLIENT_ID": "id",
    "HUBSPOT_CLIENT_SECRET": "secret",
    "HUBSPOT_APP_ID": "1",
    "CLINIKO_CONTACT_EMAIL": "ops@example.com",
}


def test_every_setting_is_read_from_its_own_name():
    assert {item.name.upper() for item in fields(Settings)} == READ


def test_env_example_has_every_name_and_no_other():
    assert set(EXAMPLE) == READ


def test_the_docs_have_every_name_and_no_other():
    assert set(DOCS) == READ


def test_defaults_in_the_docs_and_in_the_example_are_those_of_the_code():
    for item in fields(Settings):
        name, default = item.name.upper(), item.default
        if default is MISSING:
            # The database has a default that depends on VAR_DIR.
            assert DOCS[name] == ("SQLite under `VAR_DIR`" if name == "DATABASE_URL" else "required"), name
        elif default is None:
            assert DOCS[name] in ("none", "an embedded Valkey"), name
            assert EXAMPLE[name] == "", name
        else:
            assert DOCS[name] == f"`{default}`", name
            assert EXAMPLE[name] in (str(default), ""), name


def test_required_in_the_docs_is_required_in_fact():
    assert {name for name, default in DOCS.items() if default == "required"} == set(REQUIRED)
    assert Settings.from_env(REQUIRED).web_port == 5000
    for name in REQUIRED:
        try:
            Settings.from_env({**REQUIRED, name: ""})
        except ConfigError as problem:
            assert str(problem).startswith(name), problem
        else:
            raise AssertionError(f"{name} may be missing")


def test_the_example_names_what_is_wrong_with_it_and_nothing_else():
    """Copied as it is, it fails on what has to be filled in."""
    filled = {name: REQUIRED.get(name, value) for name, value in EXAMPLE.items()}
    assert Settings.from_env(filled).environment == "production"


def test_no_other_name_is_read():
    for module, path in modules().items():
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r'envvar="([A-Z_]+)"', text)) <= OF_COMMANDS, module
        named = re.findall(r'(?:os\.environ\.get\(|os\.environ\[|getenv\()"([A-Z_]+)"', text)
        assert set(named) <= READ | {"TZ"}, module


def test_names_of_commands_are_documented():
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in OF_COMMANDS)
