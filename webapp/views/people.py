"""Find a person by name, email or number; see how they stand on both sides; sync, unlink, undo an unlink.

What is typed travels in the body of a form: a name or an address has no place in addresses, which end up in logs.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.mapping.digest import term_digest
from jobs.mapping.emails import email_key
from jobs.mapping.names import name_words
from webapp.extensions import db
from webapp.security.tenant import current_user, signed_in, the_account
from webapp.store import accounts, connections, finding, issues, pushes
from webapp.store.finding import Found
from webapp.store.models_account import Account, Connection
from webapp.views import asking
from webapp.views.review_words import RULES
from webapp.views.showing import Person, cliniko_url, hubspot_url, person_of, plural

blueprint = Blueprint("people", __name__)

# Shown at once; more than these ask for more of the name.
MOST = 50
# Longer than any name, address or number.
_LONGEST = 300
_WORDS = 8

# Shape and word by the state of a link.
STATES = {
    "linked": ("ok", "●", "In sync"),
    "reserved": ("working", "◌", "Being linked"),
    "held": ("needs", "▲", "Waits for a decision"),
    "waiting": ("waiting", "◌", "Waiting"),
    "closed": ("stopped", "■", "Contact deleted in HubSpot"),
    "unlinked": ("stopped", "■", "Unlinked"),
    "excluded": ("new", "◌", "Left out"),
}
NOT_LINKED = ("new", "◌", "Not in HubSpot yet")
_UNDER_WAY = {"sync": "Sync asked for", "unlink": "Unlink asked for", "undo": "Undo asked for"}


@dataclass(frozen=True)
class Row:
    """One person of one list of Cliniko's."""

    found: Found
    person: Person
    look: tuple[str, str, str]
    cliniko_url: str
    hubspot_url: str
    rule: str
    issues: int
    reviews: int
    deals: str
    former: str
    under_way: str

    @property
    def who(self) -> str:
        """The name, or the number of somebody without."""
        return self.person.name or f"number {self.found.cliniko_id}"

    @property
    def may_unlink(self) -> bool:
        """Only a patient's link is broken here, and not while something is under way."""
        return self.found.kind == "patient" and self.found.state == "linked" and not self.under_way

    @property
    def may_undo(self) -> bool:
        """As long as we remember which contact it was."""
        return self.found.state == "unlinked" and bool(self.former) and not self.under_way


@blueprint.get("/people")
@signed_in
def people_page() -> ResponseReturnValue:
    """The form, and what `q` finds."""
    return _answer(request.args.get("q", ""))


@blueprint.post("/people")
@signed_in
def find() -> ResponseReturnValue:
    """The same for what was typed."""
    return _answer(request.form.get("q", ""))


@blueprint.post("/people/<kind>/<cliniko_id>/sync")
@signed_in
def sync_now(kind: str, cliniko_id: str) -> ResponseReturnValue:
    """Read this record now, and write what differs."""
    account, found = _chosen(kind, cliniko_id)
    if found is None:
        return _gone()
    if found.state == "linked" and found.hubspot_id:
        _ask(account.hub_id, "sync", found.hubspot_id, {})
    else:
        _read_again(account.hub_id, found)
    flash("Asked for. It is read from Cliniko now.", "done")
    return _back(found)


@blueprint.post("/people/<kind>/<cliniko_id>/unlink")
@signed_in
def unlink(kind: str, cliniko_id: str) -> ResponseReturnValue:
    """Break the link, with `clean_up` giving back what the contact held before."""
    account, found = _chosen(kind, cliniko_id)
    if found is None:
        return _gone()
    if found.kind != "patient" or found.state != "linked" or not found.hubspot_id:
        flash("This person is not linked any more.", "problem")
        return _back(found)
    clean_up = request.form.get("clean_up") == "1"
    _ask(account.hub_id, "unlink", found.hubspot_id, {"restore_fields": clean_up, "move_deals": True})
    name = person_of(found.display).name or f"patient {found.cliniko_id}"
    flash(f"{name} is being unlinked.", "done")
    return _back(found)


@blueprint.post("/people/<kind>/<cliniko_id>/undo")
@signed_in
def undo(kind: str, cliniko_id: str) -> ResponseReturnValue:
    """Link the patient again with the contact that they were unlinked from."""
    account, found = _chosen(kind, cliniko_id)
    if found is None:
        return _gone()
    former = finding.former_contacts(account.hub_id, [found.cliniko_id]).get(found.cliniko_id)
    if found.state != "unlinked" or former is None:
        flash("There is no unlink to undo.", "problem")
        return _back(found)
    _ask(account.hub_id, "undo", former, {"cliniko_id": found.cliniko_id})
    flash("The two are being linked again.", "done")
    return _back(found)


def _answer(typed: str) -> ResponseReturnValue:
    account = the_account()
    connection = connections.find_connection(account.hub_id)
    typed = typed.replace("\0", "").strip()[:_LONGEST]
    found = _find(account, connection, typed) if connection is not None and typed else []
    rows = _rows(account, connection, found[:MOST]) if connection is not None else []
    return render_template(
        "people/people.html",
        account=account,
        connection=connection,
        typed=typed,
        rows=rows,
        more=len(found) > MOST,
        key=secrets.token_hex(16),
    )


def _find(account: Account, connection: Connection, typed: str) -> list[tuple[str, str]]:
    """(kind, Cliniko id) of whoever may be meant: an address, a number, or words of a name, all of which must fit."""
    hub_id, key = account.hub_id, accounts.digest_key(account)
    if "@" in typed:
        address = email_key(typed)
        return finding.with_email(hub_id, connection.id, term_digest(key, "email", address)) if address else []
    if typed.isascii() and typed.isdigit():
        found = finding.with_number(hub_id, connection.id, typed[:32])
        if found:
            return found
    # A name in several parts is known by each of them; as a whole only where it is the whole first or last name.
    parts = [name_words(part) for part in typed.split()]
    words = [word for known in parts for word in (known[:-1] if len(known) > 1 else known)][:_WORDS]
    return finding.with_terms(hub_id, connection.id, [term_digest(key, "word", word) for word in words])


def _rows(account: Account, connection: Connection, records: Sequence[tuple[str, str]]) -> list[Row]:
    hub_id = account.hub_id
    found = finding.describe(hub_id, connection.id, records)
    ids = [one.cliniko_id for one in found]
    opened = finding.count_issues(hub_id, connection.id, ids)
    waiting = finding.count_reviews(hub_id, connection.id, ids)
    deals = finding.count_deals(hub_id, connection.id, [one.cliniko_id for one in found if one.kind == "patient"])
    former = finding.former_contacts(hub_id, [one.cliniko_id for one in found if one.state == "unlinked"])
    contacts = {one.hubspot_id or former.get(one.cliniko_id, "") for one in found} - {""}
    asked = finding.under_way(hub_id, contacts)
    rows = []
    for one in found:
        contact = one.hubspot_id or former.get(one.cliniko_id, "")
        rows.append(
            Row(
                found=one,
                person=person_of(one.display),
                look=_look(one, opened.get((one.kind, one.cliniko_id), 0)),
                cliniko_url=cliniko_url(connection, one.kind, one.cliniko_id),
                hubspot_url=hubspot_url(account, one.kind, one.hubspot_id),
                rule=RULES.get(one.rule or "", ""),
                issues=opened.get((one.kind, one.cliniko_id), 0),
                reviews=waiting.get((one.kind, one.cliniko_id), 0),
                deals=_deals(deals.get(one.cliniko_id, {})) if one.kind == "patient" else "",
                former=former.get(one.cliniko_id, ""),
                under_way=_UNDER_WAY.get(asked[contact], "Send to Cliniko asked for") if contact in asked else "",
            )
        )
    return rows


def _look(found: Found, opened: int) -> tuple[str, str, str]:
    if found.state == "linked" and opened:
        return "needs", "▲", "Needs you"
    return STATES.get(found.state or "", NOT_LINKED)


def _deals(counts: dict[str, int]) -> str:
    visits = counts.get("individual_appointment", 0) + counts.get("attendee", 0)
    parts = [plural(visits, "appointment")] if visits else []
    invoices = counts.get("invoice", 0)
    return " · ".join(parts + ([plural(invoices, "invoice")] if invoices else [])) or "none"


def _chosen(kind: str, cliniko_id: str) -> tuple[Account, Found | None]:
    """The record that a button is about, of this account and no other."""
    account = the_account()
    connection = connections.find_connection(account.hub_id)
    if connection is None or kind not in finding.KINDS or len(cliniko_id) > 32:
        return account, None
    return account, next(iter(finding.describe(account.hub_id, connection.id, [(kind, cliniko_id)])), None)


def _ask(hub_id: int, what: str, hubspot_id: str, options: dict[str, object]) -> None:
    """Store the click, once however often it arrives, and have it carried out."""
    typed = request.form.get("key", "")
    plain = typed.isascii() and typed.isalnum() and 16 <= len(typed) <= 32
    key = f"{typed if plain else secrets.token_hex(16)}-{what}-{hubspot_id}"[:64]
    digest = hashlib.sha256(msgspec.json.encode([hubspot_id, what, sorted(options.items())])).digest()[:16]
    who = current_user()
    pushes.ask_once(hub_id, what, hubspot_id, key, digest, "dashboard" if who == "person" else who, options)
    asking.carry_out(hub_id)


def _read_again(hub_id: int, found: Found) -> None:
    connection = connections.find_connection(hub_id)
    if connection is not None:
        issues.add_work(hub_id, connection.id, found.kind, [found.cliniko_id], "asked")
        db.session.commit()
        asking.run_streams(hub_id)


def _back(found: Found) -> ResponseReturnValue:
    return redirect(url_for(".people_page", q=found.cliniko_id))


def _gone() -> ResponseReturnValue:
    flash("We do not know this record any more.", "problem")
    return redirect(url_for(".people_page"))
