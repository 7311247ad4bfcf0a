"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable


def until(true: Callable[[], object], within: float = 30) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, f"not true within {within} s"
        time.sleep(0.02)
