"""What a visitor or a script sees when something fails: plain words or JSON, and never a trace."""

import uuid

import structlog
from flask import Flask, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

log = structlog.get_logger()

MESSAGES = {
    400: ("This request cannot be used", "Go back, reload the page and try again."),
    401: ("You are signed out", "Open CRMConnect from HubSpot, or install it, to sign in."),
    403: ("This is not allowed", "Ask the person who installed CRMConnect in HubSpot."),
    404: ("This page does not exist", "Check the address, or start from the dashboard."),
    405: ("This page works in another way", "Start from the dashboard."),
    413: ("This file is too large", "Choose a smaller one."),
    429: ("Too many tries", "Wait a minute and try again."),
    500: ("Something went wrong on our side", "Nothing was lost. Try again in a minute."),
    503: ("The service is starting or being repaired", "Try again in a minute."),
}
# What the card in HubSpot is told; its own page of faults is docs/card-api.md.
CARD_PATH = "/card/"
CARD_CODES = {
    400: "body_invalid",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    500: "internal",
    503: "unavailable",
}
JSON_PATHS = (CARD_PATH, "/webhooks/", "/healthz", "/readyz", "/metrics")


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(CSRFError, lambda error: reply(400, "The page was open for too long."))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def wants_json() -> bool:
    """Does whoever asks read JSON rather than a page?"""
    if request.path.startswith(JSON_PATHS):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def reply(status: int, reason: str | None = None, reference: str | None = None) -> ResponseReturnValue:
    """The error answer in the form the asker reads."""
    title, remedy = MESSAGES.get(status, MESSAGES[500 if status >= 500 else 400])
    if request.path.startswith(CARD_PATH):
        code = CARD_CODES.get(status, "internal" if status >= 500 else "body_invalid")
        return jsonify(code=code, message=f"{reason or title}.", reference=reference or new_reference()), status
    if wants_json():
        body = {"error": {"code": status, "message": reason or title, "remedy": remedy, "reference": reference}}
        return jsonify(body), status
    page = render_template("errors/error.html", title=title, reason=reason, remedy=remedy, reference=reference)
    return page, status


def new_reference() -> str:
    """A word that is told to the asker and stands in the log."""
    return uuid.uuid4().hex[:12]


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    status = error.code or 500
    if status < 400:
        return error.get_response()
    answer = make_response(reply(status))
    # Which methods are right, how long to wait: part of the answer, whatever its words.
    for name, value in error.get_headers():
        if name != "Content-Type":
            answer.headers[name] = value
    return answer


def _unexpected(error: Exception) -> ResponseReturnValue:
    reference = new_reference()
    path = request.url_rule.rule if request.url_rule else None
    log.error("request_failed", path=path, reference=reference, exc_info=error)
    return reply(500, reference=reference)
