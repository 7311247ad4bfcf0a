"""What reaches the log: account and job, never an address, a key, a token or a name."""

import contextlib
import io
import json
import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
import structlog

from webapp import logs
from webapp.extensions import db
from webapp.logs import FORBIDDEN_KEYS, mask

EMAIL = "ana.ruiz+test@clinic-post.example"
CLINIKO_KEY = "MS0" + "xLTIzNDU2Nzg5MDEyMzQ1Njc4OS1hYmNkZWZnaGlqa2xtbm9wcXJz-au1"
REFRESH = "na1-4f6c-22d1-4c7a-9b1e-8f1d6a2b3c4d"
EU_TOKEN = "eu1-b2a9-8d7c-6e5f-4a3b-2c1d0e9f8a7b"
PRIVATE_APP = "pat-" + "na1-11111111-2222-3333-4444-555555555555"
BEARER = "Bearer CKz8x9-bMhIGAAEAQAAYAQ.abcDEF_123"
BASIC = "Basic TVMweExUTXpOelkzTmpjMk9nPT06"
FERNET = "gAAAAABrBhrDn93taq5aiyJmYoHDHbc8VzqPnL0k2Jw7"
NAME = "Zoë Planted"
SECRETS = (EMAIL, CLINIKO_KEY, REFRESH, EU_TOKEN, PRIVATE_APP, BEARER, BASIC, FERNET)


class Terminal:
    """Where the application prints, set up as the application does it."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def configure(self, level: str, pretty: bool = False) -> None:
        with contextlib.redirect_stderr(self.stream):
            logs.configure(level, pretty)

    def text(self) -> str:
        """What was printed since this was last asked."""
        text = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        return text

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.text().split("\n") if line]


@pytest.fixture
def terminal():
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield Terminal()
    root.handlers, root.level = before, level
    structlog.reset_defaults()


@pytest.fixture
def printed(terminal):
    """The lines printed since it was last called."""
    terminal.configure("DEBUG")
    return terminal.lines


@pytest.fixture
def log(printed):
    return structlog.get_logger("webapp.test")


@dataclass
class Patient:
    first_name: str


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_masked_wherever_it_stands(printed, log, secret):
    log.info(f"call with {secret} failed", path=f"/x/{secret}", error=f"refused: {secret}", listed=[secret, (secret,)])
    log.info("nested", deep={"a": {"b": [{"c": secret}]}, secret: 1}, several={secret})
    logging.getLogger("some.library").warning("cannot use %s", secret)
    logging.getLogger("some.library").warning(f"cannot use {secret}")
    log.info("cannot use %s", secret)
    lines = printed()
    assert len(lines) == 5
    assert secret not in json.dumps(lines, ensure_ascii=False)
    assert "[hidden]" in json.dumps(lines)


@pytest.mark.parametrize("key", sorted(FORBIDDEN_KEYS))
def test_fields_that_hold_people_or_secrets_are_never_printed(printed, log, key):
    log.info("event", **{key: NAME})
    log.info("event", **{key.upper(): NAME}, inside={key: NAME, "rows": [{key.title(): NAME}]})
    lines = printed()
    assert len(lines) == 2 and NAME not in json.dumps(lines, ensure_ascii=False)


def test_records_and_errors_leave_their_kind_only(printed, log):
    log.info("event", record=Patient(NAME), error=ValueError(NAME), raw=NAME.encode(), kind=Patient)
    (line,) = printed()
    assert (line["record"], line["error"], line["raw"]) == ("Patient", "ValueError", "bytes")
    assert NAME not in json.dumps(line, ensure_ascii=False)


def raise_with(text: str) -> None:
    raise RuntimeError(text)


@pytest.mark.parametrize("how", ["structlog", "structlog given", "library"])
def test_an_exception_leaves_kind_and_place_without_its_text(printed, log, how):
    try:
        raise_with(f"{NAME} {EMAIL}")
    except RuntimeError as problem:
        if how == "structlog":
            log.exception("it_failed")
        elif how == "structlog given":
            log.error("it_failed", exc_info=problem)
        else:
            logging.getLogger("some.library").exception("it_failed")
    (line,) = printed()
    assert line["error"] == "RuntimeError"
    assert line["at"].startswith("tests/webapp/test_logs.py:")
    assert "Zoë" not in json.dumps(line, ensure_ascii=False) and "Traceback" not in json.dumps(line)


def test_a_database_error_does_not_repeat_its_statement(app, terminal):
    terminal.configure("DEBUG")
    try:
        db.session.execute(sa.text("INSERT INTO nowhere (name) VALUES (:name)"), {"name": NAME})
    except sa.exc.SQLAlchemyError:
        db.session.rollback()
        structlog.get_logger("webapp.test").exception("statement_failed")
    (line,) = terminal.lines()
    assert line["error"] == "OperationalError"
    assert line["at"].startswith("tests/webapp/test_logs.py:"), "a place in a library tells nobody what to do"
    assert NAME not in json.dumps(line, ensure_ascii=False) and "INSERT" not in json.dumps(line)


def test_account_and_job_are_on_every_line(printed, log):
    with structlog.contextvars.bound_contextvars(hub_id=20_000_001, job_id="sync-20000001-patients-7"):
        log.info("stream_stopped", stream="patients")
        logging.getLogger("some.library").warning("something")
    for line in printed():
        assert (line["hub_id"], line["job_id"]) == (20_000_001, "sync-20000001-patients-7")
        assert line["level"] in ("info", "warning") and line["logger"] and line["timestamp"].endswith("Z")


def test_no_job_id_is_taken_for_a_key(printed, log):
    """Some random ids end a part with two letters and two digits, as a Cliniko key does."""
    ids = [f"check-{uuid.UUID(int=(number << 96) | (0xAB12 << 48) | 0x4000 << 64)}" for number in range(1, 40)]
    assert any(mask(one) != one for one in ids), "the ids no longer look like keys: choose others"
    for one in ids:
        log.info("job_failed", job_id=one, hub_id=20_000_001)
    assert [line["job_id"] for line in printed()] == ids


def test_ordinary_values_are_printed_as_they_are(printed, log):
    moment = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    log.info(
        "ended",
        number=5,
        share=0.5,
        amount=Decimal("12.50"),
        on=True,
        nothing=None,
        moment=moment,
        path="/crm/objects/2026-09/contacts/batch/update",
        cause="rate_limited",
        at="jobs/sync/engine.py:42",
        streams=["patients", "contacts"],
    )
    (line,) = printed()
    assert line["event"] == "ended" and line["path"] == "/crm/objects/2026-09/contacts/batch/update"
    assert (line["number"], line["share"], line["amount"], line["on"], line["nothing"]) == (5, 0.5, "12.50", True, None)
    assert (line["moment"], line["cause"], line["at"]) == (str(moment), "rate_limited", "jobs/sync/engine.py:42")
    assert line["streams"] == ["patients", "contacts"]


@pytest.mark.parametrize(
    "text",
    [
        "sync-20000001-patients-12",
        "2026-03-28T23:30:00Z",
        "2f1b8c1e-5d0f-4f5e-9d0a-3f8f0a1b2c3d",
        "jobs.tasks.connect.check_key",
        "GET /v1/patients",
        "HubSpot answered 429",
        "basic set-up",
        "https://api.au1.cliniko.com/v1",
    ],
)
def test_nothing_else_is_masked(text):
    assert mask(text) == text


def test_each_line_is_one_json_object(printed, log):
    log.info("event", text='two\nlines\r\n\t"quoted" \x00 \u2028')
    log.info("event\nwith a break")
    assert [line["event"] for line in printed()] == ["event", "event\nwith a break"]


def test_the_level_counts(terminal):
    terminal.configure("WARNING")
    structlog.get_logger("webapp.test").info("quiet")
    logging.getLogger("webapp.other").info("quiet")
    structlog.get_logger("webapp.test").warning("loud")
    assert [line["event"] for line in terminal.lines()] == ["loud"]


def test_libraries_that_print_addresses_are_quiet(printed):
    for name in ("httpx", "httpcore", "werkzeug", "urllib3"):
        logging.getLogger(name).info("GET https://api.hubapi.com/oauth?code=abc")
    assert printed() == []


def test_text_for_people_hides_the_same(terminal):
    terminal.configure("INFO", pretty=True)
    structlog.get_logger("webapp.test").info("event", email=EMAIL, text=f"of {EMAIL}", job_id="start-1")
    text = terminal.text()
    assert EMAIL not in text and "start-1" in text
