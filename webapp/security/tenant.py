"""Whose pages these are. The signed session cookie names one account; every page reads its account from here only.

Whoever installed the app may do everything (role `full`). Others whom HubSpot sends to us for a decision (role `staff`)
see the reviews and the issues of their account, and nothing else.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from flask import abort, redirect, request, session, url_for

from webapp.store.accounts import find_account
from webapp.store.models_account import Account

F = TypeVar("F", bound=Callable[..., Any])
_HUB = "hub_id"
_ROLE = "role"
_USER = "user_id"
FULL = "full"
STAFF = "staff"


def sign_in(hub_id: int, role: str = FULL, user_id: int | None = None) -> None:
    """Bind this browser to an account. Whatever the session held before is dropped, so none can be planted. `user_id`
    is HubSpot's number of the person, where HubSpot told us."""
    session.clear()
    session[_HUB], session[_ROLE] = hub_id, role
    if user_id is not None:
        session[_USER] = user_id


def sign_out() -> None:
    """Forget the account in this browser."""
    session.clear()


def current_account() -> Account | None:
    """The account of this browser, or None. An account that was uninstalled lets nobody in."""
    hub_id = session.get(_HUB)
    account = find_account(hub_id) if isinstance(hub_id, int) else None
    return account if account is not None and account.status != "uninstalled" else None


def current_role() -> str:
    """What this browser may do in its account."""
    return FULL if session.get(_ROLE, FULL) == FULL else STAFF


def current_user() -> str:
    """Who sits at this browser, for the list of who did what."""
    user_id = session.get(_USER)
    return f"person {user_id}" if isinstance(user_id, int) else "person"


def the_account() -> Account:
    """The account of this browser; ends the request with 401 where there is none."""
    account = current_account()
    if account is None:
        abort(401)
    return account


def signed_in(view: F) -> F:
    """Let only a signed-in browser in that may do everything. A page sends others to the start; anything else answers
    401, and 403 to those who may see the reviews and issues only."""
    return _guarded(view, frozenset({FULL}))


def signed_in_staff(view: F) -> F:
    """The same for pages that everybody sees who is signed in."""
    return _guarded(view, frozenset({FULL, STAFF}))


def _guarded(view: F, roles: frozenset[str]) -> F:
    @functools.wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if current_account() is None:
            if request.method == "GET" and "X-Fragment" not in request.headers:
                return redirect(url_for("dashboard.landing"))
            abort(401)
        if current_role() not in roles:
            abort(403)
        return view(*args, **kwargs)

    return wrapped  # type: ignore[return-value]  # same signature as the view
