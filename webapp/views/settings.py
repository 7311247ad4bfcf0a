"""The choices of an account: shown with what they lead to, checked beside the field, and asked about where a change
rewrites what is in HubSpot."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.queues import PUSH, enqueue_once
from webapp import progress
from webapp.security.tenant import signed_in, the_account
from webapp.store import connections, ledger, settings
from webapp.store.models_account import Account
from webapp.store.settings import PARSERS, REREADS, BadSetting
from webapp.views.overview import KINDS
from webapp.views.owner_lists import OwnerLists, owner_label, owner_lists
from webapp.views.settings_words import FIELDS, GROUPS, OWNER_CHOICES, REWRITES, REWRITES_MANY, STAGES
from webapp.views.showing import listed, plural

blueprint = Blueprint("settings", __name__)

OWNERS, PREPARE = "owners", "prepare"
_LONGEST = 500
# A change of these needs something in HubSpot that may not be there yet.
_PREPARES = frozenset(
    {"appointment_pipeline", "appointment_stages", "invoice_pipeline", "invoice_stages", "sync_appointments",
     "sync_invoices"}
)  # fmt: skip
# Rows of practitioners with a choice of their own; beyond that one form for all.
MOST = 25


@blueprint.get("/settings")
@signed_in
def settings_page() -> ResponseReturnValue:
    """Every setting as it is."""
    account = the_account()
    return _page(account, _texts(asdict(settings.get_settings(account.hub_id))), {})


@blueprint.post("/settings")
@signed_in
def save() -> ResponseReturnValue:
    """Check what was typed; ask first where records would be rewritten; store the rest."""
    account = the_account()
    present = asdict(settings.get_settings(account.hub_id))
    typed = _typed()
    values, problems = _checked(account, typed, present)
    if problems:
        return _page(account, {**_texts(present), **typed}, problems), 422
    changed = {name: value for name, value in values.items() if value != present[name]}
    if not changed:
        flash("Nothing was changed.", "done")
        return redirect(url_for(".settings_page"))
    rewritten = _rewritten(account.hub_id, changed)
    if rewritten and request.form.get("sure") != "1":
        return render_template(
            "settings/sure.html",
            account=account,
            changed=[(FIELDS[name].label, _said(name, present[name]), _said(name, changed[name])) for name in changed],
            rewritten=rewritten,
            typed={name: text for name, text in _flat(typed).items() if name.partition(".")[0] in changed},
        )
    for name in changed:
        settings.set_setting(account.hub_id, name, typed[name])
    if _PREPARES & changed.keys() and account.provisioned_at is not None:
        _prepare(account.hub_id)
    flash("Saved." + (" What is in HubSpot follows at the next check." if rewritten else ""), "done")
    return redirect(url_for(".settings_page"))


@blueprint.post("/settings/owner")
@signed_in
def choose_owner() -> ResponseReturnValue:
    """Whose deals go to which owner; an empty owner takes a choice back."""
    account = the_account()
    present = dict(settings.get_settings(account.hub_id).practitioner_owners)
    lists = _lists(account)
    practitioner, owner = request.form.get("practitioner", ""), request.form.get("owner", "")
    row = next((row for row in lists.rows if row.id == practitioner), None)
    if row is None or (owner and not lists.is_active(owner)):
        flash("Choose a practitioner and an owner who is active in HubSpot.", "problem")
    else:
        chosen = {**present, practitioner: owner} if owner else {k: v for k, v in present.items() if k != practitioner}
        settings.set_setting(account.hub_id, "practitioner_owners", chosen)
        flash(f"Saved. Deals of {row.name} follow at the next check.", "done")
    return redirect(url_for(".settings_page", _anchor="owners"))


@blueprint.post("/settings/owners/read")
@signed_in
def read_owners() -> ResponseReturnValue:
    """Have practitioners and owners read anew."""
    hub_id = the_account().hub_id
    progress.report(hub_id, OWNERS, state="working", text="")
    enqueue_once(PUSH, "jobs.tasks.connect.read_owners", hub_id, job_id=f"owners-{hub_id}", retry_intervals=())
    return redirect(url_for(".settings_page", _anchor="owners"))


def _page(account: Account, texts: Mapping[str, Any], problems: Mapping[str, str]) -> str:
    lists = _lists(account)
    return render_template(
        "settings/settings.html",
        account=account,
        groups=GROUPS,
        fields=FIELDS,
        stages=STAGES,
        texts=texts,
        problems=problems,
        lists=lists,
        without=lists.without[:MOST],
        owner_choices=OWNER_CHOICES,
        owner_label=owner_label,
        reading=progress.read(account.hub_id, OWNERS),
        rereads={name: listed(streams) for name, streams in REREADS.items()},
    )


def _lists(account: Account) -> OwnerLists:
    connection = connections.find_connection(account.hub_id)
    by_hand = settings.get_settings(account.hub_id).practitioner_owners
    return owner_lists(connection.id if connection is not None else None, by_hand)


def _typed() -> dict[str, Any]:
    """{setting: text}, for those that the form holds. A switch sends `off`, and `on` after it when it is on."""
    typed: dict[str, Any] = {}
    for name in FIELDS:
        if name in STAGES:
            held = {stage: request.form.get(f"{name}.{stage}") for stage in STAGES[name]}
            if any(text is not None for text in held.values()):
                typed[name] = {stage: (text or "").strip()[:_LONGEST] for stage, text in held.items()}
        elif name in request.form:
            typed[name] = request.form.getlist(name)[-1].strip()[:_LONGEST]
    return typed


def _checked(
    account: Account, typed: dict[str, Any], present: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Values, and what is wrong with the others: {setting: sentence}."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    lists = _lists(account)
    for name, text in typed.items():
        if name in STAGES:
            # What a stage of ours is not mapped to is left out; an entry that the page does not show stays.
            others = {key: value for key, value in present[name].items() if key not in STAGES[name]}
            typed[name] = text = {**others, **{stage: value for stage, value in text.items() if value}}
        try:
            values[name] = settings.parse_setting(name, text)
        except BadSetting as problem:
            problems[name] = _sentence(name, str(problem))
            continue
        if name.endswith("_deal_owner") and values[name] != present[name] and not _may_own(values[name], lists):
            problems[name] = "HubSpot has no active user with this id. Choose one of the list."
        if name.endswith("_stages"):
            _check_stages(name, typed, values, present, problems)
    return values, problems


def _check_stages(
    name: str, typed: Mapping[str, Any], values: Mapping[str, Any], present: Mapping[str, Any], problems: dict[str, str]
) -> None:
    pipeline = name.replace("_stages", "_pipeline")
    chosen = typed.get(pipeline, present[pipeline])
    missing = [label for stage, label in STAGES[name].items() if not values[name].get(stage)]
    if chosen and missing:
        problems[name] = f"Your own pipeline needs a stage for each of ours. Missing: {listed(missing)}."


def _may_own(choice: str, lists: OwnerLists) -> bool:
    return not choice.isdigit() or not lists.known or lists.is_active(choice)


def _sentence(name: str, problem: str) -> str:
    text = problem.removeprefix(f"{name}: ")
    return text[:1].upper() + text[1:]


def _rewritten(hub_id: int, changed: Collection[str]) -> list[str]:
    """What a change would write again, with numbers: `4,812 contacts of patients`."""
    streams = [stream for stream in REWRITES if any(stream in REREADS.get(name, ()) for name in changed)]
    if not streams:
        return []
    counts = ledger.counts(hub_id)
    numbers = {stream: sum(counts.get((kind, "linked"), 0) for kind in KINDS[stream]) for stream in streams}
    return [plural(number, REWRITES[stream], REWRITES_MANY[stream]) for stream, number in numbers.items() if number]


def _prepare(hub_id: int) -> None:
    progress.report(hub_id, PREPARE, state="working", text="Waiting for a free worker", done=0, total=0)
    enqueue_once(PUSH, "jobs.tasks.connect.prepare_hubspot", hub_id, job_id=f"prepare-{hub_id}", retry_intervals=())


def _texts(values: Mapping[str, Any]) -> dict[str, Any]:
    """As the fields of the form hold them."""
    return {
        name: ("on" if value else "off") if isinstance(value, bool) else value if isinstance(value, dict) else
        "" if value is None else str(value)
        for name, value in values.items()
        if name in PARSERS
    }  # fmt: skip


def _flat(typed: Mapping[str, Any]) -> dict[str, str]:
    """The same as fields of a form."""
    flat: dict[str, str] = {}
    for name, text in typed.items():
        if isinstance(text, dict):
            flat |= {f"{name}.{stage}": text.get(stage, "") for stage in STAGES[name]}
        else:
            flat[name] = text
    return flat


def _said(name: str, value: Any) -> str:
    """A value in words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        return listed([f"{STAGES[name].get(stage, stage)} = {theirs}" for stage, theirs in value.items()]) or "ours"
    if value is None:
        return "empty"
    field = FIELDS[name]
    return OWNER_CHOICES.get(value, str(value)) if field.kind == "owner" else f"{value} {field.unit}".strip()
