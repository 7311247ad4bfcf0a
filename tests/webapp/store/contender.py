"""A process that takes a lease again and again, and says so when it was not alone. Run by test_leases.

Arguments: database URL, folder, seconds. Prints the fencing numbers it held, one a line; exits 3 when another process
was inside at the same time.
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


def contend(url: str, folder: Path, seconds: float) -> int:
    app = create_app(settings_for(url, None, folder))
    inside = folder / "inside"
    with app.app_context():
        (folder / f"ready-{os.getpid()}").touch()
        while not (folder / "go").exists():
            time.sleep(0.005)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            held = leases.acquire(HUB, "patients", f"process-{os.getpid()}")
            if held is None:
                time.sleep(0.002)
                continue
            try:
                # Fails when the file is there, which only another holder can have made.
                os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return 3
            time.sleep(0.003)
            try:
                leases.guard(held)
            except LeaseLost:
                return 4
            print(held.fence, flush=True)
            inside.unlink()
            leases.release(held)
    return 0


if __name__ == "__main__":
    sys.exit(contend(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
