"""The app's card on the simulated contact page, as plain HTML: what the service answered, and its buttons as forms."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from webapp.sandbox.hubspot import card_words as words
from webapp.sandbox.hubspot.card_words import LABELS, Notice
from webapp.sandbox.hubspot.relay import Relayed
from webapp.sandbox.page import join

# Seconds after which the page looks again while something is done.
LOOK_AGAIN = 2
UNDER_WAY = ("working", "rate_limited")
_WITH_ACTIONS = ("linked", "not_linked", "shared_email", "review", *UNDER_WAY)
_PRIMARY = {"linked": "sync", "not_linked": "push", "shared_email": "review", "review": "review", "error": "check"}
# What a push would send, in the order a person reads it.
_PREVIEW = (
    ("email", "email"),
    ("mobilephone", "mobile phone"),
    ("phone", "home phone"),
    ("address", "address"),
    ("cliniko_date_of_birth", "birth date"),
)

STYLE = Markup(
    "<style>.card{border:1px solid var(--line);border-radius:.5rem;padding:1rem;overflow-wrap:anywhere}"
    ".card h2{margin:0 0 .5rem;font-size:1.1rem}"
    ".card dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:.75rem 0}"
    ".card dt{opacity:.75}.card dd{margin:0;font-variant-numeric:tabular-nums}"
    ".card .notice{border-left:4px solid;padding:.1rem .75rem;margin:.75rem 0}.card .notice p{margin:.25rem 0}"
    ".buttons{display:flex;flex-wrap:wrap;gap:.5rem;align-items:start}"
    ".card .primary{background:var(--accent);color:Canvas;border:1px solid var(--accent);border-radius:.25rem}"
    ".card .primary:disabled{opacity:.5}"
    ".card .danger{background:#b00020;color:#fff;border:1px solid #b00020;border-radius:.25rem}"
    "a.button{border:1px solid var(--line);border-radius:.25rem;padding:.25rem .5rem;text-decoration:none}"
    ".card a.button.primary{color:Canvas}.card dd a{white-space:nowrap}"
    ".card details[open]{flex-basis:100%}.card label{display:block;margin:.5rem 0}"
    ".card summary{display:inline-block;border:1px solid var(--line);border-radius:.25rem;padding:.25rem .5rem}"
    ".card small,.quiet{opacity:.8}</style>"
)


@dataclass(frozen=True)
class Click:
    """A press whose answer did not come, to be sent once more as it was."""

    action: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Panel:
    """What is needed to draw the card of one contact. `address` is where its forms go, `here` the page itself."""

    heard: Relayed
    address: str
    here: str
    properties: Mapping[str, str]
    zone: str
    # The key of the press that led here, and the press itself when nothing came back.
    clicked: str = ""
    lost: Click | None = None

    @property
    def working(self) -> bool:
        return self.heard.fine and self.heard.answer.get("state") in UNDER_WAY

    def html(self) -> Markup:
        body = _answer(self, self.heard.answer) if self.heard.fine else _fault(self)
        return Markup('<section class="card" aria-labelledby="card"><h2 id="card">{}</h2>{}</section>').format(
            words.APP, body
        )


def _fault(panel: Panel) -> Markup:
    notice = _notice(words.fault(panel.heard.status, pressed=panel.lost is not None))
    reference = Markup("<p><small>Reference: status_{}</small></p>").format(panel.heard.status)
    if panel.lost is None:
        return notice + reference + _link(panel.here, LABELS["again"], primary=True)
    form = _form(panel, panel.lost.action, LABELS["again"], panel.lost.fields, primary=True)
    return notice + reference + form


def _answer(panel: Panel, answer: Mapping[str, Any]) -> Markup:
    parts = [_head(panel, answer)]
    if answer.get("patient") or answer.get("clinikoContact"):
        parts.append(_details(panel, answer))
    elif answer["state"] in ("not_linked", "shared_email", "review"):
        parts.append(_preview(panel))
    parts.append(_buttons(panel, answer))
    return join(parts)


def _head(panel: Panel, answer: Mapping[str, Any]) -> Markup:
    state, work = answer["state"], answer.get("work")
    own = _own_outcome(panel, answer)
    told = Markup('<p role="status">{}</p>').format(own) if own else Markup("")
    failed = words.failure(answer)
    notices = [_notice(failed)] if failed else []
    if state == "working" and work:
        started = _ago(_moment(work["startedAt"]), _moment(answer["now"]))
        return Markup('<p role="status">◌ {} …</p><p><small>Started {}.</small></p>').format(
            words.DOING[work["action"]], started
        )
    if state == "rate_limited":
        return _notice(words.wait(answer))
    if state == "linked":
        tag = words.LINKED_PATIENT if answer.get("patient") else words.LINKED_CONTACT
        if answer.get("shared"):
            notices.append(Markup("<p>{}</p>").format(words.SHARED_LINKED))
        if answer.get("review"):
            notices.append(_notice(words.review(answer)))
        return Markup("<p><strong>● {}</strong></p>{}{}").format(tag, told, join(notices))
    if state == "not_linked":
        before = (answer.get("sync") or {}).get("status") == "Unlinked"
        text = Markup("<p>{}</p>").format(words.UNLINKED_BEFORE) if before else Markup("")
        return Markup("<p><strong>○ {}</strong></p>{}{}{}").format(words.NOT_LINKED, told, text, join(notices))
    if state in ("shared_email", "review"):
        return told + _notice((words.shared if state == "shared_email" else words.review)(answer))
    notice = words.simple(answer)
    reference = Markup("<p><small>Reference: {}</small></p>").format(answer["code"]) if answer.get("code") else ""
    return (_notice(notice) if notice else Markup("")) + reference


def _own_outcome(panel: Panel, answer: Mapping[str, Any]) -> str | None:
    """How the press that led to this page went, where it went well."""
    work = answer.get("work")
    if not work or work["status"] != "done" or not work.get("key") or work["key"] != panel.clicked:
        return None
    return str(work.get("message") or words.DONE[work["action"]])


def _details(panel: Panel, answer: Mapping[str, Any]) -> Markup:
    patient, contact, sync = answer.get("patient"), answer.get("clinikoContact"), answer.get("sync")
    zone, present = _zone(answer.get("timeZone") or panel.zone), _moment(answer["now"])
    rows: list[tuple[str, object]] = []
    for label, one in ((LABELS["patient"], patient), (LABELS["contact"], contact)):
        if one:
            link = (
                Markup(' <a href="{}" rel=noreferrer>{} ↗</a>').format(one["url"], LABELS["open"]) if one["url"] else ""
            )
            rows.append((label, Markup("{}{}").format(words.short_id(one["id"]), link)))
    if sync:
        rows.append((LABELS["status"], sync["status"]))
    synced = (patient or {}).get("syncedAt") or (contact or {}).get("syncedAt")
    rows.append((LABELS["synced"], _since(_moment(synced), present, zone) if synced else words.NEVER))
    if patient:
        for label, name, none in (
            ("next", "nextVisitAt", words.NO_VISIT),
            ("last", "lastVisitAt", words.NO_LAST_VISIT),
        ):
            unknown = none if patient["visitsKnown"] else words.VISITS_UNKNOWN
            rows.append((LABELS[label], _exact(_moment(patient[name]), zone) if patient[name] else unknown))
    listed = join(Markup("<dt>{}</dt><dd>{}</dd>").format(*row) for row in rows)
    linked = patient or contact or {}
    notes = [words.PATIENT_STATUS.get(linked.get("status", "")), words.RULES.get(linked.get("rule") or "")]
    if (
        sync
        and sync.get("message") not in (None, _own_outcome(panel, answer))
        and sync["status"] not in words.NEEDS_A_PERSON
    ):
        notes.insert(0, sync["message"])
    said = join(Markup('<p class="quiet">{}</p>').format(note) for note in notes if note)
    return Markup("<dl>{}</dl>{}").format(listed, said)


def _preview(panel: Panel) -> Markup:
    """What pressing Push would do, from the contact's own properties, as HubSpot shows them to whoever looks."""
    missing = _missing(panel)
    if missing:
        return Markup("<p>Push needs a {}: Cliniko takes no patient without. Add it to this contact first.</p>").format(
            " and a ".join(missing)
        )
    values = panel.properties
    name = " ".join(values[part] for part in ("firstname", "lastname"))
    given = ["birth date" if "birth" in key else values[key] for key, _ in _PREVIEW if values.get(key, "").strip()]
    absent = [label for key, label in _PREVIEW if not values.get(key, "").strip()]
    last = Markup("<p><small>Not on this contact: {}.</small></p>").format(", ".join(absent)) if absent else Markup("")
    return Markup("<p>Push creates one from: {}.</p><p>{}</p>{}").format(
        ", ".join([name, *given]), words.PUSH_LOOKS_FIRST, last
    )


def _missing(panel: Panel) -> list[str]:
    needed = (("firstname", "first name"), ("lastname", "last name"))
    return [label for name, label in needed if not panel.properties.get(name, "").strip()]


def _buttons(panel: Panel, answer: Mapping[str, Any]) -> Markup:
    state = answer["state"]
    primary = _PRIMARY.get(state)
    if state not in _WITH_ACTIONS:
        label = LABELS["again" if state == "error" else "check"]
        return Markup('<div class="buttons">{}</div>').format(_link(panel.here, label, primary=primary == "check"))
    patient, under_way = answer.get("patient"), state in UNDER_WAY
    linked = bool(patient or answer.get("clinikoContact"))

    def off(action: str) -> bool:
        return under_way or not answer["actions"][action]["allowed"]

    sync = _form(panel, "sync", LABELS["sync" if linked else "search"], {}, primary=primary == "sync", off=off("sync"))
    push = _form(
        panel,
        "push",
        LABELS["push"],
        {"target": "contact" if linked and not patient else "patient"},
        primary=primary == "push",
        off=off("push") or (not linked and bool(_missing(panel))),
    )
    shown = [sync, push] if linked else [push, sync]
    if answer.get("review") and not under_way:
        link = _link(answer["review"]["url"], LABELS["review"], primary=primary == "review")
        shown.insert(0 if primary == "review" else len(shown), link)
    if patient:
        shown.append(_unlink(panel, patient, off=off("unlink")))
    reasons = [] if under_way else [answer["actions"][name].get("reason") for name in ("sync", "push", "unlink")]
    said = join(Markup("<p><small>{}</small></p>").format(reason) for reason in dict.fromkeys(reasons) if reason)
    return Markup('<div class="buttons">{}</div>{}').format(join(shown), said)


def _unlink(panel: Panel, patient: Mapping[str, Any], *, off: bool) -> Markup:
    """Asks first: what ends, what stays, and what may be cleaned up along with it."""
    if off:
        return Markup("<button disabled>{}</button>").format(LABELS["unlink"])
    fields, deals = patient["unlink"]["fields"], patient["unlink"]["deals"]
    name = " ".join(panel.properties.get(part, "") for part in ("firstname", "lastname")).strip() or "this contact"
    lines = join(Markup("<p>{}</p>").format(line) for line in words.unlink_lines(words.short_id(patient["id"])))
    box = Markup("<label><input type=checkbox name={} value=yes{}> {}<br><small>{}</small></label>")
    boxes = []
    if fields:
        number = f"{len(fields)} field{'' if len(fields) == 1 else 's'}: {', '.join(fields)}"
        boxes.append(box.format("restoreFields", "", words.RESTORE, number))
    if deals:
        moved = "Move the 1 deal of this patient" if deals == 1 else f"Move the {deals} deals of this patient"
        boxes.append(box.format("moveDeals", Markup(" checked"), moved, words.DEALS_DETAIL))
    return Markup(
        '<details><summary>{}</summary><form method=post action="{}/unlink"><h3>Unlink {}?</h3>{}{}'
        '<p><small>{}</small></p><input type=hidden name=key value="{}">'
        '<div class="buttons"><button class="danger">Unlink {}</button> <a class="button" href="{}">Keep the link</a>'
        "</div></form></details>"
    ).format(LABELS["unlink"], panel.address, name, lines, join(boxes), words.UNDO, uuid.uuid4(), name, panel.here)


def _form(
    panel: Panel, action: str, label: str, fields: Mapping[str, str], *, primary: bool = False, off: bool = False
) -> Markup:
    """A button with a key of its own, unless the press is sent once more with the key that it had."""
    hidden = join(
        Markup('<input type=hidden name="{}" value="{}">').format(name, value)
        for name, value in {"key": str(uuid.uuid4()), **fields}.items()
    )
    look = Markup(' class="primary"') if primary else Markup("")
    return Markup('<form method=post action="{}/{}">{}<button{}{}>{}</button></form>').format(
        panel.address, action, hidden, look, Markup(" disabled") if off else "", label
    )


def _link(address: str, label: str, *, primary: bool = False) -> Markup:
    look = "button primary" if primary else "button"
    return Markup('<a class="{}" href="{}">{}</a>').format(look, address, label)


def _notice(notice: Notice) -> Markup:
    lines: Sequence[str] = notice.lines
    return Markup('<div class="notice" role="note"><p><strong>{}</strong></p>{}</div>').format(
        notice.title, join(Markup("<p>{}</p>").format(line) for line in lines)
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return UTC


def _exact(moment: datetime, zone: tzinfo) -> str:
    """`Thu 26 Nov, 9:30 am`"""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}, {_hour(local)}"


def _since(moment: datetime, present: datetime, zone: tzinfo) -> str:
    if (present - moment).total_seconds() >= 86_400:
        return _exact(moment, zone)
    return f"{_ago(moment, present)}, {_hour(moment.astimezone(zone))}"


def _hour(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def _ago(moment: datetime, present: datetime) -> str:
    minutes = int((present - moment).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    number, unit = (minutes, "minute") if minutes < 60 else (minutes // 60, "hour")
    return f"{number} {unit}{'' if number == 1 else 's'} ago"
