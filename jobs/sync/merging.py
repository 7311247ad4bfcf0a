"""Patients that were merged in Cliniko: the survivor takes the loser's contact, or the two contacts go separate ways.

We never merge contacts in HubSpot ourselves: where both patients had one, a review proposes it.
"""

from collections.abc import Sequence

from jobs.sync import settling, tags
from jobs.sync.context import SyncContext
from jobs.sync.items import Item, PersonKind, read_fields
from jobs.sync.sending import send_updates
from webapp.store import activity, issues, ledger, people
from webapp.store.activity import Line
from webapp.store.ledger import LinkRow

MERGED = "merged"
REVIEW = "merged_in_cliniko"
# What the loser's contact no longer carries.
_LOST = ("cliniko_patient_key", "cliniko_patient_url")


class Farewell:
    """The write that takes our marks off the loser's contact."""

    def __init__(self, item: Item, link: LinkRow, properties: dict[str, str]) -> None:
        self.item, self.link, self.properties = item, link, properties
        self.hubspot_id = link.hubspot_id

    @property
    def trace_id(self) -> str:
        return self.item.cliniko_id

    @property
    def key(self) -> str:
        return ""


def settle_merged(ctx: SyncContext, spec: PersonKind, items: Sequence[Item]) -> list[Item]:
    """Take care of linked patients that were merged into another; returns the items that remain to be written.

    The caller holds the identity lock."""
    merged = [i for i in items if i.known.merged_into is not None and i.link is not None and i.link.state == "linked"]
    if not merged or spec.kind != "patient":
        return list(items)
    ends = people.survivors(ctx.connection_id, [i.cliniko_id for i in merged])
    links = ledger.by_cliniko(ctx.connection_id, spec.kind, set(ends.values()))
    farewells: list[Farewell] = []
    for item in merged:
        survivor, link = ends[item.cliniko_id], item.link
        assert link is not None
        other = links.get(survivor)
        if survivor == item.cliniko_id:
            continue
        if (other is not None and other.state == "linked") or _never(ctx, spec, survivor, link):
            farewells.append(Farewell(item, link, _taken_off(ctx, link)))
        else:
            _hand_over(ctx, spec, item, link, survivor)
            links |= ledger.by_cliniko(ctx.connection_id, spec.kind, [survivor])
            # The survivor may be among these very items: it has a contact now, and gets no other one.
            for other_item in items:
                if other_item.cliniko_id == survivor:
                    other_item.link = links[survivor]
    _say_farewell(ctx, spec, farewells, ends)
    return [i for i in items if i not in merged]


def _hand_over(ctx: SyncContext, spec: PersonKind, item: Item, link: LinkRow, survivor: str) -> None:
    """Only the loser had a contact: it is the survivor's now, whose own write puts its key and values there."""
    ctx.keeper.guard()
    hubspot_id = link.hubspot_id
    ledger.put([_gone(ctx, spec, item)])
    ledger.put(
        [
            {
                "hub_id": ctx.hub_id,
                "connection_id": ctx.connection_id,
                "kind": spec.kind,
                "cliniko_id": survivor,
                "hubspot_id": hubspot_id,
                "state": "linked",
                "rule": MERGED,
                # What both sides agreed on stays known, so that only what differs is written.
                "fields": link.fields,
                "digest": None,
                "email_hmac": link.email_hmac,
                "withheld_hmac": None,
            }
        ]
    )
    issues.add_work(ctx.hub_id, ctx.connection_id, spec.kind, [survivor], MERGED)
    settling.tell_deals(ctx, {survivor: str(hubspot_id)})
    for kind, ids in ledger.deals_of(ctx.connection_id, [item.cliniko_id], ("linked", "waiting")).items():
        issues.add_work(ctx.hub_id, ctx.connection_id, kind, ids, MERGED)
    issues.resolve(ctx.connection_id, spec.kind, [item.cliniko_id])
    activity.note(ctx.hub_id, ctx.stream, [Line("repointed", spec.kind, survivor, hubspot_id, target="ledger")])
    ctx.count("merged")
    ctx.commit()


def _never(ctx: SyncContext, spec: PersonKind, survivor: str, link: LinkRow) -> bool:
    """Did a person once say that this contact is not the survivor's?"""
    mine = tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, spec.kind, survivor)
    theirs = tags.hubspot_contact(ctx.digest_key, link.hubspot_id or "")
    return (mine, theirs) in people.never_matched(ctx.hub_id, [mine])


def _taken_off(ctx: SyncContext, link: LinkRow) -> dict[str, str]:
    properties = {name: "" for name in _LOST if name in ctx.writable}
    if "cliniko_patient_status" in ctx.writable:
        properties["cliniko_patient_status"] = "Merged"
    if "email" in read_fields(link.fields):
        # The address is wanted by the survivor; we wrote it here, so we may take it back.
        properties["email"] = ""
    return properties


def _say_farewell(ctx: SyncContext, spec: PersonKind, farewells: Sequence[Farewell], ends: dict[str, str]) -> None:
    outcomes = send_updates(ctx, spec.target(ctx), list(farewells))
    for outcome in outcomes:
        item, link = outcome.write.item, outcome.write.link
        if outcome.error is not None:
            # Tried again with the next reading; the link stays until our key is off the contact.
            issues.add_work(ctx.hub_id, ctx.connection_id, spec.kind, [item.cliniko_id], "merge_refused")
            ctx.commit()
            continue
        ctx.keeper.guard()
        ledger.put([_gone(ctx, spec, item)])
        issues.open_reviews(
            [
                {
                    "hub_id": ctx.hub_id,
                    "connection_id": ctx.connection_id,
                    "kind": spec.kind,
                    "cliniko_id": ends[item.cliniko_id],
                    "hubspot_id": link.hubspot_id or "",
                    "cause": REVIEW,
                }
            ]
        )
        for kind, ids in ledger.deals_of(ctx.connection_id, [item.cliniko_id], ("linked", "waiting")).items():
            issues.add_work(ctx.hub_id, ctx.connection_id, kind, ids, MERGED)
        if link.email_hmac is not None:
            waiting = [w.cliniko_id for w in ledger.waiting_for_email(ctx.hub_id, [link.email_hmac])]
            issues.add_work(ctx.hub_id, ctx.connection_id, spec.kind, waiting, "email_free_again")
        issues.resolve(ctx.connection_id, spec.kind, [item.cliniko_id])
        issues.done_work(ctx.connection_id, spec.kind, [item.cliniko_id])
        fields = tuple(outcome.write.properties)
        activity.note(ctx.hub_id, ctx.stream, [Line("unlinked", spec.kind, item.cliniko_id, link.hubspot_id, fields)])
        ctx.count("merged")
        ctx.commit()


def _gone(ctx: SyncContext, spec: PersonKind, item: Item) -> dict[str, object]:
    return {
        "hub_id": ctx.hub_id,
        "connection_id": ctx.connection_id,
        "kind": spec.kind,
        "cliniko_id": item.cliniko_id,
        "hubspot_id": None,
        "state": "excluded",
        "rule": MERGED,
        "digest": item.digest,
        "fields": None,
        "email_hmac": None,
        "withheld_hmac": None,
        "cliniko_status": MERGED,
        "cliniko_updated_at": item.record.updated_at,
    }
