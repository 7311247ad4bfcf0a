"""The simulated product's own pages: contacts, deals by stage, installed apps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from webapp.sandbox.page import PER_PAGE, cells, frame, join, pager, search_form, table

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import Portal
    from webapp.sandbox.hubspot.sandbox import HubSpotSandbox

_COLUMNS = ("firstname", "lastname", "email", "phone", "cliniko_patient_key")


def page(title: str, body: Markup, status: int = 200) -> Response:
    return frame("Simulated HubSpot", title, body, status)


def _missing() -> Response:
    return page("Not found", Markup(""), 404)


def contacts(sandbox: HubSpotSandbox, request: Request, hub_id: int) -> Response:
    """Contacts (`q` searches, `page` from 1), then deals by stage and the installed apps."""
    portal = sandbox.portals.get(hub_id)
    if portal is None:
        return _missing()
    words = request.args.get("q", "").lower()
    number = max(1, request.args.get("page", 1, type=int))
    found = []
    for record in portal.contacts:
        values = [record.properties.get(name, "") for name in _COLUMNS]
        if not record.archived and words in " ".join(values).lower():
            found.append((record.id, values))
    rows = [
        Markup("<tr><td><a href=/portals/{0}/contacts/{1}>{1}</a></td>{2}</tr>").format(
            hub_id, record_id, cells(values)
        )
        for record_id, values in found[(number - 1) * PER_PAGE : number * PER_PAGE]
    ]
    body = Markup("{}<p>{} contacts</p>{}{}{}{}").format(
        search_form(words),
        len(found),
        table(["id", *_COLUMNS], rows),
        pager(words, number, len(found)),
        _deals(portal),
        _apps(sandbox, portal),
    )
    return page(f"Contacts of {portal.name}", body)


def _deals(portal: Portal) -> Markup:
    lines = []
    for pipeline in portal.pipelines.values():
        for stage in pipeline["stages"].values():
            deals = [d for d in portal.deals if not d.archived and d.properties.get("dealstage") == stage["id"]]
            names = ", ".join(deal.properties.get("dealname", deal.id) for deal in deals[:20])
            if deals:
                line = Markup("<li>{} / {} ({}): {}</li>")
                lines.append(line.format(pipeline["label"], stage["label"], len(deals), names))
    return Markup("<h2>Deals</h2><ul>{}</ul>").format(join(lines))


def _apps(sandbox: HubSpotSandbox, portal: Portal) -> Markup:
    form = Markup("<form method=post action=/portals/{}/apps/{}/uninstall>{} <button>Uninstall</button></form>")
    forms = [form.format(portal.hub_id, app_id, sandbox.apps[app_id].name) for app_id in portal.installs]
    return Markup("<h2>Connected apps</h2>{}").format(join(forms))


def uninstall(sandbox: HubSpotSandbox, hub_id: int, app_id: int) -> Response:
    portal, app = sandbox.portals.get(hub_id), sandbox.apps.get(app_id)
    if portal is None or app is None:
        return _missing()
    portal.uninstall(app)
    return redirect(f"/portals/{hub_id}")
