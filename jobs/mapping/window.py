"""Which appointments and invoices become deals. Days are 24 hours of UTC, so no change of clocks moves an edge."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

DAYS_BACK = 7


@dataclass(frozen=True, slots=True)
class Window:
    """A span of start times, with both ends."""

    start: datetime
    end: datetime

    def __contains__(self, moment: object) -> bool:
        return isinstance(moment, datetime) and self.start <= moment <= self.end


def scope(now: datetime, last_completed: datetime | None, days_forward: int) -> Window:
    """From 7 days before the earlier of now and the last completed cycle, to `days_forward` days ahead: after a stop of
    a month, the visits of that month are still in it."""
    moment = _utc(now)
    earliest = moment if last_completed is None else min(moment, _utc(last_completed))
    return Window(_days(earliest, -DAYS_BACK), _days(moment, days_forward))


def in_scope(window: Window, starts_at: datetime | None, *, linked: bool = False) -> bool:
    """Whether an appointment is synced. A linked one is followed wherever it goes, even without a start."""
    return linked or (starts_at is not None and starts_at in window)


def newly_entered(edge_reached: datetime | None, now: datetime, days_forward: int) -> Window | None:
    """The start times to scan because time moved or the setting grew; None when there is nothing new.

    `edge_reached` is how far scanning has got, None before the first scan, which covers the whole scope. The end of
    this window becomes the edge once its scan has ended, never before.
    """
    if edge_reached is None:
        return scope(now, None, days_forward)
    edge, end = _utc(edge_reached), _days(_utc(now), days_forward)
    return Window(edge, end) if edge < end else None


def edge_kept(edge_reached: datetime | None, now: datetime, days_forward: int) -> datetime | None:
    """The stored edge, drawn back to where the scope ends now; store it before changes are looked at.

    Beyond a scope that was made shorter nothing is synced any more, so what is booked there meanwhile has to be found
    by a scan when the scope gets there again.
    """
    return None if edge_reached is None else min(_utc(edge_reached), _days(_utc(now), days_forward))


def invoice_scope(now: datetime, days_back: int) -> date:
    """The first issue date that is in scope."""
    return _days(_utc(now), -days_back).date()


def invoice_in_scope(first_day: date, issue_date: date | None, *, linked: bool = False) -> bool:
    """Whether an invoice is synced: issued on or after the first day, or linked already.

    A date ahead counts (the clinic's tomorrow may have begun), and so does a missing one: better shown than lost.
    """
    return linked or issue_date is None or issue_date >= first_day


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC)


def _days(moment: datetime, days: int) -> datetime:
    try:
        return moment + timedelta(days=days)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if days > 0 else datetime.min.replace(tzinfo=UTC)
