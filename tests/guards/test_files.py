"""The repository itself: short files, tests that are found and run, nothing that belongs to one machine."""

import ast
import re
import subprocess
import sys
from functools import cache

import pytest

from tests.guards.source import ROOT, project_files, tree

LONGEST = 400
TEXT = {".py", ".md", ".html", ".css", ".js", ".toml", ".txt", ".json", ".ts", ".tsx", ".lock", ".ini", ".mako", ".yml"}
# Written by tools, not by hand.
GENERATED = ("requirements.lock", "requirements-dev.lock", "package-lock.json", "vendor")

# Split, so that this file does not contain what it forbids.
MACHINE = re.compile("|".join(("/wo" + "rk/", "/ho" + r"me/\w", "/ro" + "ot/", "/Us" + "ers/", r"[A-Z]:\\" + "Users")))
REGISTRIES = re.compile(
    "|".join(
        (
            r"pypi\." + "org",
            r"pythonhosted\." + "org",
            r"registry\.npm" + "js",
            r"npm" + r"js\.com",
            r"deb\.deb" + "ian",
            r"archive\.ubu" + "ntu",
            "index" + "-url",
            r"artifac" + "tory",
            "nex" + "us/repository",
        )
    )
)
SKIPS = ("pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail", "pytest.skip", "pytest.importorskip")
TESTS = [path for path in project_files() if path.is_relative_to(ROOT / "tests") and path.suffix == ".py"]


@cache
def texts():
    """Every text file and what it says."""
    named = ("Makefile", "Procfile", ".env.example", ".gitignore", "run")
    found = [path for path in project_files() if path.suffix in TEXT or path.name in named]
    return tuple((path.relative_to(ROOT), path.read_text(encoding="utf-8")) for path in found)


def generated(path) -> bool:
    return any(part in GENERATED for part in path.parts)


def test_no_file_is_longer_than_four_hundred_lines():
    long = {
        str(path): text.count("\n")
        for path, text in texts()
        if path.suffix != ".json" and not generated(path) and text.count("\n") > LONGEST
    }
    assert long == {}


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for path in project_files()
        if path.suffix == ".py"
        and path.parts[len(ROOT.parts)] in ("webapp", "jobs")
        and path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(tree(path))
    ]
    assert silent == []


def test_no_path_of_one_machine():
    assert [(str(path), found[0]) for path, text in texts() if (found := MACHINE.search(text))] == []


def test_no_package_registry():
    assert [(str(path), found[0]) for path, text in texts() if (found := REGISTRIES.search(text))] == []


def test_no_secret_was_written_down():
    """A key of Cliniko, HubSpot or ours looks like none of the made-up ones in the tests."""
    looks = re.compile(r"\b(?:pat-(?:na|eu)\d-[0-9a-f]{8}-|MS0[A-Za-z0-9+/=]{30,}-[a-z]{2}\d\b|AKIA[0-9A-Z]{16}\b)")
    assert [(str(path), found[0]) for path, text in texts() if (found := looks.search(text))] == []


def test_nothing_is_left_to_do():
    words = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    assert [
        (str(path), found[0]) for path, text in texts() if not generated(path) and (found := words.search(text))
    ] == []


def test_files_with_tests_are_named_so_that_they_are_found():
    wrong = []
    for path in TESTS:
        named = path.name.startswith("test_")
        holds = any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
            for node in ast.walk(tree(path))
        )
        if named != holds:
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []


def test_folders_with_tests_are_packages_or_their_names_are_unique():
    """Two files of one name outside of packages hide each other."""
    loose = [
        path.name for path in TESTS if not (path.parent / "__init__.py").exists() and path.name.startswith("test_")
    ]
    assert len(loose) == len(set(loose))


@pytest.fixture(scope="module")
def collected(request) -> set[str]:
    """The names of all tests. A run of everything has them; a run of a few asks a second pytest."""
    config = request.config
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if whole and not (config.option.keyword or config.option.markexpr or config.option.deselect):
        return {item.nodeid for item in request.session.items}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout[-3000:]
    return {line for line in done.stdout.splitlines() if "::" in line}


def test_every_test_file_is_collected(collected):
    found = {name.partition("::")[0] for name in collected}
    present = {str(path.relative_to(ROOT)) for path in TESTS if path.name.startswith("test_")}
    assert found == present


def test_every_test_function_is_collected(collected):
    """A second function of the same name in a file replaces the first without a word."""
    found = {re.sub(r"\[.*", "", name) for name in collected}
    wrong = []
    for path in TESTS:
        if not path.name.startswith("test_"):
            continue
        names = [
            node.name for node in tree(path).body if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_"
        ]
        wrong += [f"{path.name}::{name}" for name in set(names) if names.count(name) > 1]
        wrong += [f"{path.name}::{name}" for name in names if f"{path.relative_to(ROOT)}::{name}" not in found]
    assert wrong == []


def test_no_test_is_skipped_without_a_reason():
    wrong = []
    for path in TESTS:
        if not re.search(r"skip|xfail", path.read_text(encoding="utf-8")):
            continue
        called = {id(node.func): node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)}
        for node in ast.walk(tree(path)):
            name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            if name not in SKIPS:
                continue
            call = called.get(id(node))
            reasons = [word.value for word in call.keywords if word.arg == "reason"] if call else []
            if call and name == "pytest.skip":
                reasons += call.args[:1]
            if not reasons or (isinstance(reasons[0], ast.Constant) and len(str(reasons[0].value)) < 10):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {name}")
    assert wrong == []


def test_pytest_treats_warnings_as_errors_and_finds_all_tests():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'filterwarnings = ["error"]' in text and 'testpaths = ["tests"]' in text
    assert not re.search(r"norecursedirs|collect_ignore|--ignore|--deselect", text)


def test_tests_use_no_mocks():
    """The real thing or a simulated service over HTTP; only the clock may be moved."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in TESTS
        for node in ast.walk(tree(path))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        if name.startswith(("unittest", "mock", "pytest_mock", "responses", "fakeredis"))
    ]
    assert wrong == []
