"""Which reviews ask the same: a person is asked once, whatever brings the question up again."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from webapp.extensions import db

from .models_sync import Review
from .sql import chunks

# A review is about one record, one HubSpot record and one cause.
PAIR = ("connection_id", "kind", "cliniko_id", "hubspot_id", "cause")
# Causes that ask the same: do these two belong together?
_TOGETHER = ("doubtful_match", "shared_email", "email_withheld")


def asked_otherwise(rows: Sequence[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """Those of these reviews, by PAIR, that ask whether two belong together where that is asked already for another
    reason, or was denied."""
    known: dict[tuple[Any, ...], set[str]] = {}
    for part in chunks(sorted({row["cliniko_id"] for row in rows if row["cause"] in _TOGETHER})):
        found = db.session.execute(
            select(*(getattr(Review, name) for name in PAIR)).where(
                Review.connection_id.in_({row["connection_id"] for row in rows}),
                Review.cliniko_id.in_(part),
                Review.cause.in_(_TOGETHER),
                Review.state.in_(("open", "later", "separate")),
            )
        )
        for *pair, cause in found:
            known.setdefault(tuple(pair), set()).add(cause)
    keys = [tuple(row[name] for name in PAIR) for row in rows if row["cause"] in _TOGETHER]
    return {key for key in keys if known.get(key[:-1], set()) - {key[-1]}}
