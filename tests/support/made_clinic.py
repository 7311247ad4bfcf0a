"""The seeded clinic as its tests look at it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from webapp.sandbox.cliniko import ClinikoAccount
from webapp.sandbox.cliniko.clinic import Summary, make_clinic

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def make(seed: int = 1, now: datetime = NOW, **sizes: int) -> tuple[ClinikoAccount, Summary]:
    account = ClinikoAccount(id="1")
    return account, make_clinic(account, seed=seed, now=now, **sizes)


@cache
def clinic() -> tuple[ClinikoAccount, Summary]:
    """A clinic of 1,000 patients, made once; tests only look at it."""
    return make(patients=1000)


def digest(account: ClinikoAccount) -> str:
    plain = json.dumps({name: list(table.values()) for name, table in account.tables.items()}, sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def rows(account: ClinikoAccount, resource: str) -> list[dict[str, Any]]:
    return list(account.tables[resource].values())


def near(found: int, share: float, of: int, slack: float = 0.25) -> bool:
    """Within a quarter of the stated share, or one record."""
    return abs(found - share * of) <= max(1, slack * share * of)
