"""Everything that talks SQL. Models are imported here so that the metadata is complete for migrations."""

from .models_account import Account, AccountSetting, Connection, ConnectionAttempt, SigninLink
from .models_hooks import Activity, HookEvent, Proof, PushIntent, PushRequest
from .models_ledger import ErasedPerson, Link, NeverMatch, Person, PersonTerm, Referral
from .models_sync import Cursor, Issue, Lease, Review, Run, StreamState, WorkItem
from .models_visits import Bill, Visit, VisitSummary

__all__ = [
    "Account",
    "AccountSetting",
    "Activity",
    "Bill",
    "Connection",
    "ConnectionAttempt",
    "Cursor",
    "ErasedPerson",
    "HookEvent",
    "Issue",
    "Lease",
    "Link",
    "NeverMatch",
    "Person",
    "PersonTerm",
    "Proof",
    "PushIntent",
    "PushRequest",
    "Referral",
    "Review",
    "Run",
    "SigninLink",
    "StreamState",
    "Visit",
    "VisitSummary",
    "WorkItem",
]
