"""From HubSpot to one of our pages: a link for one use, which signs its person in to their account and to no other."""

import hashlib
import hmac
from datetime import timedelta

import structlog
from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue

from webapp.clock import now
from webapp.config import current_settings
from webapp.security.card_identity import Asker
from webapp.security.tenant import FULL, STAFF, sign_in
from webapp.store import accounts, pushes, signins
from webapp.store.models_account import Account
from webapp.views.card_types import SigninAnswer

blueprint = Blueprint("signin", __name__)
log = structlog.get_logger()

GOOD_FOR = timedelta(minutes=5)
# Where a link leads, and who else than the one who installed the app may go there.
PAGES = {"dashboard": "/dashboard", "onboarding": "/onboarding", "review": "/review"}
FOR_STAFF = frozenset({"review"})


class KeyReused(Exception):
    """The key of this click came with another request before."""


def make_link(asker: Asker, page: str, key: str) -> SigninAnswer:
    """`POST /card/signin-link`. The same key again gives the same link. Raises KeyReused."""
    moment = now()
    account = accounts.find_account(asker.hub_id)
    if account is None or account.status == "uninstalled":
        return SigninAnswer("uninstalled", moment)
    if pushes.by_key(asker.hub_id, key) is not None:
        raise KeyReused
    role = _role(account, asker)
    if role != FULL and page not in FOR_STAFF:
        return SigninAnswer(
            "not_allowed",
            moment,
            message="Only the person who installed CRMConnect can open this page from here.",
            remedy="Ask them, or install CRMConnect again from HubSpot to sign in yourself.",
        )
    token = _token(asker, page, key)
    link = signins.make(asker.hub_id, key, _hash(token), asker.user_id, page, role, moment + GOOD_FOR)
    if (link.user_id, link.page) != (asker.user_id, page):
        raise KeyReused
    url = f"{current_settings().public_url}/signin/{token}"
    return SigninAnswer("ready", moment, url=url, expires_at=link.expires_at)


def has_key(hub_id: int, key: str) -> bool:
    """Did a link of this account come of this click?"""
    return signins.by_key(hub_id, key) is not None


@blueprint.get("/signin/<token>")
def use_link(token: str) -> ResponseReturnValue:
    """Sign the browser in, once; whatever it was signed in to before is left."""
    found = signins.use(_hash(token))
    account = accounts.find_account(found.hub_id) if found is not None else None
    if found is None or account is None or account.status == "uninstalled":
        log.warning("signin_link_refused")
        return render_template("install/link_used.html"), 410
    sign_in(found.hub_id, found.role, found.user_id)
    log.info("signed_in_by_link", hub_id=found.hub_id, role=found.role)
    return redirect(PAGES[found.page])


def _role(account: Account, asker: Asker) -> str:
    return FULL if account.installed_by == str(asker.user_id) else STAFF


def _token(asker: Asker, page: str, key: str) -> str:
    """Cannot be guessed without our own key, and is the same for a repeated request, so that it need not be kept."""
    text = f"signin:{asker.hub_id}:{asker.user_id}:{page}:{key}"
    return hmac.new(current_settings().secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
