"""What was done, in plain words."""

from collections.abc import Mapping

ACTIONS: Mapping[str, str] = {
    "created": "Created",
    "updated": "Updated",
    "linked": "Linked",
    "unlinked": "Unlinked",
    "repointed": "Followed a merge in HubSpot",
    "held": "Held for a review",
    "closed": "Gone from HubSpot",
    "restored": "Back in HubSpot",
    "erased": "Erased for good",
    "associated": "Put on the contact",
    "dissociated": "Taken off the contact",
    "answered": "Told on the contact",
}
TARGETS: Mapping[str, str] = {"hubspot": "in HubSpot", "cliniko": "in Cliniko", "ledger": "here only"}
_ACTORS: Mapping[str, str] = {
    "patients": "Sync of patients",
    "contacts": "Sync of contacts",
    "appointments": "Sync of appointments",
    "invoices": "Sync of invoices",
    "history": "Reading the history",
    "push": "A request",
    "webhook": "A change in HubSpot",
    "hooks": "A change in HubSpot",
    "import": "An import",
    "reconcile": "The nightly comparison",
    "dashboard": "Somebody on these pages",
    "person": "Somebody on these pages",
}


def action_words(action: str) -> str:
    """A word that is not in the list is shown as it is."""
    return ACTIONS.get(action, action.replace("_", " ").capitalize())


def actor_words(actor: str) -> str:
    """`person 77` is a user of HubSpot; HubSpot knows the name."""
    if actor.startswith("person "):
        return f"HubSpot user {actor.removeprefix('person ')}"
    return _ACTORS.get(actor, actor.replace("_", " ").capitalize())
