"""The one place that asks what time it is, so that tests can move the clock."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment as an aware UTC time."""
    return datetime.now(UTC)
