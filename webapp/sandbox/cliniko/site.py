"""What a person or another process meets: pages, links into Cliniko's web app, control endpoints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from webapp.sandbox.cliniko import pages, pages_visits
from webapp.sandbox.cliniko.frame import missing, page
from webapp.sandbox.page import join
from webapp.sandbox.support import Fault

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount, ClinikoSandbox

_ACCOUNT = re.compile(r"/accounts/([^/]+)(?:/(patients|appointments|invoices))?")
_PATIENT = re.compile(r"/accounts/([^/]+)/patients/(\d+|new)")
_ACTION = re.compile(r"/accounts/([^/]+)/(patients|appointments|attendees|invoices)/(\d+)/([a-z-]+)")
# The links the product makes carry no account: the host name of the real service says which one it is.
_DEEP = re.compile(r"/(patients|contacts|appointments|individual_appointments|group_appointments|invoices)/(\d+)")


class Site:
    def __init__(self, sandbox: ClinikoSandbox) -> None:
        self.sandbox = sandbox

    def answer(self, request: Request) -> Response:
        path = request.path
        with self.sandbox.lock:
            if path.startswith("/_sandbox/"):
                return self._control(request)
            if found := _ACCOUNT.fullmatch(path):
                return self._list(request, self.sandbox.accounts.get(found[1]), found[2] or "patients")
            if found := _PATIENT.fullmatch(path):
                account = self.sandbox.accounts.get(found[1])
                return pages.patient(account, request, found[2]) if account else missing()
            if (found := _ACTION.fullmatch(path)) and request.method == "POST":
                return self._act(request, self.sandbox.accounts.get(found[1]), *found.groups()[1:])
            if found := _DEEP.fullmatch(path):
                return self._deep(request, found[1], found[2])
            if path == "/":
                return self._home()
        return missing()

    def _list(self, request: Request, account: ClinikoAccount | None, what: str) -> Response:
        if account is None:
            return missing()
        shown = {
            "patients": pages.patients,
            "appointments": pages_visits.appointments,
            "invoices": pages_visits.invoices,
        }
        return shown[what](account, request)

    def _act(self, request: Request, account: ClinikoAccount | None, what: str, id: str, action: str) -> Response:
        if account is None:
            return missing()
        if what == "patients":
            return pages.act(account, request, id, action)
        return pages_visits.act(account, request, what, id, action)

    def _deep(self, request: Request, what: str, id: str) -> Response:
        """Go to the record's page, in the account the host names, else in the first that has it."""
        label = request.host.partition(".")[0]
        accounts = sorted(self.sandbox.accounts.values(), key=lambda account: account.subdomain != label)
        tables = ("individual_appointments", "group_appointments") if what == "appointments" else (what,)
        for account in accounts:
            if any(int(id) in account.tables[name] for name in tables):
                if what == "contacts":
                    return pages.contact(account, id)
                if what == "patients":
                    return redirect(f"/accounts/{account.id}/patients/{id}")
                listed = "invoices" if what == "invoices" else "appointments"
                return redirect(f"/accounts/{account.id}/{listed}?q={id}")
        return missing()

    def _home(self) -> Response:
        rows = join(
            Markup("<li><a href=/accounts/{}>{}</a>: {} patients, {} appointments, {} invoices</li>").format(
                account.id,
                account.name,
                len(account.tables["patients"]),
                len(account.tables["individual_appointments"]) + len(account.tables["group_appointments"]),
                len(account.tables["invoices"]),
            )
            for account in self.sandbox.accounts.values()
        )
        return page("Accounts", Markup("<ul>{}</ul>").format(rows))

    def _control(self, request: Request) -> Response:
        """GET calls, counts; POST clear, faults (a list), edit {account, resource, id, changes, touch?}, create."""
        name = request.path.removeprefix("/_sandbox/")
        if name == "calls":
            calls = [{"method": c.method, "path": c.path, "status": c.status} for c in self.sandbox.calls.items]
            return _json(200, {"calls": calls})
        if name == "counts":
            accounts = self.sandbox.accounts.values()
            return _json(200, {a.id: {what: len(rows) for what, rows in a.tables.items()} for a in accounts})
        if request.method != "POST":
            return _json(404, {"message": "not found"})
        if name == "clear":
            self.sandbox.calls.clear()
            self.sandbox.faults.clear()
            return _json(204, None)
        try:
            return self._change(name, msgspec.json.decode(request.get_data() or b"{}"))
        except (ValueError, KeyError, TypeError) as error:
            return _json(400, {"message": f"{type(error).__name__} in the body"})

    def _change(self, name: str, body: Any) -> Response:
        if name == "faults":
            for fault in [Fault(**item) for item in body]:
                self.sandbox.faults.add(fault)
            return _json(204, None)
        if name not in ("edit", "create"):
            return _json(404, {"message": "not found"})
        account = self.sandbox.accounts[str(body["account"])]
        if name == "create":
            row = account.put(body["resource"], body["values"])
            return _json(201, row)
        touch = bool(body.get("touch", True))
        return _json(200, account.edit(body["resource"], body["id"], touch=touch, **body["changes"]))


def _json(status: int, body: Any) -> Response:
    data = b"" if body is None else msgspec.json.encode(body)
    return Response(data, status=status, content_type="application/json")
