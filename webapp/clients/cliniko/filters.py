"""Cliniko's list conditions (`q[]`), as plain text; the client encodes them.

https://docs.api.cliniko.com/guides/filtering
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

MAX_IDS = 50  # no longest list is documented; this many fit any URL


def since(field: str, moment: datetime) -> str:
    """`updated_at:>=2014-08-30T18:00:00Z`. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be sent to Cliniko")
    return f"{field}:>={moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def before(field: str, moment: datetime) -> str:
    """`starts_at:<2014-08-30T18:00:00Z`. Part of a second counts as the whole, so that nothing is left out."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be sent to Cliniko")
    utc = moment.astimezone(UTC)
    if utc.microsecond:
        utc = utc.replace(microsecond=0) + timedelta(seconds=1)
    return f"{field}:<{utc:%Y-%m-%dT%H:%M:%SZ}"


def between(field: str, start: datetime, end: datetime) -> tuple[str, str]:
    """A range of times, with its start and without its end: two conditions of one list."""
    return since(field, start), before(field, end)


def on_or_after(field: str, day: date) -> str:
    """`issue_date:>=2014-08-30`, for a column that holds days."""
    return f"{field}:>={_day(day)}"


def on_or_before(field: str, day: date) -> str:
    """`issue_date:<=2014-08-30`, for a column that holds days."""
    return f"{field}:<={_day(day)}"


def days(field: str, first: date, last: date) -> tuple[str, str]:
    """A range of days with both ends: two conditions of one list."""
    return on_or_after(field, first), on_or_before(field, last)


def after_id(record_id: str) -> str:
    """`id:>123`: for walking a list by id."""
    return f"id:>{_checked(record_id)}"


def id_in(ids: Sequence[str], field: str = "id") -> str:
    """`id:=1,2`. Raises ValueError for none, for more than 50, and for what is not an id."""
    if not 0 < len(ids) <= MAX_IDS:
        raise ValueError(f"1 to {MAX_IDS} ids at a time")
    return f"{field}:={','.join(map(_checked, ids))}"


def equals(field: str, value: str) -> str:
    """`email:=a@b.example`. Whether Cliniko minds the case is not documented: compare again."""
    return f"{field}:={value}"


def reveal(field: str) -> str:
    """`archived_at:*`: also the records that a list leaves out by default."""
    return f"{field}:*"


def _day(day: date) -> str:
    # A datetime is a date too, and would put its time into the condition.
    if isinstance(day, datetime):
        raise ValueError("a day, not a time")
    return day.isoformat()


def _checked(record_id: str) -> str:
    if not (record_id.isascii() and record_id.isdigit()):
        raise ValueError("a Cliniko id is digits only")
    return record_id
