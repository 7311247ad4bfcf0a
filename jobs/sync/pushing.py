"""Push: one HubSpot contact to Cliniko, because somebody asked for it. Cliniko is read before it is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.mapping import push
from jobs.mapping.digest import field_digest
from jobs.mapping.push import Choice
from jobs.sync import people, push_creating, push_words, settling
from jobs.sync.context import SyncContext
from jobs.sync.items import pack_fields, read_fields
from jobs.sync.push_creating import Found
from jobs.sync.push_referral import write_referral
from jobs.sync.push_side import Side
from jobs.sync.push_words import Said
from webapp.clients.errors import Forbidden, NotFound, Rejected
from webapp.store import activity, issues, ledger
from webapp.store.activity import Line
from webapp.store.ledger import LinkRow

Contact = Mapping[str, str | None]

ANOTHER_PERSON = "another_person"


@dataclass(frozen=True)
class Verdict:
    """What a person decided in a review. `same`: it is the linked person after all. `anew`: it is none of those found.
    `chosen`: it is this record."""

    same: bool = False
    anew: bool = False
    chosen: str | None = None


@dataclass(frozen=True)
class Task:
    """One push: the contact as it was read, who asked, and what was decided about it."""

    side: Side
    hubspot_id: str
    contact: Contact
    actor: str
    verdict: Verdict


def push_contact(
    ctx: SyncContext, side: Side, hubspot_id: str, contact: Contact, actor: str, verdict: Verdict | None = None
) -> Said:
    """Update the linked record, or find or create one. Raises Retryable, NeedsReconnect, LeaseLost, IdentityBusy."""
    if not ctx.settings.push_enabled:
        return push_words.switched_off()
    task = Task(side, hubspot_id, contact, actor, verdict or Verdict())
    try:
        with ctx.keeper.identity_lock():
            said, record = _under_lock(ctx, task)
    except Rejected as error:
        if error.service != "cliniko":
            raise
        ctx.keeper.guard()
        activity.note(ctx.hub_id, actor, [_line(task, "refused", None, (), "refused")])
        ctx.commit()
        return push_words.refused(error)
    except Forbidden as error:
        if error.service != "cliniko":
            raise
        return push_words.not_allowed()
    if record is not None:
        # What Cliniko holds now is brought to HubSpot by the same engine as ever: our own echo writes nothing.
        people.process_page(
            ctx, side.lists.spec, [record], lambda records: side.lists.map_all(ctx, records), forced=True
        )
    return said


def _under_lock(ctx: SyncContext, task: Task) -> tuple[Said, Any | None]:
    side = task.side
    link = ledger.by_hubspot(ctx.hub_id, side.kind, [task.hubspot_id]).get(task.hubspot_id)
    # A link that was closed when the contact was deleted goes on: the contact has just been read.
    if link is not None and link.state in (*ledger.HOLDING, "closed"):
        return _update(ctx, task, link)
    verdict = task.verdict
    found = push_creating.find_or_create(
        ctx, side, task.hubspot_id, task.contact, chosen=verdict.chosen, anew=verdict.anew
    )
    if isinstance(found, Said):
        return found, None
    _settled(ctx, task, push_creating.REVIEW)
    return _created(ctx, task, found) if found.how == "created" else _joined(ctx, task, found)


def _created(ctx: SyncContext, task: Task, found: Found) -> tuple[Said, Any | None]:
    """The link is stored before anything else is tried, so that a repeat finds it."""
    record, take = found.record, found.choice.take
    sent = tuple(take)
    _link(ctx, task, record.id, _digests(ctx, task.side.map_one(ctx, record), sent), "push")
    activity.note(ctx.hub_id, task.actor, [_line(task, "created", record.id, sent)])
    ctx.commit()
    ctx.count("pushed")
    problems = list(found.choice.problems.values())
    if push.REFERRAL in take:
        problems += write_referral(ctx, record.id, take[push.REFERRAL])
        _agree_on_referral(ctx, task, record)
    return push_words.created(task.side.kind, problems), record


def _joined(ctx: SyncContext, task: Task, found: Found) -> tuple[Said, Any | None]:
    """It is in Cliniko already: link first, then treat it like any linked record."""
    record = found.record
    values = task.side.map_one(ctx, record)
    # What an earlier try of this push created holds what HubSpot held then.
    agreed = _digests(ctx, values, tuple(n for n in task.side.properties if values.get(n)))
    row = _link(ctx, task, record.id, agreed if found.how == "made" else {}, "push")
    said, changed = _update(ctx, task, row, record)
    if said.result not in ("updated", "unchanged"):
        return said, changed
    if found.how == "made":
        return push_words.created(task.side.kind, list(found.choice.problems.values())), changed or record
    return push_words.linked(task.side.kind, said), changed or record


def _update(ctx: SyncContext, task: Task, link: LinkRow, known: Any | None = None) -> tuple[Said, Any | None]:
    side = task.side
    try:
        record = known or side.get(ctx.cliniko, link.cliniko_id)
    except NotFound:
        return push_words.gone(), None
    ctx.count("cliniko_reads")
    if getattr(record, "merged_at", None):
        return push_words.merged(), None
    current, agreed = side.map_one(ctx, record), read_fields(link.fields)
    was_agreed = _memory(ctx, agreed)
    born = record.date_of_birth if side.has_birth else None
    decided = task.verdict.same or task.verdict.chosen is not None
    if not decided and push.another_person(side.named(record), born, task.contact, was_agreed):
        _review(ctx, task, link)
        return push_words.another_person(), None
    _settled(ctx, task, ANOTHER_PERSON)
    countries = side.countries(ctx, record)
    choice = push.choose(task.contact, current, was_agreed, side.properties, *countries)
    problems = list(choice.problems.values())
    try:
        record = _send(ctx, task, link, record, choice, countries, problems)
    except NotFound:
        return push_words.archived(), record
    sent = tuple(choice.take)
    kept = {**agreed, **_digests(ctx, side.map_one(ctx, record), sent)}
    _link(ctx, task, link.cliniko_id, kept, link.rule or "key", link)
    if sent:
        activity.note(ctx.hub_id, task.actor, [_line(task, "updated", link.cliniko_id, sent)])
        ctx.count("pushed")
    ctx.commit()
    return push_words.updated(sent, choice.conflicts, problems), record


def _memory(ctx: SyncContext, agreed: Mapping[str, bytes]) -> Callable[[str, str], bool]:
    """Is this value what both sides last agreed on? A blank is, where nothing was."""

    def was_agreed(name: str, value: str) -> bool:
        known = agreed.get(name)
        return (known is None and not value) or known == field_digest(ctx.digest_key, name, value)

    return was_agreed


def _send(
    ctx: SyncContext,
    task: Task,
    link: LinkRow,
    record: Any,
    choice: Choice,
    countries: tuple[str | None, ...],
    problems: list[str],
) -> Any:
    """Write what was chosen; returns the record as it is afterwards. Raises NotFound for an archived one."""
    side = task.side
    fields = side.fields(
        choice.take,
        side.phones(record),
        *countries,
        use_preferred_first_name=ctx.settings.use_preferred_first_name,
    )
    if fields:
        ctx.keeper.check()
        record = side.update(ctx.cliniko, link.cliniko_id, fields)
        ctx.count("cliniko_writes")
        _check_phones(side, record, fields, problems)
    if push.REFERRAL in choice.take:
        problems += write_referral(ctx, link.cliniko_id, choice.take[push.REFERRAL])
    return record


def _check_phones(side: Side, record: Any, fields: Mapping[str, Any], problems: list[str]) -> None:
    """Cliniko does not say whether a sent array replaces the old one: no number of others may be gone."""
    sent = fields.get("patient_phone_numbers") or fields.get("phone_numbers")
    if not sent:
        return
    there = {_digits(phone.number) for phone in side.phones(record)}
    if any(_digits(row["number"]) not in there for row in sent):
        problems.append("Cliniko did not keep all phone numbers. Check them in Cliniko.")


def _digits(number: str | None) -> str:
    return "".join(character for character in number or "" if character.isdigit())


def _review(ctx: SyncContext, task: Task, link: LinkRow) -> None:
    ctx.keeper.guard()
    issues.open_reviews(
        [
            {
                "hub_id": ctx.hub_id,
                "connection_id": link.connection_id,
                "kind": task.side.kind,
                "cliniko_id": link.cliniko_id,
                "hubspot_id": task.hubspot_id,
                "cause": ANOTHER_PERSON,
            }
        ]
    )
    ctx.commit()


def _settled(ctx: SyncContext, task: Task, cause: str) -> None:
    """What an earlier push of this contact asked a person for is answered."""
    ctx.keeper.guard()
    issues.close_reviews_of_contact(ctx.hub_id, task.side.kind, task.hubspot_id, cause)
    ctx.commit()


def _link(
    ctx: SyncContext,
    task: Task,
    cliniko_id: str,
    fields: Mapping[str, bytes],
    rule: str,
    before: LinkRow | None = None,
) -> LinkRow:
    """Store the link and what both sides agree on now. The digest is left open: the next look settles the rest."""
    side = task.side
    ctx.keeper.guard()
    row = {
        "hub_id": ctx.hub_id,
        "connection_id": ctx.connection_id,
        "kind": side.kind,
        "cliniko_id": cliniko_id,
        "hubspot_id": task.hubspot_id,
        "state": "linked",
        "rule": rule,
        "digest": None,
        "fields": pack_fields(fields),
        "unlinked_at": None,
    }
    ledger.put([row])
    if before is None or before.state != "linked":
        settling.tell_deals(ctx, {cliniko_id: task.hubspot_id} if side.kind == "patient" else {})
    ctx.commit()
    return ledger.by_cliniko(ctx.connection_id, side.kind, [cliniko_id])[cliniko_id]


def _digests(ctx: SyncContext, values: Mapping[str, str], names: tuple[str, ...]) -> dict[str, bytes]:
    """Cliniko's new values, in HubSpot's form, of the properties that were sent."""
    births = {push.BIRTH, push.BIRTH_ELSEWHERE}
    both = (*names, *births) if births & set(names) else names
    return {n: field_digest(ctx.digest_key, n, values[n]) for n in both if values.get(n)}


def _agree_on_referral(ctx: SyncContext, task: Task, record: Any) -> None:
    """A new patient's referral source was written after the link was stored: both sides agree on what it is now."""
    link = ledger.by_cliniko(ctx.connection_id, task.side.kind, [record.id])[record.id]
    agreed = _digests(ctx, task.side.map_one(ctx, record), (push.REFERRAL,))
    _link(ctx, task, record.id, {**read_fields(link.fields), **agreed}, link.rule or "push", link)


def _line(task: Task, action: str, cliniko_id: str | None, fields: tuple[str, ...], result: str = "ok") -> Line:
    return Line(action, task.side.kind, cliniko_id, task.hubspot_id, fields, target="cliniko", result=result)
