"""Links from HubSpot that sign a person in to one account: good for one use, within minutes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from webapp.clock import now
from webapp.extensions import db

from .models_account import SigninLink
from .sql import insert_new


@dataclass(frozen=True)
class Signin:
    """What a link was good for."""

    hub_id: int
    user_id: int
    page: str
    role: str


def make(
    hub_id: int, key: str, token_hash: bytes, user_id: int, page: str, role: str, expires_at: datetime
) -> SigninLink:
    """Keep a new link. The same key again, also at the same moment, gives the link that it made. Commits."""
    row = {
        "hub_id": hub_id,
        "key": key,
        "token_hash": token_hash,
        "user_id": user_id,
        "page": page,
        "role": role,
        "created_at": now(),
        "expires_at": expires_at,
    }
    insert_new(SigninLink, row)
    db.session.commit()
    link = by_key(hub_id, key)
    assert link is not None, "two keys never have one token"
    return link


def by_key(hub_id: int, key: str) -> SigninLink | None:
    """The link that this click made."""
    return db.session.scalar(
        select(SigninLink)
        .where(SigninLink.hub_id == hub_id, SigninLink.key == key)
        .execution_options(populate_existing=True)
    )


def use(token_hash: bytes) -> Signin | None:
    """Use a link up and say what it is good for; None when it is unknown, used or too old. Of two at the same moment
    one gets it. Commits."""
    moment = now()
    result = db.session.execute(
        update(SigninLink)
        .where(SigninLink.token_hash == token_hash, SigninLink.used_at.is_(None), SigninLink.expires_at > moment)
        .values(used_at=moment)
    )
    taken = result.rowcount == 1  # type: ignore[attr-defined]  # UPDATE returns a CursorResult
    query = select(SigninLink.hub_id, SigninLink.user_id, SigninLink.page, SigninLink.role)
    row = db.session.execute(query.where(SigninLink.token_hash == token_hash)).one() if taken else None
    db.session.commit()
    return Signin(*row) if row is not None else None
