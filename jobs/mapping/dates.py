"""Dates and times in the form HubSpot stores: `YYYY-MM-DD`, and ISO 8601 in UTC with `Z`."""

import re
from datetime import UTC, date, datetime, time, timedelta

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MILLISECONDS = re.compile(r"-?\d{1,15}")
_DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)


def parse_date(value: object) -> date | None:
    """A calendar day from `YYYY-MM-DD`, a midnight in ISO 8601 (UTC) or epoch milliseconds at midnight UTC; else None.

    Day-first and month-first dates are refused rather than guessed.
    """
    if isinstance(value, datetime):
        return _midnight(value)
    if isinstance(value, date):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    if _DATE.fullmatch(text) and text.isascii():
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    if _MILLISECONDS.fullmatch(text) and text.isascii():
        return _from_milliseconds(int(text))
    moment = parse_datetime(text)
    return _midnight(moment) if moment else None


def parse_datetime(value: object) -> datetime | None:
    """An aware UTC time from an ISO 8601 text with a zone, or from an aware datetime; else None."""
    moment: datetime
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str) and "T" in value:
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    else:
        return None
    if moment.tzinfo is None:
        return None
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def hubspot_date(value: object) -> str:
    """`YYYY-MM-DD`, or "" when there is no such day."""
    day = parse_date(value)
    return day.isoformat() if day else ""


def hubspot_datetime(value: object) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ` (milliseconds only where there are any), or ""."""
    moment = parse_datetime(value)
    if moment is None:
        return ""
    whole = moment.replace(tzinfo=None)
    precision = "milliseconds" if whole.microsecond >= 1000 else "seconds"
    return whole.isoformat(timespec=precision) + "Z"


def _midnight(moment: datetime) -> date | None:
    utc = moment.astimezone(UTC) if moment.tzinfo else moment
    return utc.date() if utc.time() == time(0) else None


def _from_milliseconds(milliseconds: int) -> date | None:
    days, rest = divmod(milliseconds, _DAY_MS)
    if rest:
        return None
    try:
        return _EPOCH + timedelta(days=days)
    except OverflowError:
        return None
