"""The frame of the simulated Cliniko's pages, and what they share."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from markupsafe import Markup
from werkzeug.wrappers import Request, Response

from webapp.sandbox.page import PER_PAGE, frame

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

_SERVICE = "Simulated Cliniko"


def page(title: str, body: Markup, status: int = 200, account: ClinikoAccount | None = None) -> Response:
    menu = [("/", "All accounts")]
    if account is not None:
        parts = ("patients", "appointments", "invoices")
        menu += [(f"/accounts/{account.id}/{part}", part.capitalize()) for part in parts]
    return frame(_SERVICE, title, body, status, menu)


def missing() -> Response:
    return page("Not found", Markup("<p>There is nothing at this address.</p>"), 404)


def asked(request: Request) -> tuple[str, int]:
    """The words searched for, in lower case, and the page."""
    return request.args.get("q", "").strip().lower(), max(1, request.args.get("page", 1, type=int))


def cut(found: list[int], number: int) -> list[int]:
    return found[(number - 1) * PER_PAGE : number * PER_PAGE]


def counted(found: list[int], what: str) -> str:
    return f"{len(found):,} {what}" + ("" if len(found) == 1 else "s")


def local(account: ClinikoAccount, stamp: str | None) -> str:
    """A time as the clinic's wall clock shows it."""
    if not stamp:
        return ""
    return f"{datetime.fromisoformat(stamp).astimezone(ZoneInfo(account.time_zone_identifier)):%a %d %b %Y, %H:%M}"


def button(action: str, label: str, name: str) -> Markup:
    """A form of one button; `name` says for whom it is, to those who cannot see the row."""
    form = Markup('<form class=inline method=post action="{}"><button aria-label="{}: {}">{}</button></form> ')
    return form.format(action, label, name, label)
