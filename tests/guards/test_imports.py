"""Who may import whom, read from the source of every module."""

import ast
import sys

import pytest

from tests.guards.source import Import, all_imports, imports_of, modules, ours, tree, within

# Package -> the packages of ours that it may import. The longest prefix counts; one that is missing fails.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "wsgi": ("webapp", "webapp.config"),
    # Mapping is pure: it knows nothing of the rest.
    "jobs.mapping": ("jobs.mapping",),
    "jobs.sync": (
        "jobs.sync",
        "jobs.mapping",
        "webapp.clients",
        "webapp.store",
        "webapp.clock",
        "webapp.config",
        "webapp.extensions",
    ),
    "jobs.tasks": (
        "jobs.tasks",
        "jobs.sync",
        "jobs.context",
        "jobs.queues",
        "webapp.clients",
        "webapp.store",
        "webapp.clock",
        "webapp.config",
        "webapp.progress",
    ),
    "jobs.context": ("jobs.failures", "webapp", "webapp.extensions"),
    "jobs.failures": ("webapp.clients.errors",),
    "jobs.queues": ("webapp.extensions",),
    "jobs.schedule": ("jobs.queues", "jobs.tasks"),
    "jobs.worker": ("jobs.failures", "jobs.queues"),
    # Clients know no database, no page and no background work.
    "webapp.clients": ("webapp.clients", "webapp.clock"),
    # While a person waits, a page reads and writes the store, calls a client or puts work on a queue; it never syncs.
    "webapp.views": (
        "webapp.views",
        "webapp.store",
        "webapp.clients",
        "webapp.security",
        "webapp.clock",
        "webapp.config",
        "webapp.csv_lines",
        "webapp.extensions",
        "webapp.metrics",
        "webapp.progress",
        "jobs.queues",
        # Pure: what a visit or a label is, is said there once.
        "jobs.mapping",
    ),
    "webapp.store": (
        "webapp.store",
        "webapp.clients.urls",
        "webapp.clock",
        "webapp.extensions",
        "webapp.security.crypto",
    ),
    "webapp.security": (
        "webapp.security",
        "webapp.store",
        "webapp.clients",
        "webapp.clock",
        "webapp.config",
        "webapp.extensions",
    ),
    "webapp.cli": (
        "webapp.cli",
        "webapp.store",
        "webapp.clients",
        "webapp.clock",
        "webapp.config",
        "webapp.csv_lines",
        "webapp.extensions",
        "webapp.progress",
        "webapp.queue_server",
        "webapp.supervisor",
        "jobs",
    ),
    "webapp.config": ("webapp.clients.urls",),
    "webapp.extensions": ("webapp.config", "webapp.queue_server", "webapp.store.base"),
    "webapp.metrics": ("webapp.extensions", "webapp.store", "jobs.queues"),
    "webapp.migrations": ("webapp.store.base",),
    "webapp.progress": ("webapp.extensions",),
    "webapp.queue_server": ("webapp.config", "jobs.worker"),
    "webapp.supervisor": ("webapp.config", "webapp.queue_server", "jobs.worker"),
    # The simulated services are as far from us as the real ones; only pure helpers are shared.
    "webapp.sandbox": ("webapp.sandbox", "webapp.clock", "jobs.mapping"),
    "webapp.demo": (
        "webapp",
        "webapp.demo",
        "webapp.clients",
        "webapp.cli",
        "webapp.clock",
        "webapp.config",
        "webapp.queue_server",
        "webapp.supervisor",
        "webapp.store",
        "jobs.mapping",
        "jobs.worker",
    ),
    # The factory: it binds everything together, inside the function.
    "webapp": (
        "webapp.cli",
        "webapp.config",
        "webapp.errors",
        "webapp.extensions",
        "webapp.logs",
        "webapp.security",
        "webapp.views",
    ),
}
NO_IMPORT_OF_OURS = ("webapp.clock", "webapp.csv_lines", "webapp.errors", "webapp.logs", "jobs")

# The store talks SQL. Elsewhere these names only, each for a reason.
SQL_ELSEWHERE: dict[str, set[str]] = {
    "webapp.extensions": {"event", "Engine"},  # opens connections
    "webapp.config": {"make_url", "ArgumentError"},  # checks DATABASE_URL
    "webapp.views.health": {"text", "SQLAlchemyError"},  # asks whether the database answers
    "webapp.cli.processes": {"SQLAlchemyError"},  # says that it does not
    "webapp.views.card": {"SQLAlchemyError"},  # says so to HubSpot's relay, which then asks once more
}
# What the sync engine, tasks and pages may do with the session: end a transaction that the store began, or have a row
# that the store gave them read again.
SESSION_ELSEWHERE = {"commit", "rollback", "remove", "refresh"}
# Reads what the migrations table says, to answer /readyz.
SESSION_EXTRA = {"webapp.views.health": {"execute", "connection"}}

SANDBOX_USERS = ("webapp.cli.sandbox", "webapp.demo")

# Everything else is input, output, chance or the clock.
PURE = {
    "__future__",
    "base64",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "hmac",
    "importlib",
    "itertools",
    "json",
    "math",
    "msgspec",
    "operator",
    "phonenumbers",
    "pycountry",
    "re",
    "types",
    "typing",
    "unicodedata",
    "urllib",
    "zoneinfo",
}
IMPURE_CALLS = {"now", "utcnow", "today", "fromtimestamp", "open", "print", "input", "urlopen", "getenv"}


def rule_of(module: str) -> tuple[str, ...] | None:
    """What a module may import of ours, or None when nobody has said."""
    if module in NO_IMPORT_OF_OURS:
        return ()
    name = module
    while name:
        if name in MAY_IMPORT and (name != "webapp" or module == "webapp"):
            return MAY_IMPORT[name]
        name = name.rpartition(".")[0]
    return None


def allowed(found: Import, rule: tuple[str, ...]) -> bool:
    # `webapp` alone is the factory, not everything below it.
    return any(found.target == name or (name != "webapp" and within(found.target, name)) for name in rule)


def test_every_module_has_a_rule():
    assert [name for name in modules() if rule_of(name) is None] == []


def test_no_rule_is_left_over():
    rules = (*MAY_IMPORT, *NO_IMPORT_OF_OURS)
    assert [rule for rule in rules if not any(within(name, rule) for name in modules())] == []


def test_modules_import_only_what_their_layer_may():
    wrong = [
        str(found)
        for found in all_imports()
        if ours(found.target)
        and not within(found.target, "webapp.sandbox")
        and not allowed(found, rule_of(found.importer) or ())
    ]
    assert wrong == []


def test_the_rules_bite():
    """The checks see what they are meant to see: absolute, relative, lazy and submodule imports."""
    assert any(found.target == "webapp.store.models_account" for found in imports_of("webapp.store.accounts"))
    assert any(found.target == "webapp.store.connections" for found in imports_of("webapp.views.connect"))
    assert any(found.lazy and found.target == "webapp.views" for found in imports_of("webapp"))
    made_up = Import("webapp.views.dashboard", "jobs.sync.engine", (), 1, lazy=True)
    assert not allowed(made_up, rule_of(made_up.importer) or ())
    assert not allowed(Import("jobs.context", "webapp.views", (), 1, lazy=False), rule_of("jobs.context") or ())


def test_only_the_store_imports_sqlalchemy():
    wrong = []
    for found in all_imports():
        if not within(found.target, "sqlalchemy") or within(found.importer, "webapp.store", "webapp.migrations"):
            continue
        if not found.names or not set(found.names) <= SQL_ELSEWHERE.get(found.importer, set()):
            wrong.append(str(found))
    assert wrong == []


def test_no_module_keeps_a_permission_for_sql_that_it_does_not_use():
    used = {
        (found.importer, name) for found in all_imports() if within(found.target, "sqlalchemy") for name in found.names
    }
    unused = [(module, name) for module, names in SQL_ELSEWHERE.items() for name in names if (module, name) not in used]
    assert unused == []


def test_queries_are_made_in_the_store_only():
    wrong = []
    for module, path in modules().items():
        if within(module, "webapp.store", "webapp.migrations"):
            continue
        fine = SESSION_ELSEWHERE | SESSION_EXTRA.get(module, set())
        for node in ast.walk(tree(path)):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Attribute)
                and ast.unparse(node.value) == "db.session"
                and node.attr not in fine
            ):
                wrong.append(f"{module}:{node.lineno} db.session.{node.attr}")
    assert wrong == []


def test_clients_know_no_framework_and_no_queue():
    known = ("flask", "flask_sqlalchemy", "sqlalchemy", "rq", "click", "rich")
    assert [str(found) for found in all_imports("webapp.clients") if within(found.target, *known)] == []


def test_one_file_imports_authlib():
    files = {found.importer for found in all_imports() if within(found.target, "authlib")}
    assert files == {"webapp.clients.hubspot.oauth"}


def test_the_application_never_imports_the_sandbox():
    users = [
        found
        for found in all_imports()
        if within(found.target, "webapp.sandbox") and not within(found.importer, "webapp.sandbox")
    ]
    assert [str(found) for found in users if found.importer not in SANDBOX_USERS or not found.lazy] == []


def test_mapping_is_pure():
    for found in all_imports("jobs.mapping"):
        if not ours(found.target):
            assert found.target.partition(".")[0] in PURE, str(found)
    for module, path in modules().items():
        if not within(module, "jobs.mapping"):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                assert name not in IMPURE_CALLS, f"{module}:{node.lineno} calls {name}"


def test_mapping_loads_nothing_of_ours_but_itself():
    """The same, by running it: importing the whole of mapping brings in no other module of ours."""
    import subprocess

    names = [name for name in modules() if within(name, "jobs.mapping")]
    code = f"import sys\n{''.join(f'import {name}{chr(10)}' for name in names)}" + (
        "print([m for m in sys.modules if m.split('.')[0] in ('jobs', 'webapp') and not m.startswith('jobs.mapping')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "['jobs']"


def edges() -> dict[str, set[str]]:
    """Module-level imports of ours. Importing a module runs the packages above it, too."""
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for found in all_imports():
        if found.lazy or found.target not in graph:
            continue
        name = found.target
        while name:
            if name != found.importer and not within(found.importer, name):
                graph[found.importer].add(name)
            name = name.rpartition(".")[0]
        if found.target != found.importer:
            graph[found.importer].add(found.target)
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Every group of modules that import each other, found by walking down until a module comes up again."""
    done: set[str] = set()
    found: list[list[str]] = []

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append([*path[path.index(name) :], name])
            return
        if name in done:
            return
        for target in sorted(graph[name]):
            visit(target, [*path, name])
        done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return found


def test_no_import_circles():
    assert circles(edges()) == []


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}}, [["a", "b", "c", "a"]]),
        ({"a": {"b", "c"}, "b": set(), "c": {"c"}}, [["c", "c"]]),
    ],
)
def test_circles_are_found(graph, expected):
    assert circles(graph) == expected
