"""One contact as HubSpot shows it: properties by group, deals, and the cards of the apps that are installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import Markup
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from webapp.sandbox.hubspot.associations import linked
from webapp.sandbox.hubspot.card_panel import LOOK_AGAIN, STYLE, Click, Panel
from webapp.sandbox.hubspot.errors import HubSpotError
from webapp.sandbox.hubspot.relay import Asker, Relayed, carry, sign
from webapp.sandbox.page import cells, frame, join, table

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import App, Portal
    from webapp.sandbox.hubspot.records import Record
    from webapp.sandbox.hubspot.sandbox import HubSpotSandbox

SERVICE = "Simulated HubSpot"
ACTIONS = ("sync", "push", "unlink")
_OPEN_GROUPS = ("contactinformation", "cliniko_patient")
_COLUMNS = Markup(
    "<style>h1{overflow-wrap:anywhere}summary{cursor:pointer}"
    ".columns{display:grid;grid-template-columns:minmax(0,1fr) minmax(18rem,24rem);gap:2rem;align-items:start}"
    ".columns aside{grid-column:2;grid-row:1}.columns .record{grid-column:1;grid-row:1}"
    ".record h2:first-child{margin-top:0}.record summary{font-weight:600;margin:.5rem 0}"
    ".record input,.record select{width:100%;box-sizing:border-box}"
    ".record form table{width:100%}.record form td:first-child{width:45%}"
    "@media(max-width:56rem){.columns{display:block}.columns aside{margin-bottom:2rem}}</style>"
)


def show(sandbox: HubSpotSandbox, request: Request, hub_id: int, contact_id: str) -> Response:
    """The page; a POST saves edited properties, as an edit by a person (CRM_UI). The caller holds no lock: while the
    card is asked for, everybody else goes on."""
    refused = ""
    if request.method == "POST":
        with sandbox.lock:
            found = _find(sandbox, hub_id, contact_id)
            if found is None:
                return _missing()
            portal, record = found
            edits = {n: v for n, v in request.form.items() if v != record.properties.get(n, "")}
            try:
                portal.update("contacts", record.id, edits)
                return redirect(request.path)
            except HubSpotError as error:
                refused = error.message
    return _page(sandbox, hub_id, contact_id, clicked=request.args.get("clicked", ""), refused=refused)


def press(
    sandbox: HubSpotSandbox, request: Request, hub_id: int, contact_id: str, app_id: int, action: str
) -> Response:
    """A button of a card: the relay carries it to the app, and the page then shows how things stand."""
    with sandbox.lock:
        found = _find(sandbox, hub_id, contact_id)
        app = sandbox.apps.get(app_id)
        if found is None or app is None or app_id not in found[0].installs or not app.card_url:
            return _missing()
        portal, record = found
        asker, secret, url = (
            _asker(portal, app),
            app.client_secret,
            f"{app.card_url}/card/contacts/{record.id}/{action}",
        )
        stamp = _stamp(sandbox)
    form = request.form.to_dict()
    body: dict[str, Any] = {"idempotencyKey": form.get("key", "")}
    if action == "push":
        body["target"] = form.get("target", "patient")
    if action == "unlink":
        body |= {name: form.get(name) == "yes" for name in ("restoreFields", "moveDeals")}
    heard = carry(sign(secret, asker, "POST", url, body, stamp))
    if heard.fine:
        return redirect(f"/portals/{hub_id}/contacts/{contact_id}?{urlencode({'clicked': form.get('key', '')})}", 303)
    return _page(sandbox, hub_id, contact_id, lost={app_id: (heard, Click(action, form))})


def _page(
    sandbox: HubSpotSandbox,
    hub_id: int,
    contact_id: str,
    *,
    clicked: str = "",
    refused: str = "",
    lost: Mapping[int, tuple[Relayed, Click]] | None = None,
) -> Response:
    with sandbox.lock:
        found = _find(sandbox, hub_id, contact_id)
        if found is None:
            return _missing()
        portal, record = found
        apps = [app for app_id in portal.installs if (app := sandbox.apps.get(app_id)) is not None and app.card_url]
        asked = {
            app.app_id: sign(
                app.client_secret,
                _asker(portal, app),
                "GET",
                f"{app.card_url}/card/contacts/{record.id}",
                None,
                _stamp(sandbox),
            )
            for app in apps
        }
    answers = {app_id: (lost or {}).get(app_id) or (carry(request), None) for app_id, request in asked.items()}
    with sandbox.lock:
        here = f"/portals/{hub_id}/contacts/{record.id}"
        panels = [
            Panel(heard, f"{here}/cards/{app_id}", here, record.properties, portal.time_zone, clicked, click)
            for app_id, (heard, click) in answers.items()
        ]
        again = Markup("")
        if any(panel.working for panel in panels):
            target = f"{here}?{urlencode({'clicked': clicked})}" if clicked else here
            again = Markup('<meta http-equiv=refresh content="{};url={}">').format(LOOK_AGAIN, target)
        aside = Markup("<aside>{}</aside>").format(join(panel.html() for panel in panels)) if panels else Markup("")
        body = Markup('<p role=alert>{}</p><div class="columns">{}<div class="record">{}{}</div></div>').format(
            refused, aside, _deals(portal, record), _properties(portal, record)
        )
        menu = [(f"/portals/{hub_id}", f"Contacts of {portal.name}")]
        return frame(SERVICE, _title(record), body, 400 if refused else 200, menu, again + STYLE + _COLUMNS)


def _find(sandbox: HubSpotSandbox, hub_id: int, contact_id: str) -> tuple[Portal, Record] | None:
    portal = sandbox.portals.get(hub_id)
    record = portal.contacts.get(contact_id) if portal else None
    return (portal, record) if portal is not None and record is not None else None


def _missing() -> Response:
    return frame(SERVICE, "Not found", Markup(""), 404)


def _asker(portal: Portal, app: App) -> Asker:
    """Who looks at the page: the account's one user."""
    return Asker(portal.user_id, portal.hub_id, portal.user_email, app.app_id)


def _stamp(sandbox: HubSpotSandbox) -> str:
    return str(int(sandbox.clock.now().timestamp() * 1000))


def _title(record: Record) -> str:
    name = " ".join(record.properties.get(part, "") for part in ("firstname", "lastname")).strip()
    return name or record.properties.get("email") or f"Contact {record.id}"


def _properties(portal: Portal, record: Record) -> Markup:
    """Every property in its group; a group is open when it is one of those that a person looks at first."""
    schema = portal.schema["contacts"]
    by_group: dict[str, list[Mapping[str, Any]]] = {}
    for definition in schema.properties.values():
        if not definition["archived"]:
            by_group.setdefault(definition["groupName"], []).append(definition)
    parts = []
    for name, found in sorted(by_group.items(), key=lambda pair: (pair[0] != "contactinformation", pair[0])):
        group = schema.groups.get(name, {"label": name})
        values = [(one, record.properties.get(one["name"], "")) for one in sorted(found, key=_by_label)]
        # What is filled in is read first.
        fields = join(_field(one, value) for one, value in sorted(values, key=lambda pair: not pair[1]))
        state = Markup(" open") if name in _OPEN_GROUPS else ""
        parts.append(
            Markup("<details{}><summary>{}</summary><table>{}</table></details>").format(state, group["label"], fields)
        )
    form = Markup("<h2>Properties</h2><p>Contact {}</p><form method=post>{}<button>Save</button></form>")
    return form.format(record.id, join(parts))


def _by_label(definition: Mapping[str, Any]) -> str:
    return str(definition["label"]).lower()


def _field(definition: Mapping[str, Any], value: str) -> Markup:
    name, label = definition["name"], definition["label"]
    locked = Markup(" disabled") if definition["modificationMetadata"]["readOnlyValue"] else Markup("")
    row = Markup('<tr><td><label for="{0}">{1}</label></td><td>{2}</td></tr>')
    options = {"": "", **{option["value"]: option["label"] for option in definition["options"]}}
    if len(options) == 1:
        return row.format(name, label, Markup('<input id="{0}" name="{0}" value="{1}"{2}>').format(name, value, locked))
    options.setdefault(value, value)
    choices = join(
        Markup('<option value="{}"{}>{}</option>').format(one, Markup(" selected") if one == value else "", text)
        for one, text in options.items()
    )
    return row.format(name, label, Markup('<select id="{0}" name="{0}"{1}>{2}</select>').format(name, locked, choices))


def _deals(portal: Portal, record: Record) -> Markup:
    rows = []
    for deal_id in linked(portal, "contacts", record.id):
        deal = portal.deals.get(deal_id)
        values = deal.properties if deal else {}
        pipeline = portal.pipelines.get(values.get("pipeline", ""), {"label": "", "stages": {}})
        stage = pipeline["stages"].get(values.get("dealstage", ""), {"label": ""})
        shown = [values.get("dealname", deal_id), pipeline["label"], stage["label"], values.get("amount", "")]
        rows.append(Markup("<tr>{}</tr>").format(cells(shown)))
    if not rows:
        return Markup("<h2>Deals</h2><p>None</p>")
    return Markup("<h2>Deals ({})</h2>{}").format(len(rows), table(["Deal", "Pipeline", "Stage", "Amount"], rows))
