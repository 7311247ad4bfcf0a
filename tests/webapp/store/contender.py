"""A process that takes leases again and again, and says so when it was not alone. Run by test_leases.

Arguments: a folder, seconds, database URLs. Prints the fencing numbers it held, a line for each database; exits 3 when
another process was inside at the same time, 4 when a lease was lost that nobody can have taken.
"""

import os
import sys
import time
from pathlib import Path

from tests.support.engines import settings_for
from webapp import create_app
from webapp.store import leases
from webapp.store.leases import LeaseLost

HUB = 20_000_001


class Collision(Exception):
    """Two processes held one lease."""


def contend(folder: Path, seconds: float, urls: list[str]) -> int:
    apps = [create_app(settings_for(url, None, folder)) for url in urls]
    held: list[list[int]] = [[] for _ in urls]
    (folder / f"ready-{os.getpid()}").touch()
    while not (folder / "go").exists():
        time.sleep(0.005)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for number, app in enumerate(apps):
            with app.app_context():
                try:
                    once(folder / f"inside-{number}", held[number])
                except Collision:
                    return 3
                except LeaseLost:
                    return 4
    print("\n".join(" ".join(map(str, fences)) for fences in held))
    return 0


def once(inside: Path, held: list[int]) -> None:
    lease = leases.acquire(HUB, "patients", f"process-{os.getpid()}")
    if lease is None:
        time.sleep(0.001)
        return
    try:
        # Fails when the file is there, which only another holder can have made.
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        raise Collision from None
    time.sleep(0.002)
    leases.guard(lease)
    held.append(lease.fence)
    inside.unlink()
    leases.release(lease)


if __name__ == "__main__":
    sys.exit(contend(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
