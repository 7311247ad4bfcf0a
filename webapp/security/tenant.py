"""Whose pages these are. The signed session cookie names one account; every page reads its account from here only."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from flask import abort, redirect, request, session, url_for

from webapp.store.accounts import find_account
from webapp.store.models_account import Account

F = TypeVar("F", bound=Callable[..., Any])
_HUB = "hub_id"


def sign_in(hub_id: int) -> None:
    """Bind this browser to an account. Whatever the session held before is dropped, so none can be planted."""
    session.clear()
    session[_HUB] = hub_id


def sign_out() -> None:
    """Forget the account in this browser."""
    session.clear()


def current_account() -> Account | None:
    """The account of this browser, or None. An account that was uninstalled lets nobody in."""
    hub_id = session.get(_HUB)
    account = find_account(hub_id) if isinstance(hub_id, int) else None
    return account if account is not None and account.status != "uninstalled" else None


def the_account() -> Account:
    """The account of this browser; ends the request with 401 where there is none."""
    account = current_account()
    if account is None:
        abort(401)
    return account


def signed_in(view: F) -> F:
    """Let only a signed-in browser in. A page sends others to the start; anything else answers 401."""

    @functools.wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if current_account() is None:
            if request.method == "GET" and "X-Fragment" not in request.headers:
                return redirect(url_for("dashboard.landing"))
            abort(401)
        return view(*args, **kwargs)

    return wrapped  # type: ignore[return-value]  # same signature as the view
