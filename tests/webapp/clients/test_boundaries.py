"""The clients stand alone: they know HTTP, limits and tokens, and nothing of database, pages or jobs."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
CLIENTS = ROOT / "webapp" / "clients"
ALLOWED = {"httpx", "limits", "msgspec", "redis", "structlog", "authlib", "webapp"}
# Imports every module of the clients and says what that loaded besides the package they live in.
LOADER = """
import pkgutil, sys, importlib, webapp.clients
before = set(sys.modules)
for module in pkgutil.walk_packages(webapp.clients.__path__, "webapp.clients."):
    importlib.import_module(module.name)
print("\\n".join(set(sys.modules) - before))
"""


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def test_one_file_knows_authlib():
    modules = [path for top in ("webapp", "jobs") for path in (ROOT / top).rglob("*.py")]
    users = [path for path in modules if any(name.partition(".")[0] == "authlib" for name in imports(path))]
    assert users == [CLIENTS / "hubspot" / "oauth.py"]


def test_clients_import_clients_the_clock_and_their_libraries_only():
    for path in CLIENTS.rglob("*.py"):
        for name in imports(path):
            top = name.partition(".")[0]
            assert top in ALLOWED or top in sys.stdlib_module_names, f"{path.name} imports {name}"
            if top == "webapp":
                assert name.startswith("webapp.clients") or name == "webapp.clock", f"{path.name} imports {name}"


def test_the_two_services_do_not_know_each_other():
    for mine, other in (("cliniko", "hubspot"), ("hubspot", "cliniko")):
        for path in (CLIENTS / mine).rglob("*.py"):
            assert not [name for name in imports(path) if name.startswith(f"webapp.clients.{other}")], path


def test_using_them_loads_no_database_no_pages_and_no_jobs():
    done = subprocess.run([sys.executable, "-c", LOADER], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"webapp.clients.factory", "webapp.clients.hubspot.oauth", "authlib"} <= loaded
    ours = {name for name in loaded if name.partition(".")[0] in ("webapp", "jobs", "tests")}
    assert not [name for name in ours if not name.startswith(("webapp.clients", "webapp.clock"))]
    assert not {name.partition(".")[0] for name in loaded} & {"flask_sqlalchemy", "alembic", "rq", "requests", "httpx2"}
