"""Which processes belong to a test: those that hold its var directory in environment or command line, or work in it."""

import os
from pathlib import Path


def processes_of(folder: Path) -> dict[int, str]:
    """{pid: command line} of every live process but this one that knows the folder."""
    mark = str(folder).encode()
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            # Valkey writes its title over both of the first.
            here = os.readlink(entry / "cwd").encode()
            if mark in command or mark in here or mark in (entry / "environ").read_bytes():
                found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:  # it ended while we looked
            continue
    return found
