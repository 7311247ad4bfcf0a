"""Whether an account works at all, for the card and the settings page in HubSpot. From the store only."""

from dataclasses import dataclass
from datetime import datetime

from webapp.clients.hubspot.oauth import SCOPES
from webapp.store import accounts, connections, issues, ledger, streams
from webapp.store.models_account import Account, Connection
from webapp.store.models_sync import StreamState
from webapp.store.settings import AccountSettings, get_settings
from webapp.views.card_types import AccountAnswer, ClinikoBlock, StreamBlock
from webapp.views.words import STREAMS, stream_words

# The record kinds behind each stream, as the ledger names them.
KINDS = {
    "patients": ("patient",),
    "contacts": ("contact",),
    "appointments": ("individual_appointment", "attendee"),
    "invoices": ("invoice",),
}
# Without these nothing about a contact can be read or written.
NEEDED = tuple(scope for scope in SCOPES if "objects.contacts" in scope)


@dataclass(frozen=True)
class Standing:
    """`state` None: the account works. `reason` says in one sentence why a button cannot be pressed."""

    state: str | None = None
    message: str | None = None
    remedy: str | None = None
    code: str | None = None
    reason: str | None = None


def standing_of(account: Account | None, connection: Connection | None) -> Standing:
    """What keeps the whole account from working, if anything."""
    if account is None or account.status == "uninstalled":
        return Standing("uninstalled", reason="CRMConnect is not installed in this HubSpot account.")
    if account.scopes and not set(NEEDED) <= set(account.scopes):
        return Standing(
            "not_allowed",
            "HubSpot did not give CRMConnect the permission to read and write contacts.",
            "An admin installs CRMConnect again and agrees to all that it asks for.",
            "missing_scopes",
            "HubSpot did not give CRMConnect the permission for contacts.",
        )
    if connection is None:
        return Standing("not_connected", reason="Cliniko is not connected yet.")
    if connection.status != "active":
        return Standing("reconnect_needed", reason="Cliniko no longer lets us in.")
    if account.provisioned_at is None:
        return Standing(
            "not_connected",
            "Cliniko is connected, but HubSpot is not prepared yet.",
            "An admin finishes the set-up in CRMConnect.",
            reason="The set-up is not finished.",
        )
    if account.status == "paused":
        by = {"by_person": "Somebody paused it in CRMConnect.", "by_operator": "The operator of CRMConnect paused it."}
        who = by.get(account.status_reason or "")
        return Standing("paused", who and f"{who} Nothing is lost.", reason="Syncing is paused.")
    return Standing()


def account_answer(hub_id: int, moment: datetime) -> AccountAnswer:
    """`GET /card/account`."""
    account = accounts.find_account(hub_id)
    if account is None or account.status == "uninstalled":
        return AccountAnswer("uninstalled", moment)
    connection = connections.find_connection(hub_id)
    standing = standing_of(account, connection)
    answer = AccountAnswer(standing.state or "connected", moment, account.time_zone)
    answer.message, answer.remedy, answer.code = standing.message, standing.remedy, standing.code
    if connection is None:
        return answer
    chosen = get_settings(hub_id)
    open_issues = issues.count_open(hub_id)
    answer.interval_minutes = chosen.interval_minutes
    answer.cliniko = ClinikoBlock(connection.account_name, _address(connection), connection.created_at)
    answer.streams = _streams(hub_id, chosen, open_issues)
    answer.reviews = sum(issues.count_reviews(hub_id).values())
    answer.issues = sum(open_issues.values())
    return answer


def _address(connection: Connection) -> str | None:
    return f"{connection.subdomain}.{connection.shard}.cliniko.com" if connection.subdomain else None


def _streams(hub_id: int, chosen: AccountSettings, open_issues: dict[str, int]) -> list[StreamBlock]:
    states = {state.stream: state for state in streams.stream_states(hub_id)}
    links = ledger.counts(hub_id)
    return [
        _stream(
            name,
            bool(getattr(chosen, f"sync_{name}")),
            states.get(name),
            sum(links.get((kind, "linked"), 0) for kind in KINDS[name]),
            open_issues.get(name, 0),
        )
        for name in STREAMS
    ]


def _stream(name: str, on: bool, state: StreamState | None, records: int, number: int) -> StreamBlock:
    words = stream_words(state.cause) if state is not None and state.state in ("waiting", "stopped") else None
    return StreamBlock(
        name=name,
        on=on,
        status=_status(state, number),
        last_run_at=state.last_success_at if state is not None else None,
        records=records,
        issues=number,
        message=_sentence(words.reason) if words else None,
        remedy=words.remedy if words else None,
    )


def _status(state: StreamState | None, number: int) -> str:
    if state is None:
        return "not_run"
    if state.state in ("waiting", "stopped"):
        return state.state
    if state.state == "running":
        return "working"
    if state.last_success_at is None:
        return "not_run"
    return "needs_you" if number else "in_sync"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
