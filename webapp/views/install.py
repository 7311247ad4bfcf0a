"""Installing from HubSpot: our own start, and the two shapes of a start in HubSpot's marketplace.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth
"""

from urllib.parse import urlsplit, urlunsplit

import structlog
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.clients.errors import ApiError, OurFault, Rejected, Retryable
from webapp.clients.hubspot import oauth
from webapp.clients.hubspot.oauth import TokenSet
from webapp.config import current_settings
from webapp.security import install_state
from webapp.security.install_state import PendingInstall
from webapp.security.redirects import hubspot_return_url, with_params
from webapp.security.tenant import sign_in
from webapp.views import installing

blueprint = Blueprint("install", __name__)
log = structlog.get_logger()

USED = "This install link was used already or is older than ten minutes, or it was opened in another browser."
DECLINED = "You did not agree in HubSpot, so nothing was connected and nothing was stored."


@blueprint.get("/oauth/install")
def start() -> ResponseReturnValue:
    """Send the browser to HubSpot's consent page."""
    settings = current_settings()
    url = oauth.authorize_url(settings, install_state.new_state("own"), _redirect_uri())
    hub_id = request.args.get("hub_id", "")
    if hub_id.isascii() and hub_id.isdigit() and len(hub_id) < 16:
        parts = urlsplit(url)
        url = urlunsplit(parts._replace(path=f"/oauth/{hub_id}/authorize"))
    return redirect(url)


@blueprint.get("/oauth/callback")
def callback() -> ResponseReturnValue:
    """What HubSpot calls after consent, in any of its shapes."""
    settings = current_settings()
    offered = request.args.get("returnUrl")
    return_url = hubspot_return_url(settings, offered)
    if offered and return_url is None:
        log.warning("install_return_url_refused")
        return _stopped("The address to go back to is not HubSpot's, so we stopped here.")
    if "error" in request.args:
        return _failed(DECLINED, return_url)
    step, code, state = (request.args.get(name, "") for name in ("step", "code", "state"))
    if step == "authorize":
        if return_url is None:
            return _stopped("HubSpot did not say where to go on.")
        return redirect(with_params(return_url, state=install_state.new_state("marketplace")))
    if not code:
        return _failed("HubSpot did not send what is needed to connect.", return_url)
    if state:
        if not install_state.take_state(state, "marketplace" if step == "finalize" else "own"):
            return _failed(USED, return_url)
        return _finish(code, return_url)
    if step or return_url is None:
        # Without a state nobody can tell who began: somebody else's grant must not end up in this browser.
        return _failed(USED, return_url)
    return _ask(code, return_url)


@blueprint.post("/oauth/confirm")
def confirm() -> ResponseReturnValue:
    """The person at this browser says whether the account that HubSpot sent is theirs."""
    pending = install_state.take_pending(request.form.get("pending", ""))
    if pending is None:
        return _stopped(USED)
    if request.form.get("answer") == "yes":
        installing.save(pending.tokens)
        sign_in(pending.tokens.hub_id)
        connected = True
    else:
        connected = False
    # A form may not end in a redirect to any address, so the page itself goes on.
    return render_template("install/done.html", return_url=pending.return_url, connected=connected)


def _finish(code: str, return_url: str | None) -> ResponseReturnValue:
    tokens, problem = _exchange(code)
    if tokens is None:
        return _failed(problem, return_url)
    installing.save(tokens)
    sign_in(tokens.hub_id)
    return redirect(return_url or url_for("connect.onboarding"))


def _ask(code: str, return_url: str) -> ResponseReturnValue:
    tokens, problem = _exchange(code)
    if tokens is None:
        return _failed(problem, return_url)
    domain = installing.hub_domain(tokens)
    pending = install_state.hold(PendingInstall(tokens, domain, return_url))
    return render_template("install/confirm.html", hub_id=tokens.hub_id, hub_domain=domain, pending=pending)


def _exchange(code: str) -> tuple[TokenSet | None, str]:
    try:
        return oauth.exchange_code(current_settings(), code, _redirect_uri()), ""
    except Rejected:
        return None, USED
    except Retryable:
        return None, "HubSpot did not answer. Nothing was connected; try again in a minute."
    except OurFault as error:
        log.error("install_misconfigured", error=str(error))
        return None, "This service is not set up correctly with HubSpot. Its operator has to correct that."
    except ApiError as error:
        log.error("install_failed", error=str(error))
        return None, "HubSpot did not accept the install. Try again."


def _failed(problem: str, return_url: str | None) -> ResponseReturnValue:
    """Back to HubSpot where the install began there, or the person is stuck in its window; else say it here."""
    if return_url is not None:
        return redirect(with_params(return_url, error="install_failed"))
    return _stopped(problem)


def _stopped(problem: str) -> ResponseReturnValue:
    return render_template("install/stopped.html", problem=problem), 400


def _redirect_uri() -> str:
    return current_settings().public_url + "/oauth/callback"
