"""When visits take place: by the clock on the clinic's wall, in the zone of each business."""

from __future__ import annotations

import itertools
import random
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from webapp.sandbox.cliniko.clinic.draws import DAY, between, moment

PAST_DAYS = 6 * 365
SOON_DAYS = 45
LATER_DAYS = 400


class Calendar:
    """Draws starting times, in seconds since 1970."""

    def __init__(self, now: int) -> None:
        self.now = now

    def past(self, chance: random.Random, zone: ZoneInfo) -> int:
        """More of them lately; the clinic grew. Never after now."""
        back = int(PAST_DAYS * chance.random() ** 2)
        starts = self._opening(chance, zone, -back)
        return starts if starts <= self.now else starts - DAY

    def soon(self, chance: random.Random, zone: ZoneInfo) -> int:
        """Within the next 45 days."""
        starts = self._opening(chance, zone, chance.randint(0, SOON_DAYS - 1))
        return starts if starts > self.now else starts + DAY

    def later(self, chance: random.Random, zone: ZoneInfo) -> int:
        """Beyond the 45 days that a new account looks ahead."""
        return self._opening(chance, zone, chance.randint(SOON_DAYS + 2, LATER_DAYS))

    def midnight(self, chance: random.Random, zone: ZoneInfo) -> int:
        """Exactly when a local day begins: in UTC that is another date."""
        return at_local(zone, self._today(zone) + timedelta(days=chance.randint(-300, SOON_DAYS)), time(0))

    def summer_time(self, chance: random.Random, zone: ZoneInfo, number: int) -> int:
        """Around a change of the clock: before it, within the missing or doubled hour, after it."""
        days = changes(zone, self._today(zone).year)
        if not days:
            return self.midnight(chance, zone)
        day = days[number // len(_CLOCK) % len(days)]
        clock, fold = _CLOCK[number % len(_CLOCK)]
        return at_local(zone, day, clock.replace(fold=fold))

    def next_week(self, zone: ZoneInfo, starts: int, weeks: int) -> int:
        """The same clock time that many weeks later, whatever summer time does."""
        local = moment(starts).astimezone(zone)
        return at_local(zone, local.date() + timedelta(weeks=weeks), local.time())

    def _today(self, zone: ZoneInfo) -> date:
        return moment(self.now).astimezone(zone).date()

    def _opening(self, chance: random.Random, zone: ZoneInfo, days: int) -> int:
        clock = time(chance.randint(7, 18), chance.choice((0, 0, 15, 30, 45, 5)))
        return at_local(zone, self._today(zone) + timedelta(days=days), clock)


_CLOCK = ((time(1, 30), 0), (time(2, 30), 0), (time(2, 30), 1), (time(3, 0), 0), (time(23, 45), 0))


def at_local(zone: ZoneInfo, day: date, clock: time) -> int:
    return int(datetime.combine(day, clock, zone).timestamp())


@cache
def changes(zone: ZoneInfo, year: int) -> tuple[date, ...]:
    """The days from last year to next on which the clock changes in that zone."""
    first = date(year - 1, 1, 1)
    noons = [datetime.combine(first + timedelta(days=n), time(12), zone) for n in range(3 * 365 + 1)]
    return tuple(after.date() for before, after in itertools.pairwise(noons) if before.utcoffset() != after.utcoffset())


def lead(chance: random.Random, starts: int, known_since: int, now: int) -> int:
    """When a visit was entered: some weeks ahead, after the patient was, never in the future; walk-ins a bit late."""
    days = 300 if starts > now + SOON_DAYS * DAY else 60
    ahead = between(chance, -600, days * DAY)
    return min(now, max(starts - ahead, min(known_since, starts)))
