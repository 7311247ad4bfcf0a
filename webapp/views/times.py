"""Times as people read them: an age, and the exact time in the account's zone."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup

from webapp.clock import now


def zone_of(name: str | None) -> tzinfo:
    """The zone by its name; UTC when HubSpot named one that is not known here."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def distance(moment: datetime, present: datetime) -> str:
    """`3 minutes ago`, `in 12 minutes`, `just now`."""
    seconds = int((moment - present).total_seconds())
    length = abs(seconds)
    if length < 45:
        return "just now" if seconds <= 0 else "in a moment"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if length >= size or unit == "minute":
            number = max(1, round(length / size))
            words = f"{number} {unit}{'' if number == 1 else 's'}"
            return f"in {words}" if seconds > 0 else f"{words} ago"
    raise AssertionError("every length has a unit")


def ago(moment: datetime | None, zone_name: str | None, missing: str = "never") -> str:
    """A `time` element: the age as text, the exact time on hover."""
    if moment is None:
        return missing
    local = moment.astimezone(zone_of(zone_name))
    exact = f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), exact, distance(moment, now())
    )


def clock_time(moment: datetime | None, zone_name: str | None) -> str:
    """Hour and minute, with the date unless it is today's, the exact time on hover."""
    if moment is None:
        return "–"
    zone = zone_of(zone_name)
    local = moment.astimezone(zone)
    text = f"{local:%H:%M}"
    if local.date() != now().astimezone(zone).date():
        text = f"{local.day} {local:%b}, {text}"
    exact = f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment.isoformat(timespec="seconds"), exact, text)


def number(value: int | float) -> str:
    """1,204"""
    return f"{value:,}"
