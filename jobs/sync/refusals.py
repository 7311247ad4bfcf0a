"""What a refused input means and what to do with it next. A table, not a chain of ifs."""

from dataclasses import dataclass

from jobs.sync import causes
from webapp.clients.hubspot.objects import BatchError


@dataclass(frozen=True)
class Refusal:
    """action: clash (another record holds the value) | drop (write the rest without these fields) | gone | give_up."""

    action: str
    cause: str
    fields: tuple[str, ...]
    holder_id: str | None
    detail: str


_CODES = {
    "PROPERTY_DOESNT_EXIST": ("drop", causes.PROPERTY_MISSING),
    "INVALID_EMAIL": ("drop", causes.EMAIL_REFUSED),
    "MISSING_REQUIRED_PROPERTY": ("give_up", causes.REQUIRED_PROPERTY),
    "MISSING_CONDITIONAL_REQUIRED_PROPERTY": ("give_up", causes.REQUIRED_PROPERTY),
}


def classify(error: BatchError, sent: frozenset[str], key_property: str) -> Refusal:
    """Read one batch error. `sent` are the properties this input held; only these can be dropped."""
    fields = tuple(name for name in error.property_names if name in sent)
    if error.category == "OBJECT_NOT_FOUND":
        return Refusal("gone", causes.NOT_FOUND, (), None, error.message)
    if error.holder_id is not None:
        # A clash that names no property is about the address: our key is on nobody else's contact.
        clashing = fields or (("email",) if "email" in sent else ())
        return Refusal("clash", causes.KEY_TAKEN, clashing, error.holder_id, error.message)
    for code in error.codes:
        action, cause = _CODES.get(code, (None, None))
        if action == "give_up" and cause:
            return Refusal(action, cause, error.property_names, None, error.message)
        if action == "drop" and cause and (fields or (code == "INVALID_EMAIL" and "email" in sent)):
            return Refusal(action, cause, fields or ("email",), None, error.message)
    droppable = tuple(name for name in fields if name != key_property)
    if droppable:
        cause = causes.EMAIL_REFUSED if droppable == ("email",) else causes.FIELD_REFUSED
        return Refusal("drop", cause, droppable, None, error.message)
    if not error.property_names and "email" in sent:
        # HubSpot does not say what it minds. Of all we send it is pickiest about addresses (it bars those of erased
        # people), so the rest is tried without.
        return Refusal("drop", causes.EMAIL_REFUSED, ("email",), None, error.message)
    return Refusal("give_up", causes.REFUSED, fields, None, error.message)
