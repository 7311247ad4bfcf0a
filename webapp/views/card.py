"""What the card on a contact and the settings page in HubSpot ask of us, through HubSpot's relay; see docs/card-api.md.

Nothing is done while HubSpot waits: a click becomes a stored request, which a job carries out. The relay repeats a
request by itself, and so does a person; the key of the click makes all of them one.
"""

import hashlib
import uuid
from typing import Any, NoReturn, TypeVar

import msgspec
import redis
import structlog
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from jobs.queues import PUSH, enqueue_again
from webapp.clock import now
from webapp.extensions import csrf, db
from webapp.security.card_identity import Asker, NotTheirs, asked_by_hubspot
from webapp.store import pushes
from webapp.views import signin
from webapp.views.card_account import account_answer
from webapp.views.card_state import ACTIONS, card_answer
from webapp.views.card_types import CardAnswer, PushBody, SigninBody, SyncBody, UnlinkBody

blueprint = Blueprint("card", __name__, url_prefix="/card")
# HubSpot signs its requests; there is no browser and no session behind them.
csrf.exempt(blueprint)

log = structlog.get_logger()

CARRY_OUT = "jobs.tasks.push.carry_out"
LARGEST_BODY = 16 * 1024
# HubSpot's ids have fewer digits, and fit their column.
_NO_CONTACT = 10**18
Body = TypeVar("Body", SyncBody, PushBody, UnlinkBody, SigninBody)


class Refused(Exception):
    """The request cannot be used as it is."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(code)
        self.status, self.code, self.text = status, code, text


@blueprint.before_request
def limit_body() -> None:
    request.max_content_length = LARGEST_BODY


@blueprint.get("/contacts/<int:contact_id>")
@asked_by_hubspot
def contact(asker: Asker, contact_id: int) -> ResponseReturnValue:
    """How one contact stands."""
    return _json(card_answer(asker.hub_id, _contact(contact_id), now()))


@blueprint.post("/contacts/<int:contact_id>/sync")
@asked_by_hubspot
def sync(asker: Asker, contact_id: int) -> ResponseReturnValue:
    """Read the linked record now, or look for one."""
    body = _body(SyncBody)
    return _act(asker, _contact(contact_id), "sync", body.idempotency_key, {})


@blueprint.post("/contacts/<int:contact_id>/push")
@asked_by_hubspot
def push(asker: Asker, contact_id: int) -> ResponseReturnValue:
    """Send the contact to Cliniko, whatever its own switch says."""
    body = _body(PushBody)
    return _act(asker, _contact(contact_id), body.target, body.idempotency_key, {})


@blueprint.post("/contacts/<int:contact_id>/unlink")
@asked_by_hubspot
def unlink(asker: Asker, contact_id: int) -> ResponseReturnValue:
    """Break the link with the patient."""
    body = _body(UnlinkBody)
    options = {"restore_fields": body.restore_fields, "move_deals": body.move_deals}
    return _act(asker, _contact(contact_id), "unlink", body.idempotency_key, options)


@blueprint.get("/account")
@asked_by_hubspot
def account(asker: Asker) -> ResponseReturnValue:
    """How the account stands, for the settings page."""
    return _json(account_answer(asker.hub_id, now()))


@blueprint.post("/signin-link")
@asked_by_hubspot
def signin_link(asker: Asker) -> ResponseReturnValue:
    """A way to one of our pages for the person who asks."""
    body = _body(SigninBody)
    try:
        return _json(signin.make_link(asker, body.page, body.idempotency_key))
    except signin.KeyReused:
        _key_reused()


def _act(asker: Asker, contact_id: str, what: str, key: str, options: dict[str, Any]) -> ResponseReturnValue:
    """Store the click and have it carried out. The same click again answers how things stand and starts nothing."""
    digest = _digest(contact_id, what, options)
    known = pushes.by_key(asker.hub_id, key)
    if known is None and not signin.has_key(asker.hub_id, key):
        answer = card_answer(asker.hub_id, contact_id, now())
        if not _may(answer, what):
            return _json(answer)
        known = pushes.ask_once(asker.hub_id, what, contact_id, key, digest, asker.label, options)
        _hand_over(asker.hub_id)
    if known is None or known.digest != digest:
        _key_reused()
    return _json(card_answer(asker.hub_id, contact_id, now()))


def _may(answer: CardAnswer, what: str) -> bool:
    """Could this button be pressed? One that was pressed a moment before the state changed starts nothing."""
    return answer.actions[ACTIONS[what]].allowed


def _hand_over(hub_id: int) -> None:
    try:
        enqueue_again(PUSH, CARRY_OUT, hub_id, job_id=f"push-{hub_id}")
    except redis.RedisError as error:
        # The click is stored: it is carried out when the queue is back, and the same key does not store it twice.
        log.error("click_waits_for_queue", hub_id=hub_id, error=type(error).__name__)
        raise Refused(503, "unavailable", "The work cannot be handed over now. It is stored.") from None


def _digest(contact_id: str, what: str, options: dict[str, Any]) -> bytes:
    """Stands for all that a click asked for."""
    return hashlib.sha256(msgspec.json.encode([contact_id, what, sorted(options.items())])).digest()[:16]


def _contact(contact_id: int) -> str:
    if contact_id >= _NO_CONTACT:
        raise Refused(404, "not_found", "There is nothing at this address.")
    return str(contact_id)


def _body(shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(request.get_data(), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(400, "body_invalid", "The body is not what this address takes.") from None


def _key_reused() -> NoReturn:
    raise Refused(409, "key_reused", "This key came with another request before.")


def _json(answer: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(answer), status=status, content_type="application/json")


@blueprint.errorhandler(Refused)
@blueprint.errorhandler(NotTheirs)
def refused(error: Refused | NotTheirs) -> ResponseReturnValue:
    return _fault(error.status, error.code, error.text)


@blueprint.errorhandler(SQLAlchemyError)
def no_database(error: SQLAlchemyError) -> ResponseReturnValue:
    db.session.rollback()
    log.error("card_without_database", error=type(error).__name__)
    return _fault(503, "unavailable", "The database cannot be reached.")


def _fault(status: int, code: str, text: str) -> ResponseReturnValue:
    reference = uuid.uuid4().hex[:12]
    log.warning("card_refused", code=code, reference=reference)
    return _json({"code": code, "message": text, "reference": reference}, status)
