"""Chance, shares, ids and times of one clinic: the same seed and moment give the same clinic on any machine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

Row = dict[str, Any]
T = TypeVar("T")

# Text that must never leave Cliniko carries this mark, so that a test can search everything that was sent for it.
PRIVATE_MARK = "stays-in-cliniko"

HOUR = 3600
DAY = 86_400
# Below this many records a share may come out as none.
FEW = 50

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Ids were small until 2022; since then the account makes them from the time, with 18 to 19 digits.
_LONG_IDS_SINCE = int(datetime(2022, 1, 1, tzinfo=UTC).timestamp())
_FIRST_SMALL_ID = 95  # so that some have two, some three digits, and text order is not their order
_BOOKINGS = ("individual_appointments", "group_appointments", "unavailable_blocks")


class Draws:
    """Where a clinic's chance comes from. Every part draws from a stream of its own, so that more invoices do not
    change the patients."""

    def __init__(self, account: ClinikoAccount, seed: int, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("now needs a time zone")
        self.now = int(now.timestamp())
        self._seed = seed
        self._account = account
        self._next: dict[str, int] = {}

    def stream(self, part: str) -> random.Random:
        return random.Random(f"{self._seed}:{part}")  # noqa: S311  # sample data, nothing secret

    def new_id(self, resource: str, created: int) -> str:
        """A free id for a record of that time. Later ones are greater; the bookings share theirs, no others do."""
        space = "bookings" if resource in _BOOKINGS else resource
        if created >= _LONG_IDS_SINCE:
            return self._account.new_id(stamp(created))
        number = self._next.get(space, _FIRST_SMALL_ID)
        while self._taken(space, number):
            number += 1
        self._next[space] = number + 1
        return str(number)

    def _taken(self, space: str, number: int) -> bool:
        resources = _BOOKINGS if space == "bookings" else (space,)
        return any(number in self._account.tables.get(resource, {}) for resource in resources)


def chosen(chance: random.Random, among: Sequence[T], share: float, *, at_least: int = 1, few: int = FEW) -> list[T]:
    """That share of `among`, in a random order; at least `at_least` unless there are only a few."""
    wanted = round(len(among) * share)
    if len(among) >= few:
        wanted = max(wanted, at_least)
    return chance.sample(among, min(wanted, len(among)))


def stamp(seconds: int) -> str:
    """`2026-05-06T03:04:05Z`."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19] + "Z"


def moment(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def between(chance: random.Random, first: int, last: int) -> int:
    """A whole second from first to last; first when last is before it."""
    return chance.randint(first, last) if last > first else first


def day_between(chance: random.Random, first: date, last: date) -> date:
    return first + timedelta(days=chance.randint(0, (last - first).days))
