"""The two short-lived memories of an install: the random state of a start, and a grant that waits to be confirmed.

Both live in Redis for ten minutes, are bound to the browser that began, and can be taken once.
"""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime

from flask import session

from webapp.clients.hubspot.oauth import TokenSet
from webapp.extensions import get_redis
from webapp.security.crypto import current_cipher

TTL_SECONDS = 600
_BROWSER = "install_browser"


@dataclass(frozen=True)
class PendingInstall:
    """A grant that HubSpot gave without any start of ours: nobody is signed in to it until a person confirms."""

    tokens: TokenSet
    hub_domain: str | None
    return_url: str | None


def new_state(kind: str) -> str:
    """A random state for this browser; `kind` is `own` or `marketplace`."""
    state = secrets.token_urlsafe(32)
    get_redis().set(_key("state", state), json.dumps({"kind": kind, "browser": _browser()}), ex=TTL_SECONDS)
    return state


def take_state(state: str, kind: str) -> bool:
    """Was this state given to this browser for this kind of start? A second try with the same state fails."""
    raw = get_redis().getdel(_key("state", state))
    if not raw:
        return False
    stored = json.loads(raw)
    browser = session.get(_BROWSER, "")
    return bool(browser) and stored["kind"] == kind and secrets.compare_digest(stored["browser"], browser)


def hold(pending: PendingInstall) -> str:
    """Keep a grant, encrypted, until this browser confirms it. Returns its one-time name."""
    name = secrets.token_urlsafe(32)
    tokens = {**asdict(pending.tokens), "expires_at": pending.tokens.expires_at.isoformat()}
    text = json.dumps(
        {"tokens": tokens, "hub_domain": pending.hub_domain, "return_url": pending.return_url, "browser": _browser()}
    )
    get_redis().set(_key("pending", name), current_cipher().encrypt(text), ex=TTL_SECONDS)
    return name


def take_pending(name: str) -> PendingInstall | None:
    """The grant, once, for the browser it was shown to."""
    raw = get_redis().getdel(_key("pending", name))
    if not raw:
        return None
    stored = json.loads(current_cipher().decrypt(raw))
    if not secrets.compare_digest(stored["browser"], session.get(_BROWSER, "")):
        return None
    fields = stored["tokens"]
    fields["expires_at"] = datetime.fromisoformat(fields["expires_at"])
    fields["scopes"] = tuple(fields["scopes"])
    return PendingInstall(TokenSet(**fields), stored["hub_domain"], stored["return_url"])


def _browser() -> str:
    if _BROWSER not in session:
        session[_BROWSER] = secrets.token_urlsafe(24)
    value: str = session[_BROWSER]
    return value


def _key(kind: str, name: str) -> str:
    # A listing of Redis keys must not give away a usable state.
    return f"crmconnect:install:{kind}:{hashlib.sha256(name.encode()).hexdigest()}"
