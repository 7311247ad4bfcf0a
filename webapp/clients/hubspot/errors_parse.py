"""The only file that reads HubSpot's error texts. Codes and contexts come first, texts where there is nothing else."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx
import msgspec

from webapp.clients import policy
from webapp.clients.errors import (
    ApiError,
    FieldError,
    Forbidden,
    NotFound,
    OurFault,
    Rejected,
    Throttled,
    Unavailable,
)
from webapp.clients.hubspot.shapes import BatchError
from webapp.clients.policy import Action
from webapp.clock import now

_EXISTING = re.compile(r"Existing ID:\s*(\d+)")
_HOLDER = re.compile(r"\bon \d+\.\s+(\d+) already has that value")
_COORDINATES = re.compile(r"PropertyValueCoordinates\{[^}]*\}?[^}]*?propertyName=([A-Za-z0-9_]+)")
_PIPELINE_CAP = re.compile(r"reached your limit of (\d+) deal pipeline", re.IGNORECASE)
_PROPERTY_CAP = re.compile(r"(?:limit|maximum)[^.]{0,60}custom propert", re.IGNORECASE)
_BAD_EMAIL = re.compile(r"INVALID_EMAIL|Email address .{0,320} is invalid", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"CONFLICTING_UNIQUE_VALUE|PROPERTY_DOESNT_EXIST|STAGE_ID_EXISTS_IN_ANOTHER_PIPELINE")
_NO_PROPERTY = re.compile(r'Property ["\'“]?([A-Za-z0-9_]+)["\'”]? does not exist')

PIPELINE_LIMIT = "PIPELINE_LIMIT"
PROPERTY_LIMIT = "PROPERTY_LIMIT"


def failure(response: httpx.Response, attempt: int, *, search: bool = False) -> ApiError:
    """The error for an answer that is not a success. A 401 comes back as Unavailable: only a refused refresh proves
    that the app was uninstalled."""
    status = response.status_code
    body = _body(response)
    category = _word(body.get("category")) or _word(body.get("errorType"))
    correlation = _word(body.get("correlationId")) or _word(response.headers.get("X-HubSpot-Correlation-Id"))
    detail = _text(body.get("message"))
    match policy.action_for(status):
        case Action.SIGN_IN:
            return Unavailable("hubspot", status=status, category=category, detail=detail, correlation_id=correlation)
        case Action.FORBIDDEN:
            return Forbidden(
                "hubspot",
                status=status,
                category=category,
                detail=detail,
                correlation_id=correlation,
                missing_scopes=_scopes(body),
            )
        case Action.NOT_FOUND:
            return NotFound("hubspot", status=status, category=category, detail=detail, correlation_id=correlation)
        case Action.REJECTED:
            return Rejected(
                "hubspot",
                status=status,
                category=category,
                detail=detail,
                correlation_id=correlation,
                errors=field_errors(body),
                existing_id=holder(body),
            )
        case Action.WAIT:
            at = _retry_at(status, body, response.headers, attempt, search=search)
            return Throttled("hubspot", status=status, category=category, correlation_id=correlation, retry_at=at)
        case Action.RETRY:
            return Unavailable(
                "hubspot",
                status=status,
                category=category,
                correlation_id=correlation,
                retry_at=policy.retry_after(response.headers, now()),
            )
        case _:
            return OurFault("hubspot", status=status, category=category, detail=detail, correlation_id=correlation)


def batch_error(raw: Mapping[str, Any]) -> BatchError:
    """One entry of a batch answer's `errors`."""
    context = _mapping(raw.get("context"))
    errors = field_errors(raw)
    return BatchError(
        message=_text(raw.get("message")),
        category=_word(raw.get("category")) or "",
        trace_ids=_texts(context.get("objectWriteTraceId")),
        ids=_texts(context.get("ids")) or _texts(context.get("id")) or _texts(raw.get("id")),
        codes=tuple(dict.fromkeys(error.code for error in errors if error.code)),
        property_names=tuple(dict.fromkeys(error.field for error in errors if error.field)),
        holder_id=holder(raw),
    )


def field_errors(body: Mapping[str, Any]) -> tuple[FieldError, ...]:
    """Every refused property with its code: from `errors[]`, from contexts, and from the text where it names one."""
    found: dict[tuple[str | None, str | None], FieldError] = {}
    for part in _inner(body) or _embedded(_text(body.get("message"))):
        for error in _read_part(part):
            found.setdefault((error.field, error.code), error)
    # The whole usually repeats its parts in other words: only what it says besides is kept.
    known = {name for error in found.values() for name in (error.field, error.code)}
    for error in _read_part(body):
        if not found or not {error.field, error.code} <= known | {None}:
            found.setdefault((error.field, error.code), error)
    return tuple(found.values())


def _read_part(part: Mapping[str, Any]) -> list[FieldError]:
    message = _text(part.get("message"))
    names = _texts(_mapping(part.get("context")).get("propertyName")) or _texts(part.get("name")) or _named_in(message)
    code = _word(part.get("code")) or _code_in(f"{message} {_text(part.get('subCategory'))}")
    return [FieldError(name, code, message) for name in names or (None,)]


def _embedded(message: str) -> list[Mapping[str, Any]]:
    """The refusals that HubSpot prints as JSON inside a text: `Property values were not valid: [{…}]`."""
    start, end = message.find("[{"), message.rfind("}]")
    try:
        parts = msgspec.json.decode(message[start : end + 2]) if 0 <= start < end else []
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    return [{**part, "code": part.get("error")} for part in parts if isinstance(part, Mapping)]


def holder(body: Mapping[str, Any]) -> str | None:
    """The record that already holds a unique value, when the answer names it. Never the half-made record."""
    for part in _parts(body):
        message = _text(part.get("message"))
        named = _HOLDER.search(message) or _EXISTING.search(message)
        if named:
            return named[1]
    return None


def _parts(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from _inner(body)
    yield body


def _inner(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    errors = body.get("errors")
    return [e for e in errors if isinstance(e, Mapping)] if isinstance(errors, list) else []


def _named_in(message: str) -> tuple[str, ...]:
    found = _COORDINATES.search(message) or _NO_PROPERTY.search(message)
    return (found[1],) if found else ()


def _code_in(message: str) -> str | None:
    if _PIPELINE_CAP.search(message):
        return PIPELINE_LIMIT
    if _BAD_EMAIL.search(message):
        return "INVALID_EMAIL"
    if _NO_PROPERTY.search(message):
        return "PROPERTY_DOESNT_EXIST"
    found = _CODE.search(message)
    if found:
        return found[0]
    return PROPERTY_LIMIT if _PROPERTY_CAP.search(message) else None


def _scopes(body: Mapping[str, Any]) -> tuple[str, ...]:
    scopes: list[str] = []
    for part in _parts(body):
        context = _mapping(part.get("context"))
        for key in ("requiredGranularScopes", "requiredScopes", "missingScopes"):
            scopes.extend(_texts(context.get(key)))
    return tuple(dict.fromkeys(scopes))


def _retry_at(status: int, body: Mapping[str, Any], headers: httpx.Headers, attempt: int, *, search: bool) -> datetime:
    moment = now()
    told = policy.retry_after(headers, moment)
    if status == 423:
        return max(told or moment, moment + timedelta(seconds=2 * attempt))
    if told is not None:
        return max(told, moment + timedelta(seconds=0.2))
    if status == 477:
        return moment + timedelta(hours=1)
    policy_name = f"{body.get('policyName', '')} {body.get('message', '')}".lower()
    if "daily" in policy_name:
        # The account's own midnight is not known here; trying at ours costs one refused call.
        tomorrow = datetime.combine(moment.date() + timedelta(days=1), time(0), UTC)
        return tomorrow + timedelta(seconds=policy.backoff(1, first=300, longest=300))
    if search or ("secondly" in policy_name and "ten_secondly" not in policy_name):
        return moment + timedelta(seconds=attempt)
    return moment + timedelta(seconds=policy.DEFAULT_WAIT_SECONDS)


def _body(response: httpx.Response) -> Mapping[str, Any]:
    try:
        return _mapping(msgspec.json.decode(response.content))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return (str(value),) if value != "" else ()
    return tuple(str(item) for item in value if item not in (None, "")) if isinstance(value, list) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _word(value: object) -> str | None:
    """A machine word such as VALIDATION_ERROR or a UUID; anything else could hold a value and is not passed on."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.\-]{1,100}", value) else None
