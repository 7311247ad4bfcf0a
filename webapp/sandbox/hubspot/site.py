"""What a person or another process meets: OAuth pages and endpoints, control endpoints, a list of contacts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from markupsafe import Markup
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from webapp.sandbox.hubspot import contact_page, pages
from webapp.sandbox.hubspot.api import reply
from webapp.sandbox.hubspot.errors import HubSpotError
from webapp.sandbox.hubspot.pages import page
from webapp.sandbox.hubspot.support import Fault

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import App
    from webapp.sandbox.hubspot.sandbox import HubSpotSandbox

_TOKEN = re.compile(r"/oauth/(?:2026-09|2026-03)/token(?:/(introspect|revoke))?")
_AUTHORIZE = re.compile(r"/oauth/(?:(\d+)/)?authorize")
_PORTAL = re.compile(r"/portals/(\d+)")
_CONTACT = re.compile(r"/portals/(\d+)/contacts/(\d+)")
_CARD = re.compile(r"/portals/(\d+)/contacts/(\d+)/cards/(\d+)/(sync|push|unlink)")
_MARKETPLACE = re.compile(r"/marketplace/(\d+)/(\d+)")
_UNINSTALL = re.compile(r"/portals/(\d+)/apps/(\d+)/uninstall")


def with_query(url: str, **added: str) -> str:
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *added.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


class Site:
    def __init__(self, sandbox: HubSpotSandbox) -> None:
        self.sandbox = sandbox

    def answer(self, request: Request) -> Response:
        # These ask the app, which may ask back while we wait: they take the lock themselves, for moments.
        if found := _CONTACT.fullmatch(request.path):
            return contact_page.show(self.sandbox, request, int(found[1]), found[2])
        if (found := _CARD.fullmatch(request.path)) and request.method == "POST":
            return contact_page.press(self.sandbox, request, int(found[1]), found[2], int(found[3]), found[4])
        with self.sandbox.lock:
            if found := _TOKEN.fullmatch(request.path):
                return self._token(request, found[1])
            if found := _AUTHORIZE.fullmatch(request.path):
                return self._authorize(request, found[1])
            if request.path.startswith("/_sandbox/"):
                return self._control(request)
            if found := _PORTAL.fullmatch(request.path):
                return pages.contacts(self.sandbox, request, int(found[1]))
            if (found := _UNINSTALL.fullmatch(request.path)) and request.method == "POST":
                return pages.uninstall(self.sandbox, int(found[1]), int(found[2]))
            if found := _MARKETPLACE.fullmatch(request.path):
                return self._marketplace(request, int(found[1]), int(found[2]))
            if request.path == "/":
                return self._home()
        return page("Not found", Markup(""), 404)

    def _token(self, request: Request, action: str | None) -> Response:
        if request.method != "POST":
            return reply(405, {"status": "error", "message": "POST only"})
        tokens, form = self.sandbox.tokens, request.form.to_dict()
        if action == "introspect":
            return reply(*tokens.introspect(form))
        return reply(*(tokens.revoke(form) if action == "revoke" else tokens.token(form)))

    def _problem(self, app: App | None, redirect_uri: str, request: Request) -> str | None:
        if app is None:
            return "The client ID is not known."
        if redirect_uri not in app.redirect_uris:
            return "The redirect URL does not match the app's registered redirect URLs."
        asked = set(request.values.get("scope", "").split())
        optional = set(request.values.get("optional_scope", "").split())
        if not set(app.scopes) <= asked or not asked | optional <= {*app.scopes, *app.optional_scopes}:
            return "The scopes do not match the scopes registered for this app."
        return None

    def _authorize(self, request: Request, hub_id: str | None) -> Response:
        values = request.values
        app = next((a for a in self.sandbox.apps.values() if a.client_id == values.get("client_id")), None)
        target = values.get("redirect_uri", "")
        problem = self._problem(app, target, request)
        if problem or app is None:
            return page("Authorization failed", Markup("<p>{}</p>").format(problem), 400)
        state = {"state": values["state"]} if "state" in values else {}
        if request.method == "POST":
            if values.get("choice") != "connect":
                return redirect(with_query(target, error="access_denied", **state))
            portal = self.sandbox.portals.get(int(hub_id or values.get("portal", "0")))
            if portal is None:
                return page("Authorization failed", Markup("<p>That account does not exist.</p>"), 400)
            return redirect(with_query(target, code=self.sandbox.tokens.new_code(app, portal, target), **state))
        shown = [p for p in self.sandbox.portals.values() if hub_id is None or str(p.hub_id) == hub_id]
        choices = Markup("").join(Markup("<option value={}>{}</option>").format(p.hub_id, p.name) for p in shown)
        scopes = Markup("").join(Markup("<li>{}</li>").format(scope) for scope in app.scopes)
        body = Markup(
            "<form method=post><label>Account <select name=portal>{}</select></label><p>It asks for:</p><ul>{}</ul>"
            "<button name=choice value=connect>Connect app</button> "
            "<button name=choice value=cancel>Cancel</button></form>"
        ).format(choices, scopes)
        return page(f"Connect {app.name}", body)

    def _marketplace(self, request: Request, hub_id: int, app_id: int) -> Response:
        """An install begun in the marketplace: `?signin=yes` asks the app for its state first, then finalizes."""
        portal, app = self.sandbox.portals.get(hub_id), self.sandbox.apps.get(app_id)
        if portal is None or app is None or not app.install_url:
            return page("Not found", Markup(""), 404)
        args, here = request.args, request.base_url
        if "done" in args:
            return page("Installation finished", Markup("<p>{}</p>").format(app.name))
        if args.get("signin") == "yes" and "state" not in args:
            return redirect(with_query(app.install_url, step="authorize", returnUrl=f"{here}?signin=yes"))
        code = self.sandbox.tokens.new_code(app, portal, app.install_url)
        finish = {"code": code, "returnUrl": f"{here}?done=yes"}
        if "state" in args:
            finish |= {"step": "finalize", "state": args["state"]}
        return redirect(with_query(app.install_url, **finish))

    def _control(self, request: Request) -> Response:
        """calls, clear, faults (POST a list), counts, create (POST {portal, properties})."""
        name = request.path.removeprefix("/_sandbox/")
        if name == "calls":
            shown = [{"method": c.method, "path": c.path, "status": c.status} for c in self.sandbox.calls.items]
            return reply(200, {"calls": shown})
        if name == "counts":
            counts = {str(p.hub_id): {o: len(s) for o, s in p.stores.items()} for p in self.sandbox.portals.values()}
            return reply(200, counts)
        if request.method != "POST":
            return reply(404, {"message": "not found"})
        if name == "clear":
            self.sandbox.calls.clear()
            self.sandbox.faults.clear()
            return reply(204, None)
        try:
            body: Any = json.loads(request.get_data() or b"{}")
            if name == "faults":
                for item in body:
                    self.sandbox.faults.add(Fault(**item))
                return reply(204, None)
            if name == "contacts":
                record = self.sandbox.portals[int(body["portal"])].create("contacts", body["properties"])
                return reply(201, {"id": record.id})
        except HubSpotError as error:
            return reply(error.status, error.body())
        except (ValueError, KeyError, TypeError) as error:
            return reply(400, {"message": f"{type(error).__name__} in the body"})
        return reply(404, {"message": "not found"})

    def _home(self) -> Response:
        rows = Markup("").join(
            Markup("<li><a href=/portals/{}>{}</a> — {} contacts, {} deals</li>").format(
                p.hub_id, p.name, len(p.contacts), len(p.deals)
            )
            for p in self.sandbox.portals.values()
        )
        return page("Accounts", Markup("<ul>{}</ul>").format(rows))
