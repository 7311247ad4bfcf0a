"""What the API accepts in a body: one check per parameter, and the 422 that names every parameter refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from webapp.sandbox.cliniko.errors import BLANK, invalid

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

Check = Callable[[Any], Any]
EMAIL = re.compile(r"[A-Z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Z0-9.-]+\.[A-Z]{2,63}", re.IGNORECASE)
NOT_LISTED, INVALID = "is not included in the list", "is invalid"


Errors = dict[str, str | None]


class Wrong(ValueError):
    """The text is the reason shown for the parameter."""


def text(most: int | None = 255, pattern: re.Pattern[str] | None = None) -> Check:
    def check(value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, bool | list | dict):
            raise Wrong(INVALID)
        words = str(value)
        if most is not None and len(words) > most:
            raise Wrong(f"is too long (maximum is {most} characters)")
        if words and pattern is not None and not pattern.fullmatch(words):
            raise Wrong(INVALID)
        return words

    return check


def choice(*allowed: Any) -> Check:
    def check(value: Any) -> Any:
        if value is not None and (value not in allowed or isinstance(value, bool)):
            raise Wrong(NOT_LISTED)
        return value

    return check


def flag(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise Wrong(INVALID)


def day(value: Any) -> str | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise Wrong("is not a valid date")
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise Wrong("is not a valid date") from None


def moment(value: Any) -> str | None:
    if value in (None, ""):
        return None
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError:
        raise Wrong("is not a valid time") from None
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return f"{aware.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def whole(low: int, high: int) -> Check:
    def check(value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
            raise Wrong("is not a number")
        if not low <= int(value) <= high:
            raise Wrong(f"must be between {low} and {high}")
        return int(value)

    return check


def money(low: int = -4_000_000_000, high: int = 4_000_000_000) -> Check:
    """Decimal texts, printed with at least one place as the API does."""

    def check(value: Any) -> str | None:
        if value is None:
            return None
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise Wrong("is not a number") from None
        if isinstance(value, bool) or not number.is_finite() or not low <= number <= high:
            raise Wrong("is not a number")
        plain = format(number, "f")
        return plain if "." in plain else f"{plain}.0"

    return check


def id_list(value: Any) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(re.fullmatch(r"\d+", str(item)) for item in value):
        raise Wrong(INVALID)
    return [str(item) for item in value]


def phones(value: Any) -> list[dict[str, str]]:
    """Numbers have a type and the digits as typed; whatever else is sent with them is dropped."""
    if not isinstance(value, list):
        raise Wrong(INVALID)
    kept = []
    for item in value:
        if not isinstance(item, dict) or not isinstance(item.get("number"), str) or not item["number"].strip():
            raise Wrong(INVALID)
        if item.get("phone_type") not in ("Mobile", "Home", "Work", "Fax", "Other"):
            raise Wrong(NOT_LISTED)
        kept.append({"number": item["number"], "phone_type": item["phone_type"]})
    return kept


def record_id(account: ClinikoAccount, table: str) -> Check:
    def check(value: Any) -> str | None:
        if value in (None, ""):
            return None
        if isinstance(value, bool) or not re.fullmatch(r"\d+", str(value)):
            raise Wrong("must exist")
        if int(value) not in account.tables[table]:
            raise Wrong("must exist")
        return str(int(value))

    return check


@dataclass(frozen=True)
class Body:
    """The parameters of a write. `relations` maps `<name>_id` to the table it must be found in.

    A refused parameter is named by `aliases`, since the API speaks of `patient` where it was sent `patient_id`.
    """

    checks: Mapping[str, Check]
    required: tuple[str, ...] = ()
    relations: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def read(self, account: ClinikoAccount, sent: Mapping[str, Any], *, creating: bool) -> dict[str, Any]:
        """The known parameters, checked; others are ignored. Raises the 422."""
        errors: Errors = {}
        kept = self.collect(account, sent, errors, creating=creating)
        if errors:
            raise invalid(errors)
        return kept

    def collect(
        self, account: ClinikoAccount, sent: Mapping[str, Any], errors: Errors, *, creating: bool
    ) -> dict[str, Any]:
        """As `read`, but the reasons go to `errors`, so that a caller can add its own."""
        checks = {**self.checks, **{name: record_id(account, table) for name, table in self.relations.items()}}
        kept: dict[str, Any] = {}
        for name, check in checks.items():
            if name in sent:
                try:
                    kept[name] = check(sent[name])
                except Wrong as wrong:
                    errors[self.alias(name)] = str(wrong)
                    continue
            value = kept.get(name)
            if name in self.required and (creating or name in sent) and (value is None or not str(value).strip()):
                errors[self.alias(name)] = BLANK
        return kept

    def alias(self, name: str) -> str:
        if name in self.relations:
            return self.aliases.get(name, name.removesuffix("_id"))
        return self.aliases.get(name, name)
