"""Pages about patients: the list, one patient with a form, archive and merge; and a plain view of a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from webapp.sandbox.cliniko import actions
from webapp.sandbox.cliniko.bodies import PATIENT
from webapp.sandbox.cliniko.checks import Errors
from webapp.sandbox.cliniko.countries import country_changes
from webapp.sandbox.cliniko.frame import asked, button, counted, cut, missing, page
from webapp.sandbox.cliniko.render import full_name
from webapp.sandbox.cliniko.table import Row
from webapp.sandbox.page import cells, join, pager, search_form, table

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

_FIELDS = {
    "first_name": "First name",
    "last_name": "Last name",
    "preferred_first_name": "Preferred first name",
    "email": "Email",
    "date_of_birth": "Birth date (YYYY-MM-DD)",
    "address_1": "Address",
    "city": "City",
    "state": "State",
    "post_code": "Postal code",
    "country_code": "Country (two letters)",
    "gender_identity": "Gender identity",
}
_PHONES = ("Mobile", "Home")
_LIST = ("id", "Name", "Email", "Birth date", "Phone", "State")


def patients(account: ClinikoAccount, request: Request) -> Response:
    """Patients, archived ones too (`q` searches id, name and email; `page` from 1)."""
    words, number = asked(request)
    rows = account.tables["patients"]
    found = [n for n in rows.ids() if not words or words in _haystack(rows[n])]
    shown = [_line(account, rows[n]) for n in cut(found, number)]
    body = Markup('{}<p>{}. <a href="/accounts/{}/patients/new">New patient</a></p>{}{}').format(
        search_form(words), counted(found, "patient"), account.id, table(_LIST, shown), pager(words, number, len(found))
    )
    return page(f"Patients of {account.name}", body, account=account)


def _haystack(row: Row) -> str:
    return f"{row['id']} {full_name(row)} {row.get('preferred_first_name') or ''} {row.get('email') or ''}".lower()


def _line(account: ClinikoAccount, row: Row) -> Markup:
    phones = ", ".join(phone.get("number") or "" for phone in row.get("patient_phone_numbers") or [])
    link = Markup('<tr><td><a href="/accounts/{}/patients/{}">{}</a></td>{}</tr>')
    values = (full_name(row), row.get("email"), row.get("date_of_birth"), phones, state(row))
    return link.format(account.id, row["id"], row["id"], cells(values))


def state(row: Row) -> str:
    if row.get("merged_at"):
        return f"Merged into {row.get('merged_with_patient_id')}"
    return "Archived" if row.get("archived_at") else "Active"


def patient(account: ClinikoAccount, request: Request, id: str) -> Response:
    """The form of one patient (`new` for another one); saving counts as an edit by a person."""
    row = account.get("patients", id) if id != "new" else {}
    if row is None:
        return missing()
    errors = Errors()
    held = _held(row)
    if request.method == "POST":
        held = {name: request.form.get(name, "") for name in held}
        values = _values(account, row, held, errors)
        if not errors:
            saved = account.edit("patients", id, **values) if row else account.put("patients", values)
            return redirect(f"/accounts/{account.id}/patients/{saved['id']}")
    named = {**_FIELDS, **{name: f"{name} phone" for name in _PHONES}}
    line = Markup('<tr><td><label for="{0}">{1}</label></td><td><input id="{0}" name="{0}" value="{2}"> {3}</td></tr>')
    fields = join(line.format(name, label, held[name], errors.get(name, "")) for name, label in named.items())
    body = Markup("<form method=post><table>{}</table><p><button>Save</button></p></form>{}").format(
        fields, _more(account, row) if row else ""
    )
    title = f"Patient {full_name(row)}" if row else "New patient"
    return page(title, body, 400 if errors else 200, account)


def _held(row: Row) -> dict[str, str]:
    held = {name: str(row.get(name) or "") for name in _FIELDS}
    for kind in _PHONES:
        numbers = [p.get("number") or "" for p in row.get("patient_phone_numbers") or [] if p.get("phone_type") == kind]
        held[kind] = numbers[0] if numbers else ""
    return held


def _values(account: ClinikoAccount, row: Row, held: dict[str, str], errors: Errors) -> dict[str, Any]:
    """What to store: the form checked by the rules of the API, the first number of each kind replaced."""
    before = _held(row)
    sent = {name: value.strip() for name, value in held.items() if value.strip() != before[name] or not row}
    values = PATIENT.collect(account, {k: v for k, v in sent.items() if k in _FIELDS}, errors, creating=not row)
    values |= country_changes(sent, errors, by_name=False)
    if any(kind in sent for kind in _PHONES):
        phones = list(row.get("patient_phone_numbers") or [])
        for kind in filter(sent.__contains__, _PHONES):
            place = next((n for n, phone in enumerate(phones) if phone.get("phone_type") == kind), len(phones))
            phones[place : place + 1] = [{"number": sent[kind], "phone_type": kind}] if sent[kind] else []
        values["patient_phone_numbers"] = phones
    return values


def _more(account: ClinikoAccount, row: Row) -> Markup:
    """State, the buttons that fit it, and where else this patient is found."""
    at, name = f"/accounts/{account.id}/patients/{row['id']}", full_name(row)
    shown = [Markup("<p>{}. Last changed {}.</p>").format(state(row), row["updated_at"])]
    if row.get("archived_at") and not row.get("merged_at"):
        shown.append(button(f"{at}/unarchive", "Restore", name))
    elif not row.get("archived_at"):
        shown.append(button(f"{at}/archive", "Archive", name))
    if not row.get("merged_at"):
        merge = Markup(
            '<form class=inline method=post action="{}/merge"><label>Merge into patient '
            "<input name=survivor size=20 inputmode=numeric></label> <button>Merge</button></form>"
        )
        shown.append(merge.format(at))
    link = Markup('<a href="/accounts/{}/{}?q={}">{}</a> ')
    others = [link.format(account.id, part, row["id"], part.capitalize()) for part in ("appointments", "invoices")]
    return join([*shown, Markup("<p>{}</p>").format(join(others))])


def act(account: ClinikoAccount, request: Request, id: str, action: str) -> Response:
    if account.get("patients", id) is None:
        return missing()
    if action == "archive":
        actions.archive(account, "patients", id)
    elif action == "unarchive":
        actions.unarchive(account, "patients", id)
    elif action == "merge":
        survivor = request.form.get("survivor", "").strip()
        known = survivor.isdigit() and account.get("patients", survivor) is not None
        try:
            if not known:
                raise ValueError("There is no patient with this number.")
            actions.merge_patients(account, id, survivor)
        except ValueError as problem:
            return page("Not merged", Markup("<p role=alert>{}</p>").format(problem), 400, account)
        id = survivor
    else:
        return missing()
    return redirect(f"/accounts/{account.id}/patients/{id}")


def contact(account: ClinikoAccount, id: str) -> Response:
    row = account.tables["contacts"][int(id)]
    lines = [Markup("<tr>{}</tr>").format(cells((name, value))) for name, value in row.items()]
    return page(f"Contact {full_name(row) or row.get('company_name')}", table(("Field", "Value"), lines), 200, account)
