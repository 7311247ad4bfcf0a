"""The repository as data for the guards: its files, its modules, and what each module imports."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("jobs", "webapp")
# Folders that hold what was made or installed, never what somebody wrote; .gitignore names the same.
NOT_SOURCE = {"build", "dist", "node_modules", "test-artefacts", "var", "__pycache__"}


@dataclass(frozen=True)
class Import:
    """One imported module. `lazy` means inside a function; `names` are what is taken out of it."""

    importer: str
    target: str
    names: tuple[str, ...]
    line: int
    lazy: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that belongs to the project."""
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in NOT_SOURCE and not name.endswith(".egg-info") and (not name.startswith(".") or name == ".ci")
        ]
        found += [Path(folder) / name for name in names if name != ".env" and not name.endswith(".pyc")]
    return tuple(sorted(found))


@cache
def modules() -> dict[str, Path]:
    """Dotted name to file, of every module of the application."""
    found = {"wsgi": ROOT / "wsgi.py"}
    for top in OURS:
        for path in sorted((ROOT / top).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    """What one module imports; a name that is itself a module of ours counts as that module."""
    path = modules()[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return tuple(_walk(module, package, tree(path), lazy=False))


def all_imports(prefix: str = "") -> Iterator[Import]:
    """The imports of every module below a package, or of all."""
    for module in modules():
        if not prefix or within(module, prefix):
            yield from imports_of(module)


def within(name: str, *packages: str) -> bool:
    """Is this one of these packages, or below one?"""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def ours(name: str) -> bool:
    return within(name, *OURS)


def _walk(module: str, package: str, node: ast.AST, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(module, alias.name, (), child.lineno, lazy)
        elif isinstance(child, ast.ImportFrom):
            yield from _imported_from(module, package, child, lazy)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue  # never executed
        else:
            inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _walk(module, package, child, inside)


def _imported_from(module: str, package: str, node: ast.ImportFrom, lazy: bool) -> Iterator[Import]:
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
    plain = tuple(alias.name for alias in node.names if f"{base}.{alias.name}" not in modules())
    if plain:
        yield Import(module, base, plain, node.lineno, lazy)
    for alias in node.names:
        if alias.name not in plain:
            yield Import(module, f"{base}.{alias.name}", (), node.lineno, lazy)
