"""Keys that are on another HubSpot record than the linked one. Which of the two it is, only a person can say."""

from collections.abc import Mapping

from jobs.sync import causes
from jobs.sync.context import SyncContext
from jobs.sync.reconcile_fields import Held, Seen
from webapp.clients.hubspot import objects
from webapp.store import issues


def find(
    ctx: SyncContext, object_type: str, key_property: str, keys: Mapping[str, str], held: Mapping[str, Held], seen: Seen
) -> dict[str, str]:
    """{Cliniko id: the other record} among records that lack their key; `keys` is {HubSpot id: key}. Where nobody else
    has it the key was merely lost, and stays among what was lost."""
    without = {keys[i]: i for i, names in seen.lost.items() if key_property in names}
    if not without:
        return {}
    answer = objects.batch_read(ctx.hubspot, object_type, list(without), [key_property], key_property)
    ctx.count("hubspot_calls")
    found: dict[str, str] = {}
    for record in answer.results:
        mine = without.get(record.properties.get(key_property) or "")
        if mine is not None and record.id != mine:
            found[held[mine].link.cliniko_id] = record.id
            seen.lost[mine].discard(key_property)
            if not seen.lost[mine]:
                del seen.lost[mine]
    return found


def tell(ctx: SyncContext, stream: str, kind: str, key_property: str, doubled: Mapping[str, str]) -> None:
    """One issue for each; the caller commits."""
    for cliniko_id, holder in sorted(doubled.items()):
        issues.open_issue(
            ctx.hub_id,
            ctx.connection_id,
            stream,
            kind,
            cliniko_id,
            causes.KEY_TAKEN,
            field=key_property,
            hubspot_id=holder,
            retry=False,
        )
