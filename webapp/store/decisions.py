"""What a person may decide about a review."""

from collections.abc import Mapping

# By the cause of the review. `linked`: these two belong together. `separate`: they do not.
# `update`: it is the same person after all, send the values. `create`: it is somebody else. `ignored`: do nothing.
_PAIRED = ("linked", "separate", "later")
DECISIONS: Mapping[str, tuple[str, ...]] = {
    "doubtful_match": _PAIRED,
    "shared_email": _PAIRED,
    "email_withheld": _PAIRED,
    "merged_in_hubspot": _PAIRED,
    "merged_in_cliniko": ("ignored", "later"),
    "another_person": ("create", "update", "ignored", "later"),
    "push_candidates": ("linked", "create", "ignored", "later"),
}


class NotPossible(ValueError):
    """This kind of review knows no such decision, or there is nobody to link with."""

    def __init__(self, decision: str, cause: str) -> None:
        super().__init__(f"a review of {cause} cannot be decided as {decision}")
